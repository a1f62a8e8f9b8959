//! Framed areas: a pane with its title, and a sheet laid over the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::row::{Row, clean};
use crate::base::text::{columns, cut};
use crate::ui::theme::{Role, Theme};

/// Draws a frame with a title at the left and a remark at the right; answers what is inside.
pub fn pane(area: Rect, title: &str, remark: &str, frame: Role, theme: &Theme, buf: &mut Buffer) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let [top_left, top_right, bottom_right, bottom_left, across, down] = theme.glyphs.border;
    let style = theme.style(frame);
    let (left, right) = (area.x, area.right() - 1);
    let (top, bottom) = (area.y, area.bottom() - 1);
    let rule = across.repeat(usize::from(area.width - 2));
    buf.set_string(left, top, format!("{top_left}{rule}{top_right}"), style);
    buf.set_string(left, bottom, format!("{bottom_left}{rule}{bottom_right}"), style);
    for y in top + 1..bottom {
        buf.set_string(left, y, down, style);
        buf.set_string(right, y, down, style);
    }
    let room = usize::from(area.width).saturating_sub(4);
    // Clean before it is measured, and after: the sign of a cut is one of ours.
    let short = |text: &str, room| clean(theme, &cut(&clean(theme, text), room));
    let remark = short(remark, room / 2);
    let title = short(title, room.saturating_sub(columns(&remark) + 3));
    // Over the frame's own style: nothing of it is left in the title.
    let title_style = if frame == Role::Muted { Style::reset().patch(theme.style(Role::Title)) } else { style };
    if !title.is_empty() {
        buf.set_stringn(left + 1, top, format!(" {title} "), room + 1, title_style);
    }
    if !remark.is_empty() {
        let wide = u16::try_from(columns(&remark)).unwrap_or(0) + 2;
        buf.set_stringn(right.saturating_sub(wide), top, format!(" {remark} "), room, style);
    }
    Rect { x: left + 1, y: top + 1, width: area.width - 2, height: area.height - 2 }
}

/// Marks on the frame around `inner` how many lines there are above and below those that are seen: a list that ends at
/// its frame looks whole.
pub fn beyond(inner: Rect, above: usize, below: usize, frame: Role, theme: &Theme, buf: &mut Buffer) {
    let sign = |glyph: &str, count: usize| if count > 0 { format!(" {glyph}{count}") } else { String::new() };
    let words = format!("{}{}", sign(theme.glyphs.above, above), sign(theme.glyphs.unfolded, below));
    let wide = u16::try_from(columns(&words) + 1).unwrap_or(u16::MAX);
    // A column of the frame stands between it and the corner.
    if words.is_empty() || wide >= inner.width {
        return;
    }
    let at = Rect { x: inner.right() - wide - 1, y: inner.bottom(), width: wide, height: 1 };
    if at.intersection(buf.area) == at {
        buf.set_stringn(at.x, at.y, format!("{words} "), usize::from(wide), theme.style(frame));
    }
}

/// [`beyond`] of a window of `count` lines.
pub fn window(inner: Rect, seen: &std::ops::Range<usize>, count: usize, frame: Role, theme: &Theme, buf: &mut Buffer) {
    beyond(inner, seen.start.min(count), count.saturating_sub(seen.end), frame, theme, buf);
}

/// Empties `area` and frames it: what lies under does not show through.
pub fn sheet(area: Rect, title: &str, remark: &str, frame: Role, theme: &Theme, buf: &mut Buffer) -> Rect {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        // A sign of two columns under the left edge would take the edge's own with it.
        if let Some(before) = area.x.checked_sub(1).filter(|x| *x >= buf.area.x)
            && columns(buf[(before, y)].symbol()) > 1
        {
            buf[(before, y)].set_symbol(" ");
        }
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
        }
    }
    pane(area, title, remark, frame, theme, buf)
}

/// A sheet's area in the middle of `area`, at most `width` × `height`.
#[must_use]
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Draws rows from the top of `area`, as many as fit.
pub fn rows<'t>(rows: impl IntoIterator<Item = Row<'t>>, area: Rect, buf: &mut Buffer) {
    for (y, row) in (area.top()..area.bottom()).zip(rows) {
        row.put(Rect { y, height: 1, ..area }, buf);
    }
}

/// Fills one line of `area` with a style.
pub fn band(area: Rect, style: Style, buf: &mut Buffer) {
    buf.set_style(Rect { height: 1.min(area.height), ..area }.intersection(buf.area), style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_that_is_cut_is_ascii_where_all_is() {
        let theme = Theme::new(false, true);
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 3));
        let inner = pane(buf.area, "a title of many words", "and a remark", Role::Plain, &theme, &mut buf);
        beyond(inner, 3, 12, Role::Plain, &theme, &mut buf);
        let shown: String = buf.content().iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(shown.is_ascii() && shown.contains('~') && shown.contains(" ^3 v12 "), "{shown}");
    }

    #[test]
    fn a_sheet_over_signs_of_two_columns_keeps_its_edges() {
        let theme = Theme::default();
        for x in 1..5 {
            let mut buf = Buffer::empty(Rect::new(0, 0, 12, 3));
            (0..3).for_each(|y| buf.set_string(0, y, "配信を開始す", Style::new()));
            sheet(Rect::new(x, 0, 5, 3), "", "", Role::Plain, &theme, &mut buf);
            for y in 0..3 {
                let before = buf[(x - 1, y)].symbol();
                assert!(columns(before) < 2, "{before} lies under the edge at {x},{y}");
            }
            assert_eq!([buf[(x, 1)].symbol(), buf[(x + 4, 1)].symbol()], ["│", "│"]);
        }
    }
}
