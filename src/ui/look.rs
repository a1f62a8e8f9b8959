//! How the console looks and what it asks of the terminal: chosen by flags and variables, then by a file, else told
//! from what the terminal calls itself. Reads neither files nor the environment: it is given both.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::theme::{Depth, Palette, Theme};
use crate::base::source::{Diagnostic, Source, nearest};

pub const THEMES: [&str; 5] = Palette::WORDS;
pub const GLYPHS: [&str; 2] = ["unicode", "ascii"];
pub const SWITCH: [&str; 2] = ["on", "off"];
pub const NOTIFY: [&str; 3] = ["off", "osc9", "osc777"];

/// Every setting with its words: the names of flags, of `TMINUS_` variables, and of lines in the file.
pub const SETTINGS: [(&str, &[&str]); 5] =
    [("theme", &THEMES), ("glyphs", &GLYPHS), ("mouse", &SWITCH), ("bell", &SWITCH), ("notify", &NOTIFY)];

/// What was chosen: a word for a setting.
pub type Chosen = BTreeMap<&'static str, String>;

/// Why the settings cannot be used: every mistake at once, with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the console's settings are wrong\n{0}")]
pub struct Wrong(pub String);

/// How a terminal is told what rings, for its desktop to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notify {
    #[default]
    Off,
    /// iTerm2, kitty, `WezTerm`, Windows Terminal.
    Osc9,
    /// urxvt, foot, VTE.
    Osc777,
}

/// What the console asks of its terminal besides frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    pub mouse: bool,
    pub bell: bool,
    pub notify: Notify,
    /// The terminal is tmux's: some things it has to be asked for in another way.
    pub tmux: bool,
}

impl Default for Terminal {
    fn default() -> Self {
        Self { mouse: true, bell: true, notify: Notify::Off, tmux: false }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    pub theme: Theme,
    pub terminal: Terminal,
}

/// The user's own file of settings.
///
/// # Errors
/// Unknown settings and words, all at once.
pub fn read(source: &Source) -> Result<Chosen, Wrong> {
    let mut found = Vec::new();
    let mut chosen = Chosen::new();
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let span = error.span().map(Into::into).unwrap_or_default();
        found.push(Diagnostic::error("syntax", span, error.message()));
    }
    for (name, value) in table.get_ref() {
        let Some((setting, words)) = SETTINGS.iter().find(|(known, _)| known == name.get_ref()) else {
            let wrong =
                Diagnostic::error("unknown-setting", name.span().into(), format!("no setting `{}`", name.get_ref()));
            let near = nearest(name.get_ref(), SETTINGS.iter().map(|(known, _)| *known));
            let known = SETTINGS.map(|(known, _)| known).join(", ");
            found.push(wrong.help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {known}"),
            }));
            continue;
        };
        match value.get_ref() {
            DeValue::String(word) if words.contains(&word.as_ref()) => {
                chosen.insert(setting, word.to_string());
            }
            _ => {
                let wrong = Diagnostic::error("no-word", value.span().into(), format!("no word of `{setting}`"));
                let words = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
                found.push(wrong.help(format!("write one of {words}")));
            }
        }
    }
    if found.is_empty() { Ok(chosen) } else { Err(Wrong(source.render(&found, false))) }
}

/// The look that `chosen` and then `file` ask for; what neither says, the environment tells.
#[must_use]
pub fn look(chosen: &Chosen, file: &Chosen, env: &dyn Fn(&str) -> Option<String>) -> Look {
    let word = |setting: &str| chosen.get(setting).or_else(|| file.get(setting)).map(String::as_str);
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let term = env("TERM").unwrap_or_default();
    let palette = word("theme").and_then(Palette::by_word).unwrap_or_else(|| told(&term, &env));
    let ascii = match word("glyphs") {
        Some(word) => word == "ascii",
        None => lacks_glyphs(&term) || other_charset(&env),
    };
    let notify = match word("notify") {
        Some("osc9") => Notify::Osc9,
        Some("osc777") => Notify::Osc777,
        _ => Notify::Off,
    };
    let on = |setting| word(setting).is_none_or(|word| word == "on");
    let terminal = Terminal { mouse: on("mouse"), bell: on("bell"), notify, tmux: env("TMUX").is_some() };
    Look { theme: Theme::of(palette, depth(&term, &env), ascii), terminal }
}

/// The palette for a terminal that nobody chose one for.
fn told(term: &str, env: &dyn Fn(&str) -> Option<String>) -> Palette {
    // no-color.org: set to anything but nothing. Terminals of that name have one colour.
    if env("NO_COLOR").is_some() || term.starts_with("vt") {
        return Palette::Mono;
    }
    // `foreground;background`, or with something between: what rxvt, Konsole and iTerm2 say of themselves.
    let ground = env("COLORFGBG").and_then(|of| of.rsplit(';').next()?.parse::<u8>().ok());
    if matches!(ground, Some(7 | 15)) { Palette::Light } else { Palette::Ansi }
}

/// The fonts of these have a few hundred signs, and most of ours are not among them.
fn lacks_glyphs(term: &str) -> bool {
    term == "linux" || term.starts_with("linux-") || term.starts_with("vt") || term.starts_with("cons")
}

/// The locale names another character set than UTF-8. One that names none may well be a terminal of today.
fn other_charset(env: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(env).unwrap_or_default();
    let charset = locale.split_once('.').map(|(_, rest)| rest.split('@').next().unwrap_or_default().to_lowercase());
    charset.is_some_and(|charset| !matches!(charset.as_str(), "utf-8" | "utf8"))
}

