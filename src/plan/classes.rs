//! `class`: what repeating a step may do. That it is said, and which a step cannot have, is told here wherever the
//! step stands: a `readonly` step is repeated by itself, so what shows that it changes something is none.

use super::reader::{Body, Reader};
use crate::base::source::Diagnostic;
use crate::base::table::Table;
use crate::kind::Spec;
use crate::launch::plan::Class;

impl Reader<'_> {
    /// Holds the `class` that `table` says to `body`, a step that it stands for.
    pub(super) fn check_class(&self, table: &Table<'_>, class: Option<Class>, body: Option<&Body>, called: &str) {
        if !table.has("class") {
            let span = body.map_or(table.span, |body| body.place.span);
            let message = format!("{called} is a step without `class`: what may repeating it do?");
            let wrong = Diagnostic::error("step-without-class", span, message).label("acts on the world");
            self.notes.report(wrong.help("add `class = \"readonly\"`, `\"idempotent\"` or `\"once\"`"));
        }
        let Some(Spec::Step(step)) = body.and_then(|body| body.spec.as_ref()) else { return };
        if let (Some(Class::Readonly), Some(what)) = (class, step.changes()) {
            let span = table.any("class").map_or(table.span, |placed| placed.span);
            let wrong = Diagnostic::error("not-readonly", span, format!("{called} is not `readonly`: {what}"));
            self.notes.report(
                wrong
                    .label("would be repeated by itself")
                    .help("`idempotent` where doing it twice does no more than doing it once, else `once`"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::base::source::Source;
    use crate::plan::{Environment, Options, load};

    const HEAD: &str = "[plan]\nschema = 1\nid = 'p'\ntitle = 'P'\n[vars]\nx = 'a'\n[target.staging]\nvars = { x = 'b' }\n\
                        [[rollback]]\nid = 'back'\nkey = '1'\n\
                        step = [{ id = 'r', class = 'idempotent', run = { command = ['true'] } }]\n\
                        verify = [{ id = 'v', http = { get = 'https://a.example/', expect = { status = 200 } } }]\n\
                        [[phase]]\nid = 'a'\nat = 'T-1h'\n";

    fn found(text: &str) -> Vec<(&'static str, String)> {
        let source = Source::new("plan.toml", format!("{HEAD}{text}"));
        let environment: Environment = [("HOME", "/nowhere")].into_iter().collect();
        match load(source, &environment, &Options::default()) {
            Ok(_) => Vec::new(),
            Err(wrong) => wrong.into_iter().map(|found| (found.code, found.message)).collect(),
        }
    }

    const KUBE: &str = "driver = 'nginx', context = 'production', namespace = 'shop', ingress = 'shop-canary'";

    #[test]
    fn what_shows_that_it_changes_something_is_not_readonly() {
        let set = format!("traffic = {{ {KUBE}, action = 'set', weight = 77 }}");
        let undo = format!("traffic = {{ {KUBE}, action = 'undo' }}");
        let guard = "guard = [{ id = 'g', http = { get = 'https://a.example/', expect = { status = 200 } } }]";
        let ramp = format!("sequence = {{ for_each = {{ w = [1, 2] }}, wait = '1s', steps = [{{ {set} }}], {guard} }}");
        for step in [
            "send = { delete = 'https://a.example/x' }",
            "send = { post = 'https://a.example/x' }",
            &set,
            &undo,
            &ramp,
            "notify = { text = 'x', url = 'https://hooks.example.com/x' }",
            "drill = { rollback = 'back', target = 'staging' }",
            "dispatch = { repo = 'o/r', token = 't', workflow = 'w.yml', ref = 'main', commit = '{{ c }}' }",
        ] {
            for class in ["readonly", "once"] {
                let text = format!("[[phase.item]]\nid = 'i'\nclass = '{class}'\n{step}\n");
                let there = found(&text).iter().any(|(code, _)| *code == "not-readonly");
                assert_eq!(there, class == "readonly", "{step}: {:?}", found(&text));
            }
        }
        let back = |steps: &str| {
            format!(
                "[[rollback]]\nid = 'b'\nkey = '2'\n{steps}\n[[rollback.verify]]\nid = 'v'\n\
             http = {{ get = 'https://a.example/', expect = {{ status = 200 }} }}\n"
            )
        };
        let fallback = format!("fallback = {{ {undo} }}");
        for step in [undo, format!("run = {{ command = ['true'] }}\n{fallback}")] {
            let text = back(&format!("[[rollback.step]]\nid = 's'\nclass = 'readonly'\n{step}"));
            assert_eq!(found(&text).iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["not-readonly"], "{step}");
        }
    }

    #[test]
    fn what_only_looks_is_readonly() {
        for step in [
            "send = { get = 'https://a.example/x' }",
            &format!("traffic = {{ {KUBE}, action = 'read' }}"),
            "snapshot = { http = 'https://a.example/x', as = 'x' }",
            "notify = { text = 'x' }",
            "run = { command = ['uptime'] }",
        ] {
            assert_eq!(found(&format!("[[phase.item]]\nid = 'i'\nclass = 'readonly'\n{step}\n")), [], "{step}");
        }
    }

    #[test]
    fn a_step_that_a_person_confirms_does_not_run_by_itself() {
        let item = |more: &str| {
            format!(
                "[[phase.item]]\nid = 'i'\nclass = 'once'\nauto = true\n{more}\n\
             send = {{ post = 'https://a.example/x' }}\n"
            )
        };
        for confirm in ["confirm = 'type'", "confirm = 'key'"] {
            let found = found(&item(confirm));
            assert!(found.len() == 1 && found[0].0 == "wrong-key" && found[0].1.contains("`confirm`"), "{found:?}");
        }
        for confirm in ["", "confirm = 'none'"] {
            assert_eq!(found(&item(confirm)), [], "{confirm}");
        }
    }
}
