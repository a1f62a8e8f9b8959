//! How the report looks: one palette for light, one for dark, and the sheet that is made of them. Nothing else in the
//! report names a colour. Paper is always light.

use std::fmt::Write as _;

use super::document::Tone;

/// A colour by its name in the sheet, light and dark.
pub(super) struct Colour {
    pub name: &'static str,
    pub light: u32,
    pub dark: u32,
}

const fn colour(name: &'static str, light: u32, dark: u32) -> Colour {
    Colour { name, light, dark }
}

pub(super) const PALETTE: [Colour; 15] = [
    colour("bg", 0xff_ff_ff, 0x12_16_1b),
    colour("panel", 0xf2_f4_f7, 0x1c_22_29),
    colour("line", 0xc4_cc_d4, 0x46_50_5b),
    colour("ink", 0x1a_1f_24, 0xe8_ed_f2),
    colour("muted", 0x52_5c_66, 0xa3_ae_b9),
    colour("link", 0x05_4a_a3, 0x86_c5_ff),
    colour("pass", 0x0f_5f_28, 0x5f_d6_75),
    colour("skipped", 0x52_5c_66, 0xa3_ae_b9),
    colour("warn", 0x74_47_00, 0xe8_b9_4a),
    colour("stale", 0x07_57_73, 0x72_cb_e4),
    colour("unknown", 0x5a_35_a8, 0xc9_b0_ff),
    colour("fail", 0xab_10_1a, 0xff_91_88),
    colour("band", 0xff_d4_3d, 0xff_d4_3d),
    colour("band-ink", 0x12_15_18, 0x12_15_18),
    colour("bar", 0x76_81_8d, 0x6b_77_84),
];

/// How much of a band behind a plot is seen, in hundredths.
pub(super) const SEEN: u32 = 16;

/// What stands below the variables.
const RULES: &str = include_str!("style.css");
/// What a rehearsal says in the margin of every page of paper.
const PAPER: &str = include_str!("rehearsal.css");

/// The whole sheet.
pub(super) fn sheet(rehearsal: bool) -> String {
    let mut out = String::new();
    let variables = |out: &mut String, of: fn(&Colour) -> u32| {
        for colour in &PALETTE {
            let _ = write!(out, "--{}:#{:06x};", colour.name, of(colour));
        }
    };
    out.push_str(":root{color-scheme:light dark;");
    variables(&mut out, |colour| colour.light);
    out.push_str("}\n@media (prefers-color-scheme:dark){:root{");
    variables(&mut out, |colour| colour.dark);
    out.push_str("}}\n@media print{:root{color-scheme:light;");
    variables(&mut out, |colour| colour.light);
    out.push_str("}}\n");
    for tone in Tone::ALL.into_iter().filter(|tone| *tone != Tone::Plain) {
        let name = tone.name();
        let _ = writeln!(out, ".{name}{{color:var(--{name})}} .f-{name}{{fill:var(--{name})}}");
    }
    let _ = writeln!(out, ".f-plain{{fill:var(--bar)}} .ill{{fill-opacity:.{SEEN}}}");
    out.push_str(RULES);
    if rehearsal {
        out.push_str(PAPER);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, 1.4.3 for text, 1.4.11 for what is drawn.
    const TEXT: f64 = 4.5;
    const DRAWN: f64 = 3.0;

    fn channel(colour: u32, shift: u32) -> f64 {
        let part = f64::from((colour >> shift) & 0xff) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    }

    fn luminance(colour: u32) -> f64 {
        0.2126 * channel(colour, 16) + 0.7152 * channel(colour, 8) + 0.0722 * channel(colour, 0)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn of(name: &str, dark: bool) -> u32 {
        let found = PALETTE.iter().find(|colour| colour.name == name).expect("a colour");
        if dark { found.dark } else { found.light }
    }

    /// `top` at so many hundredths over `below`.
    fn over(top: u32, below: u32, hundredths: u32) -> u32 {
        let mixed = |shift: u32| {
            let (top, below) = ((top >> shift) & 0xff, (below >> shift) & 0xff);
            ((top * hundredths + below * (100 - hundredths)) / 100) << shift
        };
        mixed(16) | mixed(8) | mixed(0)
    }

    #[test]
    fn the_measure_is_that_of_wcag() {
        assert!((contrast(0x00_00_00, 0xff_ff_ff) - 21.0).abs() < 0.01);
        assert!((contrast(0x77_77_77, 0xff_ff_ff) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_text_can_be_read_on_everything_that_lies_behind_it() {
        let texts = ["ink", "muted", "link", "pass", "skipped", "warn", "stale", "unknown", "fail"];
        for dark in [false, true] {
            for text in texts {
                for behind in ["bg", "panel"] {
                    let seen = contrast(of(text, dark), of(behind, dark));
                    assert!(seen >= TEXT, "{text} on {behind}, dark {dark}: {seen:.2}");
                }
            }
            let band = contrast(of("band-ink", dark), of("band", dark));
            assert!(band >= 7.0, "what says that it is a rehearsal is read from afar: {band:.2}");
            // Words within a plot lie over its bands, two of which may lie over each other.
            for tone in ["fail", "unknown", "stale", "warn", "skipped"] {
                let twice = over(of(tone, dark), over(of(tone, dark), of("bg", dark), SEEN), SEEN);
                let seen = contrast(of("ink", dark), twice);
                assert!(seen >= TEXT, "ink over {tone}, dark {dark}: {seen:.2}");
            }
        }
    }

    #[test]
    fn every_line_and_bar_can_be_told_from_what_it_lies_on() {
        for dark in [false, true] {
            for drawn in ["link", "unknown", "fail", "pass", "warn", "stale", "skipped", "muted", "bar"] {
                let seen = contrast(of(drawn, dark), of("bg", dark));
                assert!(seen >= DRAWN, "{drawn}, dark {dark}: {seen:.2}");
            }
        }
    }

    #[test]
    fn every_tone_has_a_colour_and_every_colour_of_the_rules_is_one() {
        let sheet = sheet(true);
        for tone in Tone::ALL {
            assert!(sheet.contains(&format!(".f-{}{{", tone.name())), "{tone:?}");
        }
        for used in sheet.split("var(--").skip(1) {
            let name = used.split(')').next().expect("an end");
            assert!(PALETTE.iter().any(|colour| colour.name == name), "{name}");
        }
        let rules = RULES.to_lowercase();
        assert!(!rules.contains('#') && !rules.contains("rgb") && !rules.contains("url("), "colours are the palette's");
    }
}
