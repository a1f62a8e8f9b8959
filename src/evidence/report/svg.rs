//! Pictures as SVG inside the page: shapes, and words that were made harmless. Colours are the sheet's classes.

use std::fmt::Write as _;

use super::document::Tone;
use super::picture::{Axis, Lane, Picture, Piece, Plot, What};
use crate::base::text::markup;

const WIDTH: f64 = 900.0;
const RIGHT: f64 = 14.0;
/// The gutter of names, and that of a scale's numbers.
const NAMES: f64 = 130.0;
const NUMBERS: f64 = 70.0;
const LANE: f64 = 22.0;
const PLOT: f64 = 200.0;
/// Above a plot, for its legend.
const LEGEND: f64 = 24.0;
/// Below, for the axis.
const FOOT: f64 = 40.0;
/// What is shorter is drawn this wide: a breach of a second in a launch of two days is seen.
const LEAST: f64 = 2.5;
/// Letters of a lane's name.
const NAME: usize = 18;

/// `picture` as an element; `number` makes its names its own.
pub(super) fn svg(picture: &Picture, number: usize) -> String {
    let Picture { title, told, axis, what } = picture;
    let (left, height) = match what {
        What::Lanes(lanes) => (NAMES, LANE * lanes.len() as f64),
        What::Plot(_) => (NUMBERS, LEGEND + PLOT),
    };
    let mut drawing = Drawing { out: String::new(), axis, left, height };
    let _ = writeln!(
        drawing.out,
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"p{number}t p{number}d\"><title id=\"p{number}t\">{}</title><desc id=\"p{number}d\">{}</desc>",
        height + FOOT,
        markup(title),
        markup(told),
    );
    drawing.grid();
    match what {
        What::Lanes(lanes) => drawing.lanes(lanes),
        What::Plot(plot) => drawing.plot(plot),
    }
    drawing.out.push_str("</svg>\n");
    drawing.out
}

struct Drawing<'a> {
    out: String,
    axis: &'a Axis,
    left: f64,
    /// Above the axis.
    height: f64,
}

