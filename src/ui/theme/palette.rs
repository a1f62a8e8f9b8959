//! The palettes: what a role looks like in each, by sixteen colours or by 256. A text on the terminal's own
//! background is never yellow, white or a bright cyan: the background may be white. Where a colour is a background,
//! its text has a colour too.

use ratatui::style::{Color, Modifier, Style};

use super::Role;

/// A palette, by the word that chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Palette {
    /// The terminal's own sixteen colours.
    #[default]
    Ansi,
    /// Black on bright and white on dark, nothing dimmed.
    HighContrast,
    /// Told apart without red against green; tried with the three usual weaknesses.
    ColourBlind,
    /// For a white background.
    Light,
    /// Bold, reverse, underline and dim alone.
    Mono,
}

/// How many colours the terminal knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    #[default]
    Sixteen,
    /// 256, by their index.
    Indexed,
}

const BOLD: Modifier = Modifier::BOLD;
const DIM: Modifier = Modifier::DIM;
const UNDER: Modifier = Modifier::UNDERLINED;
const REVERSED: Modifier = Modifier::REVERSED;

impl Palette {
    pub const ALL: [Self; 5] = [Self::Ansi, Self::HighContrast, Self::ColourBlind, Self::Light, Self::Mono];
    /// The words, in the order of [`Self::ALL`].
    pub const WORDS: [&str; 5] = ["ansi", "high-contrast", "colour-blind", "light", "mono"];

    #[must_use]
    pub fn by_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().zip(Self::ALL).find(|(known, _)| *known == word).map(|(_, palette)| palette)
    }

    #[must_use]
    pub fn style(self, depth: Depth, role: Role) -> Style {
        match (self, depth) {
            (Self::Ansi, _) => ansi(role),
            (Self::HighContrast, Depth::Sixteen) => high_contrast(role, Color::White, Color::Red, Color::Magenta),
            // Darker than the sixteen's own.
            (Self::HighContrast, Depth::Indexed) => {
                high_contrast(role, Color::Indexed(231), Color::Indexed(88), Color::Indexed(54))
            }
            (Self::ColourBlind, Depth::Sixteen) => colour_blind(role),
            (Self::ColourBlind, Depth::Indexed) => colour_blind_indexed(role),
            (Self::Light, Depth::Sixteen) => light(role),
            (Self::Light, Depth::Indexed) => light_indexed(role),
            (Self::Mono, _) => mono(role),
        }
    }
}

fn plain() -> Style {
    Style::new()
}

fn text(colour: Color, modifier: Modifier) -> Style {
    plain().fg(colour).add_modifier(modifier)
}

/// A text with a background of its own: it reads the same on every terminal.
fn chip(on: Color, colour: Color) -> Style {
    plain().fg(colour).bg(on)
}

fn at(index: u8) -> Color {
    Color::Indexed(index)
}

fn ansi(role: Role) -> Style {
    match role {
        Role::Plain => plain(),
        // Dim and no colour: bright black is the background's own colour in some palettes.
        Role::Muted => plain().add_modifier(DIM),
        Role::Title => plain().add_modifier(BOLD),
        Role::Passed => text(Color::Green, Modifier::empty()),
        Role::Failed => text(Color::Red, BOLD),
        Role::Warned => chip(Color::LightYellow, Color::Black),
        Role::Unknown => text(Color::Magenta, BOLD),
        Role::Stale => text(Color::Magenta, Modifier::empty()),
        Role::Running => text(Color::Cyan, Modifier::empty()),
        // The dark blue cannot be read on black, nor the light cyan on white.
        Role::Skipped => text(Color::LightBlue, Modifier::empty()),
        Role::Focus => text(Color::LightBlue, BOLD),
        // Not bold: where bold means bright, black turns grey.
        Role::Held => chip(Color::Yellow, Color::Black),
        Role::Danger => chip(Color::Red, Color::White).add_modifier(BOLD),
    }
}

fn high_contrast(role: Role, white: Color, red: Color, purple: Color) -> Style {
    match role {
        Role::Plain | Role::Muted | Role::Skipped => plain(),
        Role::Title => plain().add_modifier(BOLD),
        Role::Passed => chip(Color::LightGreen, Color::Black),
        Role::Failed => chip(red, white),
        Role::Warned => chip(Color::LightYellow, Color::Black),
        Role::Unknown => chip(purple, white),
        Role::Stale => chip(purple, white).add_modifier(UNDER),
        Role::Running => chip(Color::LightCyan, Color::Black),
        Role::Focus => plain().add_modifier(BOLD | REVERSED),
        Role::Held => plain().add_modifier(REVERSED),
        Role::Danger => chip(red, white).add_modifier(BOLD | UNDER),
    }
}

fn colour_blind(role: Role) -> Style {
    match role {
        Role::Passed => text(Color::LightBlue, Modifier::empty()),
        Role::Unknown => chip(Color::DarkGray, Color::White),
        Role::Stale => chip(Color::DarkGray, Color::White).add_modifier(UNDER),
        Role::Skipped => plain().add_modifier(DIM),
        other => ansi(other),
    }
}

