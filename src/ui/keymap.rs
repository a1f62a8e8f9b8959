//! From keys to actions: the embedded default, a user's file over it, and an error that names both
//! lines where two actions of one place share a key.

use std::collections::BTreeMap;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use toml::de::{DeTable, DeValue};

use super::action::{Action, Place, TABLE};
use crate::base::source::{Diagnostic, Source, Span, nearest};

const DEFAULT: &str = include_str!("../../config/keymap.toml");

/// A key as a keymap writes it: `j`, `G`, `ctrl-c`, `space`, `f12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
}

/// Why a keymap cannot be used: every mistake at once, with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the keymap is wrong\n{0}")]
pub struct Wrong(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bound: BTreeMap<Action, Vec<Key>>,
}

/// A key of one action, and where it was written.
struct Bound<'s> {
    action: Action,
    key: Key,
    source: &'s Source,
    span: Span,
}

const NAMED: [(&str, KeyCode); 15] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("insert", KeyCode::Insert),
    ("delete", KeyCode::Delete),
];

impl Key {
    /// # Errors
    /// How a key is written, where `text` is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ctrl, name) = text.strip_prefix("ctrl-").map_or((false, text), |name| (true, name));
        let mut chars = name.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Ok(Self { code: KeyCode::Char(c), ctrl });
        }
        let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let function = || name.strip_prefix('f')?.parse().ok().filter(|n| (1..=12).contains(n)).map(KeyCode::F);
        let code = named.or_else(function).ok_or_else(|| {
            let known = NAMED.map(|(known, _)| known).join(", ");
            format!("`{text}` is no key: write one character, ctrl- and a character, f1 to f12, or one of {known}")
        })?;
        Ok(Self { code, ctrl })
    }

    /// True where typing it into a text field would write something.
    #[must_use]
    pub fn types(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.ctrl
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        // What Shift does is in the character already; some terminals send Tab with Shift instead of BackTab.
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self { code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(n)) => write!(f, "f{n}"),
            (None, other) => write!(f, "{other}"),
        }
    }
}

impl Default for Keymap {
    /// The embedded one. A test holds it sound; were it not, the console would have no keys.
    fn default() -> Self {
        Self::load(None).unwrap_or_else(|_| Self { bound: BTreeMap::new() })
    }
}

impl Keymap {
    /// The default with `user`'s lines over it: an action that `user` names has the keys it gives alone.
    ///
    /// # Errors
    /// Unknown actions, unwritable keys and conflicts, all at once.
    pub fn load(user: Option<&Source>) -> Result<Self, Wrong> {
        let default = Source::new("config/keymap.toml", DEFAULT);
        let mut bound = read(&default)?;
        if let Some(user) = user {
            let own = read(user)?;
            bound.retain(|known| !own.iter().any(|named| named.action == known.action));
            bound.extend(own);
        }
        conflicts(&bound)?;
        let mut keymap = Self { bound: BTreeMap::new() };
        for Bound { action, key, .. } in bound {
            keymap.bound.entry(action).or_default().push(key);
        }
        Ok(keymap)
    }

    /// What `key` asks for in `place`.
    #[must_use]
    pub fn action(&self, key: Key, place: Place) -> Option<Action> {
        let entries = TABLE.iter().filter(|entry| entry.place.covers(place));
        entries.map(|entry| entry.action).find(|action| self.keys(*action).contains(&key))
    }

    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        self.bound.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The first key of an action as it is shown: `Enter`, `!`.
    #[must_use]
    pub fn label(&self, action: Action) -> Option<String> {
        let key = self.keys(action).first()?.to_string();
        let mut chars = key.chars();
        let first = chars.next()?;
        if key.len() == 1 { Some(key) } else { Some(first.to_uppercase().chain(chars).collect()) }
    }
}