fn depth(term: &str, env: &dyn Fn(&str) -> Option<String>) -> Depth {
    let many = env("COLORTERM").is_some_and(|of| matches!(of.as_str(), "truecolor" | "24bit"));
    let names = ["256color", "direct", "kitty", "alacritty", "foot", "ghostty", "wezterm"];
    let known = names.iter().any(|name| term.contains(name));
    // The console of the kernel has no more than its sixteen, whatever started it says.
    if (many || known) && !lacks_glyphs(term) { Depth::Indexed } else { Depth::Sixteen }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(chosen: &[(&'static str, &str)], env: &[(&str, &str)]) -> Look {
        let chosen = chosen.iter().map(|(name, word)| (*name, (*word).to_owned())).collect();
        let value = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        look(&chosen, &Chosen::new(), &value)
    }

    #[test]
    fn what_the_terminal_says_of_itself_decides_where_nobody_chose() {
        use Depth::{Indexed, Sixteen};
        use Palette::{Ansi, Light, Mono};
        for (env, palette, depth, ascii) in [
            (&[("TERM", "xterm-256color")][..], Ansi, Indexed, false),
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Ansi, Indexed, false),
            (&[("TERM", "xterm-16color")], Ansi, Sixteen, false),
            (&[("TERM", "linux")], Ansi, Sixteen, true),
            (&[("TERM", "linux"), ("COLORTERM", "truecolor")], Ansi, Sixteen, true),
            (&[("TERM", "vt220")], Mono, Sixteen, true),
            (&[("TERM", "tmux-256color"), ("NO_COLOR", "1")], Mono, Indexed, false),
            (&[("TERM", "xterm"), ("NO_COLOR", "")], Ansi, Sixteen, false),
            (&[("TERM", "rxvt"), ("COLORFGBG", "0;15")], Light, Sixteen, false),
            (&[("TERM", "rxvt"), ("COLORFGBG", "0;default;7")], Light, Sixteen, false),
            (&[("TERM", "rxvt"), ("COLORFGBG", "15;0")], Ansi, Sixteen, false),
            (&[("TERM", "rxvt"), ("COLORFGBG", "15;default")], Ansi, Sixteen, false),
            (&[("TERM", "xterm"), ("LANG", "de_DE.ISO-8859-1")], Ansi, Sixteen, true),
            (&[("TERM", "xterm"), ("LANG", "de_DE.UTF-8@euro")], Ansi, Sixteen, false),
            (&[("TERM", "xterm"), ("LC_ALL", "C.utf8"), ("LANG", "ru_RU.KOI8-R")], Ansi, Sixteen, false),
            (&[("TERM", "xterm"), ("LANG", "C")], Ansi, Sixteen, false),
            (&[], Ansi, Sixteen, false),
        ] {
            assert_eq!(of(&[], env).theme, Theme::of(palette, depth, ascii), "{env:?}");
        }
    }

    #[test]
    fn what_was_chosen_stands_over_what_the_terminal_says_and_over_the_file() {
        let linux = [("TERM", "linux"), ("NO_COLOR", "1")];
        let chosen = of(&[("theme", "colour-blind"), ("glyphs", "unicode")], &linux);
        assert_eq!(chosen.theme, Theme::of(Palette::ColourBlind, Depth::Sixteen, false));
        let file: Chosen = [("theme", "light".to_owned()), ("mouse", "off".to_owned())].into();
        let flag: Chosen = [("theme", "mono".to_owned())].into();
        let look = look(&flag, &file, &|_| None);
        assert_eq!((look.theme, look.terminal.mouse), (Theme::of(Palette::Mono, Depth::Sixteen, false), false));
    }

    #[test]
    fn the_bell_rings_unless_it_is_switched_off_and_nothing_notifies_unless_asked_to() {
        let usual = of(&[], &[("TMUX", "/tmp/tmux-0/default,1,0")]).terminal;
        assert_eq!(usual, Terminal { mouse: true, bell: true, notify: Notify::Off, tmux: true });
        let other = of(&[("bell", "off"), ("notify", "osc777"), ("mouse", "off")], &[]).terminal;
        assert_eq!(other, Terminal { mouse: false, bell: false, notify: Notify::Osc777, tmux: false });
    }

    #[test]
    fn a_file_is_read_with_its_mistakes_all_at_once() {
        let good = Source::new("console.toml", "theme = \"light\"\nnotify = \"osc9\"\n");
        let chosen: Chosen = [("theme", "light".to_owned()), ("notify", "osc9".to_owned())].into();
        assert_eq!(read(&good), Ok(chosen));
        let bad = Source::new("console.toml", "them = \"light\"\nmouse = true\nglyphs = \"emoji\"\n");
        let wrong = read(&bad).expect_err("three mistakes").to_string();
        for part in ["console.toml:1:1", "did you mean `theme`?", "console.toml:2:9", "console.toml:3:10", "\"ascii\""]
        {
            assert!(wrong.contains(part), "{part} in\n{wrong}");
        }
    }

    #[test]
    fn every_theme_has_a_word() {
        for (word, palette) in THEMES.into_iter().zip(Palette::ALL) {
            assert_eq!(Palette::by_word(word), Some(palette));
        }
        assert_eq!(Palette::by_word("solarized"), None);
    }
}