fn colour_blind_indexed(role: Role) -> Style {
    match role {
        // Blue against orange is told apart by nearly everybody; each is as far from black as from white.
        Role::Passed => text(at(33), Modifier::empty()),
        Role::Failed => text(at(166), BOLD),
        Role::Warned => chip(at(220), at(16)),
        Role::Unknown => text(at(133), BOLD),
        Role::Stale => text(at(133), Modifier::empty()),
        Role::Running => text(at(30), Modifier::empty()),
        Role::Skipped => text(at(244), Modifier::empty()),
        Role::Focus => text(at(30), BOLD),
        Role::Held => chip(at(214), at(16)),
        Role::Danger => chip(at(124), at(231)).add_modifier(BOLD),
        other => ansi(other),
    }
}

fn light(role: Role) -> Style {
    match role {
        Role::Passed => text(Color::Blue, Modifier::empty()),
        Role::Running => text(Color::Blue, BOLD),
        Role::Skipped => plain().add_modifier(DIM),
        Role::Focus => text(Color::Blue, BOLD | UNDER),
        other => ansi(other),
    }
}

fn light_indexed(role: Role) -> Style {
    match role {
        Role::Passed => text(at(28), Modifier::empty()),
        Role::Failed => text(at(160), BOLD),
        Role::Warned => chip(at(220), at(16)),
        Role::Unknown => text(at(90), BOLD),
        Role::Stale => text(at(90), Modifier::empty()),
        Role::Running => text(at(24), Modifier::empty()),
        Role::Skipped => text(at(242), Modifier::empty()),
        Role::Focus => text(at(26), BOLD),
        Role::Held => chip(at(214), at(16)),
        Role::Danger => chip(at(124), at(231)).add_modifier(BOLD),
        other => ansi(other),
    }
}

