//! `every` of an item: how often it is due, and which items may be.

use std::time::Duration;

use super::reader::Reader;
use crate::base::known::Wanted;
use crate::base::source::{Diagnostic, nearest};
use crate::base::table::{LONGEST, Table};
use crate::launch::plan::{Act, Every, Item};
use crate::launch::recurring::may_recur;
use crate::launch::time::Mark;

/// A look more often than this is a monitor's.
const SHORTEST: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const WORDS: [(&str, Every); 3] =
    [("daily", Every::Span(DAY)), ("weekly", Every::Span(Duration::from_secs(7 * 86_400))), ("monthly", Every::Month)];

impl Reader<'_> {
    /// How often, where the item says it; what is wrong with that is reported.
    pub(super) fn every(&self, table: &Table<'_>) -> Option<Every> {
        table.learn("every", Wanted::Text);
        let text = table.text("every")?;
        if let Some((_, every)) = WORDS.iter().find(|(word, _)| *word == text.value) {
            return Some(*every);
        }
        let why = match humantime::parse_duration(&text.value) {
            Ok(span) if span < SHORTEST => {
                "`every` is less than 1m: what looks that often is a `[[monitor]]`".to_owned()
            }
            Ok(span) if span > LONGEST => format!("`{}` is more than ten years (3660 days)", text.value),
            Ok(span) => return Some(Every::Span(span)),
            Err(_) => {
                let message =
                    format!("`{}` is not how often: write daily, weekly, monthly, or a span as 36h", text.value);
                let wrong = Diagnostic::error("wrong-value", text.span, message);
                self.notes.report(match nearest(&text.value, WORDS.iter().map(|(word, _)| *word)) {
                    Some(near) => wrong.label(format!("did you mean `{near}`?")),
                    None => wrong,
                });
                return None;
            }
        };
        table.wrong_value(text.span, why);
        None
    }

    /// Reports an `every` that does not go with what the item is.
    pub(super) fn check_every(&self, table: &Table<'_>, item: &Item) {
        let refuse = |why: &str| {
            let span = table.keys().into_iter().find(|(key, _)| *key == "every").map_or(table.span, |(_, span)| span);
            self.notes.report(Diagnostic::error("wrong-key", span, format!("`every` on `{}`: {why}", item.kind)));
        };
        match may_recur(&item.act) {
            Err(why) => refuse(why),
            Ok(()) if item.session.is_some() => {
                refuse("an item of a session comes after the one before it, never alone");
            }
            // Before T-0 nothing freezes what became due while nobody looked.
            Ok(()) if item.auto && item.at > Mark::T0 && matches!(item.act, Act::Step { .. }) => {
                refuse("a step that runs by itself may recur from T-0 on only; without `auto` it waits for a key");
            }
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Source;
    use crate::plan::{Environment, Options, load};

    fn item(body: &str) -> Result<Option<Every>, String> {
        let text = format!(
            "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n[session.s]\nbase = \"https://a.example\"\n[[phase]]\nid = \
             \"p\"\nat = \"T-1h\"\n[[phase.item]]\nid = \"i\"\n{body}"
        );
        let source = Source::new("x.toml", text);
        let options = Options { rehearsal: true, ..Options::default() };
        match load(source.clone(), &Environment::of_process(), &options) {
            Ok(loaded) => Ok(loaded.plan.items.values().next().and_then(|item| item.every)),
            Err(mistakes) => Err(source.render(&mistakes, false)),
        }
    }

    #[test]
    fn every_reads_words_and_spans() {
        let hours = |hours: u64| Some(Every::Span(Duration::from_secs(3600 * hours)));
        for (word, every) in
            [("daily", hours(24)), ("weekly", hours(168)), ("monthly", Some(Every::Month)), ("36h", hours(36))]
        {
            let manual = format!("every = \"{word}\"\n[phase.item.manual]\n");
            assert_eq!(item(&manual), Ok(every), "{word}");
        }
        let check = "every = \"daily\"\n[phase.item.http]\nget = \"https://a.example\"\nexpect = { status = 200 }\n";
        assert_eq!(item(check), Ok(hours(24)));
        assert_eq!(item("[phase.item.manual]\n"), Ok(None));
    }

    #[test]
    fn a_wrong_every_is_told_with_its_place() {
        let step = |class: &str, more: &str| {
            format!("every = \"daily\"\nclass = \"{class}\"\n{more}[phase.item.run]\ncommand = [\"true\"]\n")
        };
        for (body, told) in [
            ("every = \"dayly\"\n[phase.item.manual]\n".to_owned(), "did you mean `daily`?"),
            ("every = \"5s\"\n[phase.item.manual]\n".to_owned(), "what looks that often is a `[[monitor]]`"),
            ("every = \"100y\"\n[phase.item.manual]\n".to_owned(), "more than ten years"),
            ("every = 5\n[phase.item.manual]\n".to_owned(), "must be a string"),
            ("every = \"daily\"\n[phase.item.wait]\nfor = \"1m\"\n".to_owned(), "`every` on `wait`: time passes once"),
            (step("once", ""), "a step of class once never happens twice by a clock"),
            (step("idempotent", "auto = true\n"), "may recur from T-0 on only"),
            (
                "every = \"daily\"\nsession = \"s\"\n[phase.item.http]\nget = \"/\"\nexpect = { status = 200 }\n"
                    .to_owned(),
                "never alone",
            ),
        ] {
            let wrong = item(&body).expect_err(&body);
            assert!(wrong.contains(told) && wrong.contains("x.toml:"), "{told}\n{wrong}");
        }
        assert!(item(&step("idempotent", "")).is_ok() && item(&step("readonly", "")).is_ok());
        assert!(item(&step("idempotent", "auto = true\nat = \"T-0\"\n")).is_ok());
    }
}