impl Drawing<'_> {
    fn x(&self, at: i64) -> f64 {
        self.left + self.axis.place(at) * (WIDTH - RIGHT - self.left)
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
            markup(text)
        );
    }

    fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ =
            writeln!(self.out, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
    }

    fn grid(&mut self) {
        let axis = self.axis;
        let bottom = self.height;
        self.line("grid", (self.left, bottom), (WIDTH - RIGHT, bottom));
        let mut last = f64::MIN;
        for (at, label) in &axis.ticks {
            let x = self.x(*at);
            self.line("grid", (x, 0.0), (x, bottom + 4.0));
            // Two labels never lie over each other.
            if x - last > 44.0 {
                self.text(x, bottom + 17.0, "middle", "small", label);
                last = x;
            }
        }
        if let Some(t0) = axis.t0 {
            let x = self.x(t0);
            self.line("t0", (x, 0.0), (x, bottom + 4.0));
        }
        self.text(WIDTH - RIGHT, bottom + 33.0, "end", "small", axis.named);
    }

    fn piece(&mut self, piece: &Piece, top: f64, height: f64, class: &str) {
        let (from, until) = (self.x(piece.from.0), self.x(piece.until.0));
        // What lies wholly beside the picture has no place in it.
        if piece.until.0 < self.axis.from || piece.from.0 > self.axis.until {
            return;
        }
        let width = (until - from).max(LEAST);
        let from = from.min(WIDTH - RIGHT - width);
        let _ = writeln!(
            self.out,
            "<rect class=\"f-{}{class}\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{}</title></rect>",
            piece.tone.name(),
            markup(&piece.label),
        );
    }

    fn lanes(&mut self, lanes: &[Lane]) {
        for (n, lane) in lanes.iter().enumerate() {
            let top = LANE * n as f64;
            let name: String = match lane.name.char_indices().nth(NAME) {
                Some((end, _)) => format!("{}…", &lane.name[..end]),
                None => lane.name.clone(),
            };
            self.text(self.left - 8.0, top + LANE - 7.0, "end", "", &name);
            // What is ill is never hidden behind what is well: it is drawn last, and taller.
            let mut order: Vec<&Piece> = lane.pieces.iter().collect();
            order.sort_by_key(|piece| piece.tone);
            for piece in order {
                let tall = if piece.tone > Tone::Pass { 16.0 } else { 9.0 };
                self.piece(piece, top + (LANE - tall) / 2.0, tall, "");
            }
            for point in &lane.points {
                let (x, y) = (self.x(point.at.0), top + LANE / 2.0);
                let _ = writeln!(
                    self.out,
                    "<circle class=\"f-{} dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"><title>{}</title></circle>",
                    point.tone.name(),
                    markup(&point.label),
                );
            }
        }
    }

    fn plot(&mut self, plot: &Plot) {
        let y = |value: f64| {
            let part = plot.part(value);
            LEGEND + PLOT * (1.0 - part)
        };
        for band in &plot.bands {
            self.piece(band, LEGEND, PLOT, " ill");
        }
        for (value, label) in &plot.scale {
            let y = y(*value);
            self.line("grid", (self.left, y), (WIDTH - RIGHT, y));
            self.text(self.left - 6.0, y + 4.0, "end", "small", label);
        }
        for (from, until, share) in &plot.failures {
            let (x, width) = (self.x(*from), (self.x(*until) - self.x(*from)).max(LEAST));
            let height = (PLOT * share.clamp(0.0, 1.0)).max(2.0);
            let top = LEGEND + PLOT - height;
            let percent = share * 100.0;
            let _ = writeln!(
                self.out,
                "<rect class=\"f-fail\" fill-opacity=\".55\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{percent:.1}% failed</title></rect>"
            );
        }
        for (n, line) in plot.lines.iter().enumerate() {
            let class = n.min(1);
            self.path(&line.points, class, &y);
            let x = self.left + 4.0 + 190.0 * n as f64;
            let _ = writeln!(self.out, "<path class=\"l{class}\" d=\"M{x:.1} 11h26\"/>");
            self.text(x + 32.0, 15.0, "start", "", &line.name);
        }
        for (value, words) in &plot.limits {
            let at = y(*value);
            self.line("limit", (self.left, at), (WIDTH - RIGHT, at));
            self.text(WIDTH - RIGHT - 2.0, at - 4.0, "end", "", words);
        }
        if !plot.failures.is_empty() {
            let x = self.left + 4.0 + 190.0 * plot.lines.len() as f64;
            let _ = writeln!(
                self.out,
                "<rect class=\"f-fail\" fill-opacity=\".55\" x=\"{x:.1}\" y=\"6\" width=\"12\" height=\"11\"/>"
            );
            self.text(x + 18.0, 15.0, "start", "", "share that failed, of the whole height");
        }
    }

    /// A line broken wherever nothing is known; what stands alone is a dot.
    fn path(&mut self, points: &[Option<(i64, f64)>], class: usize, y: &dyn Fn(f64) -> f64) {
        let (mut path, mut dots) = (String::new(), String::new());
        for stretch in points.split(Option::is_none) {
            let stretch: Vec<(f64, f64)> =
                stretch.iter().flatten().map(|(at, value)| (self.x(*at), y(*value))).collect();
            match stretch.as_slice() {
                [] => {}
                [(x, y)] => {
                    let _ = write!(dots, "<circle class=\"d{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.8\"/>");
                }
                [(x, y), rest @ ..] => {
                    let _ = write!(path, "M{x:.1} {y:.1}");
                    for (x, y) in rest {
                        let _ = write!(path, "L{x:.1} {y:.1}");
                    }
                }
            }
        }
        if !path.is_empty() {
            let _ = writeln!(self.out, "<path class=\"l{class}\" d=\"{path}\"/>");
        }
        if !dots.is_empty() {
            let _ = writeln!(self.out, "{dots}");
        }
    }
}