fn mono(role: Role) -> Style {
    match role {
        Role::Plain | Role::Passed | Role::Stale | Role::Running | Role::Skipped => plain(),
        Role::Muted => plain().add_modifier(DIM),
        Role::Title | Role::Failed | Role::Warned | Role::Unknown | Role::Focus => plain().add_modifier(BOLD),
        // An emergency is no hold, also where there is no red.
        Role::Held => plain().add_modifier(REVERSED),
        Role::Danger => plain().add_modifier(REVERSED | BOLD | UNDER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: [f64; 3] = [0.0; 3];
    const WHITE: [f64; 3] = [255.0; 3];
    /// xterm's own sixteen: the harshest to read on white, and white is its background.
    const SIXTEEN: [(Color, [f64; 3]); 16] = [
        (Color::Black, [0.0, 0.0, 0.0]),
        (Color::Red, [205.0, 0.0, 0.0]),
        (Color::Green, [0.0, 205.0, 0.0]),
        (Color::Yellow, [205.0, 205.0, 0.0]),
        (Color::Blue, [0.0, 0.0, 238.0]),
        (Color::Magenta, [205.0, 0.0, 205.0]),
        (Color::Cyan, [0.0, 205.0, 205.0]),
        (Color::Gray, [229.0, 229.0, 229.0]),
        (Color::DarkGray, [127.0, 127.0, 127.0]),
        (Color::LightRed, [255.0, 0.0, 0.0]),
        (Color::LightGreen, [0.0, 255.0, 0.0]),
        (Color::LightYellow, [255.0, 255.0, 0.0]),
        (Color::LightBlue, [92.0, 92.0, 255.0]),
        (Color::LightMagenta, [255.0, 0.0, 255.0]),
        (Color::LightCyan, [0.0, 255.0, 255.0]),
        (Color::White, [255.0, 255.0, 255.0]),
    ];

    fn rgb(colour: Color) -> [f64; 3] {
        match colour {
            Color::Indexed(n @ 232..) => [f64::from(8 + 10 * (u16::from(n) - 232)); 3],
            Color::Indexed(n @ 16..) => {
                let level = |part: u8| [0.0, 95.0, 135.0, 175.0, 215.0, 255.0][usize::from(part % 6)];
                [level((n - 16) / 36), level((n - 16) / 6), level(n - 16)]
            }
            other => SIXTEEN.into_iter().find(|(known, _)| *known == other).expect("one of the sixteen").1,
        }
    }

    fn linear(rgb: [f64; 3]) -> [f64; 3] {
        rgb.map(|part| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// WCAG's contrast of two colours.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let light = |rgb| {
            let [r, g, b] = linear(rgb);
            0.05 + 0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (one, other) = (light(one), light(other));
        one.max(other) / one.min(other)
    }

    /// How well a role is read on a background, at the worst.
    fn read(style: Style, ground: [f64; 3]) -> Option<f64> {
        let ground = style.bg.map_or(ground, rgb);
        style.fg.map(|fg| contrast(rgb(fg), ground))
    }

    #[test]
    fn the_light_theme_and_the_colour_blind_one_are_read_on_white_and_the_second_on_black_too() {
        for role in Role::ALL {
            for depth in [Depth::Sixteen, Depth::Indexed] {
                let seen = read(Palette::Light.style(depth, role), WHITE).unwrap_or(21.0);
                assert!(seen >= 4.5, "{role:?} {depth:?}: {seen}");
                for ground in [BLACK, WHITE] {
                    let seen = read(Palette::ColourBlind.style(depth, role), ground).unwrap_or(21.0);
                    // The sixteen have no cyan for white.
                    let least = if depth == Depth::Sixteen && role == Role::Running { 1.8 } else { 3.4 };
                    assert!(seen >= least, "{role:?} {depth:?}: {seen}");
                }
            }
        }
    }

    #[test]
    fn high_contrast_is() {
        for role in Role::ALL {
            let style = Palette::HighContrast.style(Depth::Indexed, role);
            assert!(!style.add_modifier.contains(DIM), "{role:?}");
            let seen = read(style, BLACK).unwrap_or(21.0);
            assert!(seen >= 7.0, "{role:?}: {seen}");
            assert!(style.fg.is_some() == style.bg.is_some(), "{role:?} stands on no ground of the terminal's");
        }
    }

    #[test]
    fn the_usual_theme_is_read_on_black_and_writes_nothing_in_yellow_or_white_on_the_terminals_ground() {
        for palette in Palette::ALL {
            for (depth, role) in [Depth::Sixteen, Depth::Indexed].into_iter().flat_map(|d| Role::ALL.map(|r| (d, r))) {
                let style = palette.style(depth, role);
                let pale = [Color::Yellow, Color::LightYellow, Color::White, Color::Gray, Color::LightCyan];
                assert!(style.bg.is_some() || !style.fg.is_some_and(|fg| pale.contains(&fg)), "{palette:?} {role:?}");
                // On a background of ours the terminal's own text could be anything.
                assert!(style.bg.is_none() || style.fg.is_some(), "{palette:?} {role:?}");
            }
        }
        for role in Role::ALL {
            let seen = read(Palette::Ansi.style(Depth::Sixteen, role), BLACK).unwrap_or(21.0);
            assert!(seen >= 3.5, "{role:?}: {seen}");
        }
    }

    /// Machado, Oliveira and Fernandes, 2009: full protanopia, deuteranopia, tritanopia, in linear light.
    const WEAK: [[[f64; 3]; 3]; 3] = [
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ];

    /// A colour in CIE Lab as an eye of this weakness sees it.
    fn seen_by(rgb: [f64; 3], eye: &[[f64; 3]; 3]) -> [f64; 3] {
        let of = linear(rgb);
        let [r, g, b] = eye.map(|row| row.iter().zip(of).map(|(by, part)| by * part).sum::<f64>().clamp(0.0, 1.0));
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn what_decides_is_told_apart_by_colour_blind_eyes() {
        for depth in [Depth::Sixteen, Depth::Indexed] {
            let told = [Role::Passed, Role::Failed, Role::Warned, Role::Unknown].map(|role| {
                let style = Palette::ColourBlind.style(depth, role);
                // Of a chip the ground is what is seen.
                (role, rgb(style.bg.or(style.fg).expect("a colour")))
            });
            for (place, (role, colour)) in told.iter().enumerate() {
                for (other, beside) in &told[place + 1..] {
                    for eye in &WEAK {
                        let (one, two) = (seen_by(*colour, eye), seen_by(*beside, eye));
                        let apart = one.iter().zip(two).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                        assert!(apart >= 25.0, "{role:?} {other:?} {depth:?}: {apart}");
                    }
                }
            }
        }
    }

    #[test]
    fn red_against_green_would_not_do() {
        let [one, other] = [Role::Passed, Role::Failed].map(|role| Palette::Ansi.style(Depth::Sixteen, role).fg);
        let [one, other] = [one, other].map(|fg| seen_by(rgb(fg.expect("a colour")), &WEAK[1]));
        // Hue alone, without how light they are: what is left of the difference.
        let apart = ((one[1] - other[1]).powi(2) + (one[2] - other[2]).powi(2)).sqrt();
        assert!(apart < 25.0, "{apart}: the eye of the test is not weak");
    }

    #[test]
    fn in_every_theme_what_matters_looks_different() {
        use Role::{Danger, Failed, Held, Passed, Unknown, Warned};
        for palette in [Palette::Ansi, Palette::HighContrast, Palette::ColourBlind, Palette::Light] {
            for depth in [Depth::Sixteen, Depth::Indexed] {
                let all = [Passed, Failed, Warned, Unknown, Held, Danger, Role::Plain];
                for (place, one) in all.into_iter().enumerate() {
                    for other in &all[place + 1..] {
                        assert_ne!(palette.style(depth, one), palette.style(depth, *other), "{palette:?} {one:?}");
                    }
                }
            }
        }
        let mono = |role| Palette::Mono.style(Depth::Sixteen, role);
        assert_ne!(mono(Held), mono(Danger));
    }
}