fn read(source: &Source) -> Result<Vec<Bound<'_>>, Wrong> {
    let mut found = Vec::new();
    let mut bound = Vec::new();
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let span = error.span().map(Span::from).unwrap_or_default();
        found.push(Diagnostic::error("syntax", span, error.message()));
    }
    for (name, value) in table.get_ref() {
        let Some(action) = Action::by_id(name.get_ref()) else {
            let wrong =
                Diagnostic::error("unknown-action", name.span().into(), format!("no action `{}`", name.get_ref()));
            let near = nearest(name.get_ref(), TABLE.iter().map(|entry| entry.id));
            found.push(match near {
                Some(near) => wrong.help(format!("did you mean `{near}`?")),
                None => wrong.help("`tminus keys` lists the actions"),
            });
            continue;
        };
        let DeValue::Array(keys) = value.get_ref() else {
            found.push(
                Diagnostic::error("no-keys", value.span().into(), "keys are a list").help("write [\"j\", \"down\"]"),
            );
            continue;
        };
        for key in keys {
            let span = key.span().into();
            let parsed =
                key.get_ref().as_str().ok_or_else(|| "a key is written as text".to_owned()).and_then(Key::parse);
            match parsed {
                Ok(key) => bound.push(Bound { action, key, source, span }),
                Err(wrong) => found.push(Diagnostic::error("no-key", span, wrong)),
            }
        }
    }
    if found.is_empty() { Ok(bound) } else { Err(Wrong(source.render(&found, false))) }
}

fn conflicts(bound: &[Bound<'_>]) -> Result<(), Wrong> {
    let mut lines = Vec::new();
    for (at, one) in bound.iter().enumerate() {
        let rivals = bound[at + 1..].iter().filter(|other| other.key == one.key);
        for other in rivals.filter(|other| other.action.entry().place.meets(one.action.entry().place)) {
            lines.push(format!(
                "`{}` means {} at {} and {} at {}",
                one.key,
                one.action.entry().id,
                one.source.at(one.span),
                other.action.entry().id,
                other.source.at(other.span),
            ));
        }
    }
    if lines.is_empty() { Ok(()) } else { Err(Wrong(lines.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ui::state::Pane;

    #[test]
    fn the_embedded_keymap_is_sound_and_reaches_f12() {
        let keymap = Keymap::load(None).expect("sound");
        let f12 = Key::parse("f12").expect("a key");
        for place in Pane::ALL.map(Place::Pane).into_iter().chain([Place::Dialog]) {
            assert_eq!(keymap.action(f12, place), Some(Action::Rollback), "{place:?}");
        }
    }

    #[test]
    fn one_key_may_mean_two_things_only_in_places_apart() {
        let keymap = Keymap::default();
        let space = Key::parse("space").expect("a key");
        assert_eq!(keymap.action(space, Place::Pane(Pane::Checklist)), Some(Action::Attest));
        assert_eq!(keymap.action(space, Place::Pane(Pane::Streams)), Some(Action::Pause));
        assert_eq!(keymap.action(space, Place::Pane(Pane::Poll)), Some(Action::Judge));
        assert_eq!(keymap.action(space, Place::Pane(Pane::Journal)), None);
    }

    #[test]
    fn a_users_line_replaces_the_keys_of_its_action() {
        let user = Source::new("mine.toml", "note = [\"Y\"]\n");
        let keymap = Keymap::load(Some(&user)).expect("sound");
        let at = Place::Pane(Pane::Checklist);
        assert_eq!(keymap.action(Key::parse("Y").expect("a key"), at), Some(Action::Note));
        assert_eq!(keymap.action(Key::parse("n").expect("a key"), at), None);
    }

    #[test]
    fn a_conflict_names_both_lines() {
        let user = Source::new("mine.toml", "\nnote = [\"w\"]\n");
        let wrong = Keymap::load(Some(&user)).expect_err("two actions, one key").to_string();
        assert!(wrong.contains("`w` means waive at config/keymap.toml:"), "{wrong}");
        assert!(wrong.contains("note at mine.toml:2:9"), "{wrong}");
    }

    #[test]
    fn mistakes_come_all_at_once_with_the_nearest_action() {
        let user = Source::new("mine.toml", "nte = [\"N\"]\nvote = \"v\"\nhold = [\"hyper-x\"]\n");
        let wrong = Keymap::load(Some(&user)).expect_err("three mistakes").to_string();
        for part in ["mine.toml:1:1", "did you mean `note`?", "mine.toml:2:8", "mine.toml:3:9", "is no key"] {
            assert!(wrong.contains(part), "{part} in {wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_keymap_is_a_panic(text in "\\PC*|[a-z-]{1,8} = \\[\"[a-z-]{0,6}\"\\]") {
            let _ = Keymap::load(Some(&Source::new("k", text)));
        }

        #[test]
        fn a_key_reads_back_as_it_prints(text in "(ctrl-)?([!-~]|f1?[0-9]|space|enter|pagedown)") {
            if let Ok(key) = Key::parse(&text) {
                prop_assert_eq!(Key::parse(&key.to_string()), Ok(key));
            }
        }
    }
}
