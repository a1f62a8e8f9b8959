//! `[[rollback.ready]]`: what must be there for a rollback to be started at all: credentials, a context, the
//! artifact it goes back to. Each is a monitor of its own, called `ROLLBACK/PART`.

use std::time::Duration;

use super::items::timeout_of;
use super::phases::Slugs;
use super::reader::Reader;
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::kind::check;
use crate::launch::id::{MonitorId, RollbackId};
use crate::launch::plan::Monitor;

/// How often is looked where nothing is said: somebody's login may stand behind it.
const EVERY: Duration = Duration::from_secs(30);
/// More often than this is no look at readiness: a login that fails may be locked.
const SHORTEST_EVERY: Duration = Duration::from_secs(1);
/// The first no counts: the way back is open, or it is not.
const FAILS_AFTER: u32 = 0;

impl<'a> Reader<'a> {
    pub(super) fn ready_checks(&mut self, table: &Table<'a>, slug: &str, parts: &mut Slugs) {
        for table in table.tables("ready") {
            let (id, part) = self.part(&table, slug, parts);
            let title = self.title(&table, &part);
            let every = self.span_over_zero(&table, "every").unwrap_or(EVERY);
            if every < SHORTEST_EVERY {
                table.wrong_value(table.span, "`every` is less than 1s: that is a load test, not a look");
            }
            let timeout = self.span_over_zero(&table, "timeout");
            let fails_after = self.fails_after(&table, FAILS_AFTER);
            let body = self.body(&table, check::KINDS, &format!("ready check {id}"));
            table.finish();
            let Some(body) = body else { continue };
            let timeout = timeout.unwrap_or_else(|| timeout_of(body.kind, body.deadline, Duration::ZERO));
            let names = self.names.clone();
            if let Some(spec) = self.enter(id.clone(), body, &names, &Scope::default(), None, false) {
                let (id, ready_for) = (MonitorId::new(id.as_str()), Some(RollbackId::new(slug)));
                let items = Vec::new();
                self.plan.monitors.push(Monitor { id, title, spec, every, timeout, fails_after, items, ready_for });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Source;
    use crate::launch::plan::Plan;
    use crate::plan::{Environment, Options, load};

    const HEAD: &str = "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n[baseline.previous]\nhttp = \
                        \"https://a.example/v\"\njq = \".v\"\n[baseline.image]\nhttp = \"https://a.example/v\"\njq = \
                        \".image\"\n[[phase]]\nid = \"p\"\nat = \"T-1h\"\n[[phase.item]]\nid = \"i\"\nmanual = {}\n";

    fn read(more: &str) -> Result<Plan, String> {
        let text = format!(
            "{HEAD}[[rollback]]\nid = \"back\"\nkey = \"1\"\n[[rollback.step]]\nid = \"s\"\nclass = \"once\"\nrun = {{ \
             command = [\"undo\", \"{{{{ previous }}}}\"] }}\n[[rollback.verify]]\nid = \"v\"\nhttp = {{ get = \
             \"https://a.example\" }}\n{more}[[rollback]]\nid = \"other\"\nkey = \"2\"\n[[rollback.step]]\nid = \
             \"s\"\nclass = \"once\"\nrun = {{ command = [\"undo\"] }}\n[[rollback.verify]]\nid = \"v\"\nhttp = {{ get = \
             \"https://a.example\", expect = {{ json = ['.image == $image'] }} }}\n"
        );
        let source = Source::new("x.toml", text);
        let options = Options { rehearsal: true, ..Options::default() };
        let loaded = load(source.clone(), &Environment::of_process(), &options);
        loaded.map(|loaded| loaded.plan).map_err(|mistakes| source.render(&mistakes, false))
    }

    #[test]
    fn a_ready_check_is_a_monitor_of_its_rollback_that_looks_seldom_and_counts_at_once() {
        let plan = read(
            "[[rollback.ready]]\nid = \"kept\"\nfile = { path = \"a\" }\n[[rollback.ready]]\nid = \"ctx\"\ntitle = \
             \"Context\"\nevery = \"1m\"\ntimeout = \"5s\"\nfails_after = 2\ncommand = { command = [\"ctx\", \"{{ previous }}\"], expect = { \
             stdout = '^ok' } }\n",
        )
        .expect("sound");
        let seconds = Duration::from_secs;
        let told: Vec<_> = plan.monitors.iter().map(|monitor| (monitor.id.as_str(), monitor.title.as_str())).collect();
        assert_eq!(told, [("back/kept", "kept"), ("back/ctx", "Context")]);
        assert!(plan.monitors.iter().all(|monitor| monitor.ready_for == Some("back".into())));
        let [kept, ctx] = plan.monitors.as_slice() else { panic!("two") };
        assert_eq!((kept.every, kept.timeout, kept.fails_after), (seconds(30), seconds(10), 0));
        assert_eq!((ctx.every, ctx.timeout, ctx.fails_after), (seconds(60), seconds(5), 2));
    }

    #[test]
    fn a_rollback_knows_the_baseline_values_that_it_uses_and_no_others() {
        let plan = read("").expect("sound");
        let uses: Vec<_> = plan.rollbacks.iter().map(|rollback| rollback.uses.join(" ")).collect();
        assert_eq!(uses, ["previous", "image"]);
        assert!(plan.monitors.is_empty());
    }

    #[test]
    fn what_is_wrong_with_it_is_told_with_its_place() {
        for (more, told) in [
            ("id = \"v\"\nfile = { path = \"a\" }", "`v` is the id of two"),
            ("id = \"a\"\nevery = \"100ms\"\nfile = { path = \"a\" }", "`every` is less than 1s"),
            ("id = \"a\"\nfile = { path = \"{{ preveous }}\" }", "did you mean `previous`?"),
            ("id = \"a\"\nfails_after = -1\nfile = { path = \"a\" }", "`fails_after = -1`: 0 to 1000"),
            ("id = \"a\"\nrun = { command = [\"a\"] }", "`run` cannot stand in [rollback.ready]"),
        ] {
            let wrong = read(&format!("[[rollback.ready]]\n{more}\n")).expect_err(more);
            assert!(wrong.contains(told) && wrong.contains("x.toml:"), "{told}\n{wrong}");
        }
    }
}
