//! `[[escalation]]`: the guide to severities, worst first, each with the ladder of whom to call and when.
//! A plan without any has three severities of the program's own, and no ladder.

use std::time::Duration;

use super::reader::{Reader, shown};
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::base::text::printable;
use crate::launch::id::SeverityId;
use crate::launch::incident::{TRIAGE, built_in};
use crate::launch::plan::{Level, Severity};

/// Severities of a plan, and levels of a ladder.
const MOST: usize = 20;

impl<'a> Reader<'a> {
    pub(super) fn read_escalations(&mut self, root: &Table<'a>) {
        let mut known: Vec<(SeverityId, Span)> = Vec::new();
        for table in root.tables("escalation") {
            let id = table.need_text("severity", "`severity = \"sev-1\"`");
            let title = table.text("title").map(|text| shown(&text));
            let guide = table.text("guide").map(|text| shown(&text)).unwrap_or_default();
            let triage = self.span_over_zero(&table, "triage").unwrap_or(TRIAGE);
            let levels = self.read_levels(&table);
            let id = id.and_then(|id| self.severity_id(&table, &id, &known));
            let span = table.span;
            table.finish();
            let Some(id) = id else { continue };
            if known.len() == MOST {
                let message = format!("more than {MOST} severities: nobody tells so many apart in time");
                self.notes.report(Diagnostic::error("wrong-value", span, message));
                return;
            }
            known.push((SeverityId::new(&id.value), id.span));
            let title = title.unwrap_or_else(|| id.value.clone());
            self.plan.severities.push(Severity { id: SeverityId::new(&id.value), title, guide, triage, levels });
        }
        if self.plan.severities.is_empty() {
            self.plan.severities = built_in();
        }
    }

    fn severity_id(
        &self,
        table: &Table<'_>,
        id: &Placed<String>,
        known: &[(SeverityId, Span)],
    ) -> Option<Placed<String>> {
        let fits = !id.value.is_empty()
            && id.value.len() <= 32
            && id.value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !fits {
            let shown = printable(&id.value);
            table.wrong_value(id.span, format!("`{shown}` is no severity: letters, digits, `-` and `_`, at most 32"));
            return None;
        }
        if let Some((_, first)) = known.iter().find(|(other, _)| other.as_str() == id.value) {
            let message = format!("two escalations of severity `{}`", id.value);
            self.notes.report(Diagnostic::error("duplicate-id", id.span, message).also(*first, "the first"));
            return None;
        }
        Some(id.clone())
    }

    fn read_levels(&self, escalation: &Table<'a>) -> Vec<Level> {
        let mut levels: Vec<(Level, Span)> = Vec::new();
        for table in escalation.tables("levels") {
            let id = self.need_id(&table, "`id = \"L1\"`");
            let title = table.text("title").map(|text| shown(&text));
            if !table.has("after") {
                table.missing("after", "`after = \"15m\"`: how long after the incident was opened");
            }
            let after = table.duration("after");
            let at = table.plain("after").map_or(table.span, |placed| placed.span);
            let contacts: Vec<String> = table.texts("contacts").iter().map(shown).collect();
            if contacts.iter().all(String::is_empty) {
                let message = "a level that calls nobody: give it `contacts`";
                self.notes.report(Diagnostic::warning("no-contacts", table.span, message));
            }
            let span = table.span;
            table.finish();
            let (Some(id), Some(after)) = (id, after) else { continue };
            if self.misplaced_level(&id, after, at, &levels) {
                continue;
            }
            if levels.len() == MOST {
                let message = format!("more than {MOST} levels of one ladder");
                self.notes.report(Diagnostic::error("wrong-value", span, message));
                break;
            }
            let title = title.unwrap_or_else(|| id.value.clone());
            levels.push((Level { id: id.value, title, after, contacts }, id.span));
        }
        levels.into_iter().map(|(level, _)| level).collect()
    }

    /// Reports a level whose id is taken, or that comes no later than the one before it.
    fn misplaced_level(&self, id: &Placed<String>, after: Duration, at: Span, before: &[(Level, Span)]) -> bool {
        if let Some((_, first)) = before.iter().find(|(known, _)| known.id == id.value) {
            let message = format!("two levels `{}` in one ladder", id.value);
            self.notes.report(Diagnostic::error("duplicate-id", id.span, message).also(*first, "the first"));
            return true;
        }
        let Some((last, place)) = before.last().filter(|(last, _)| last.after >= after) else { return false };
        let words = |span| humantime::format_duration(span);
        let message =
            format!("`{}` after {}, and `{}` before it after {}", id.value, words(after), last.id, words(last.after));
        let wrong = Diagnostic::error("wrong-order", at, message).label("a level comes later than the one before it");
        self.notes.report(wrong.also(*place, "the one before it"));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Source;
    use crate::plan::{Environment, Loaded, Options, load};

    const HEAD: &str = "[plan]\nschema = 1\nid = \"p\"\ntitle = \"P\"\nenvironment = \"test\"\n[[phase]]\nid = \"a\"\n\
                        title = \"A\"\nat = \"T-0\"\n[[phase.item]]\nid = \"i\"\nwait.for = \"1s\"\n";

    fn read(text: &str) -> Result<Loaded, String> {
        let source = Source::new("plan.toml", format!("{HEAD}{text}"));
        let loaded = load(source.clone(), &Environment::default(), &Options::default());
        loaded.map_err(|wrong| source.render(&wrong, false))
    }

    #[test]
    fn a_guide_and_its_ladder_are_read_in_order() {
        let text = "[[escalation]]\nseverity = \"sev-1\"\ntitle = \"Down\"\nguide = \"nobody gets in\"\ntriage = \"5m\"\n\
                    levels = [\n{ id = \"L1\", title = \"Look\", after = \"0m\", contacts = [\"#alerts\", \"a@b.example\"] },\n\
                    { id = \"L2\", after = \"15m\", contacts = [\"#leads\"] }]\n[[escalation]]\nseverity = \"sev-2\"\n";
        let plan = read(text).expect("sound").plan;
        let one = &plan.severities[0];
        assert_eq!((one.id.as_str(), one.title.as_str(), one.triage), ("sev-1", "Down", Duration::from_secs(300)));
        let levels: Vec<(&str, &str, u64)> =
            one.levels.iter().map(|level| (&*level.id, &*level.title, level.after.as_secs())).collect();
        assert_eq!(levels, [("L1", "Look", 0), ("L2", "L2", 900)]);
        assert_eq!(one.levels[0].contacts, ["#alerts", "a@b.example"]);
        let two = &plan.severities[1];
        assert_eq!((two.title.as_str(), two.triage, two.levels.len()), ("sev-2", TRIAGE, 0));
    }

    #[test]
    fn a_plan_without_has_the_program_s_own_and_no_ladder() {
        let own = read("").expect("sound").plan.severities;
        assert_eq!(own, built_in());
        let ids: Vec<&str> = own.iter().map(|severity| severity.id.as_str()).collect();
        assert_eq!(ids, ["sev-1", "sev-2", "sev-3"]);
        assert!(own.iter().all(|severity| severity.levels.is_empty() && !severity.guide.is_empty()));
    }

    #[test]
    fn every_mistake_is_told_at_its_place() {
        let level = |more: &str| {
            format!(
                "[[escalation]]\nseverity = \"s\"\nlevels = [{{ id = \"L1\", after = \"15m\", contacts = [\"x\"] }}, {more}]\n"
            )
        };
        for (text, wanted) in [
            ("[[escalation]]\ntitle = \"T\"\n".to_owned(), "needs `severity`"),
            ("[[escalation]]\nseverity = \"a b\"\n".to_owned(), "`a b` is no severity"),
            (
                "[[escalation]]\nseverity = \"s\"\n[[escalation]]\nseverity = \"s\"\n".to_owned(),
                "two escalations of severity `s`",
            ),
            ("[[escalation]]\nseverity = \"s\"\ntriage = \"0s\"\n".to_owned(), "triage"),
            ("[[escalation]]\nseverity = \"s\"\nlevel = []\n".to_owned(), "did you mean `levels`?"),
            (level("{ id = \"L1\", after = \"20m\" }"), "two levels `L1`"),
            (level("{ id = \"L2\", after = \"15m\" }"), "`L2` after 15m"),
            (level("{ id = \"L2\" }"), "needs `after`"),
            (level("{ after = \"20m\" }"), "needs `id`"),
            (level("{ id = \"L2\", after = \"soon\" }"), "is no duration"),
            (level("{ id = \"L2\", after = \"20m\", contact = [] }"), "did you mean `contacts`?"),
        ] {
            let wrong = read(&text).expect_err(wanted);
            assert!(wrong.contains(wanted) && wrong.contains("plan.toml:"), "{wanted} in\n{wrong}");
        }
        let quiet =
            read("[[escalation]]\nseverity = \"s\"\nlevels = [{ id = \"L1\", after = \"0m\" }]\n").expect("sound");
        assert!(quiet.warnings.iter().any(|found| found.message.contains("calls nobody")), "{:?}", quiet.warnings);
    }
}
