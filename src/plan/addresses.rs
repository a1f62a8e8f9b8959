//! Whom a check or a step asks: a whole address, or a path behind its session's base. What is neither is known to
//! be wrong before anything is asked.

use url::Url;

use super::reader::Reader;
use crate::base::source::Diagnostic;
use crate::base::template::{Scope, Template};
use crate::base::text::printable;
use crate::kind::Spec;
use crate::launch::id::SessionId;

impl Reader<'_> {
    /// Holds every address of `spec` to what can be asked, as far as its names have values by now.
    pub(super) fn check_addresses(&self, spec: &Spec, session: Option<&SessionId>, scope: &Scope) {
        let based = session.is_some_and(|id| self.has_base(id));
        match spec {
            Spec::Check(check) => self.check_address(check.address(), based, scope),
            Spec::Step(step) => {
                self.check_address(step.address(), false, scope);
                self.check_address(step.asks().as_ref().and_then(|check| check.address()), false, scope);
                for (check, scope) in step.checks(scope) {
                    self.check_address(check.address(), false, &scope);
                }
            }
            Spec::Signal(asked) => {
                asked.addresses().for_each(|address| self.check_address(Some(address), false, scope));
            }
            Spec::Tail(_) => {}
        }
    }

    fn check_address(&self, address: Option<&Template>, based: bool, scope: &Scope) {
        let Some(address) = address.filter(|address| !address.is_secret(scope)) else { return };
        // One that the environment lacks was reported where it stands.
        if address.names().any(|name| scope.get(name).is_ok_and(|bound| bound.value.is_null())) {
            return;
        }
        let whole = address.text(scope);
        let text = whole.clone().unwrap_or_else(|_| address.written());
        let is_whole = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        // A name whose value comes later may be all of it.
        if (text.starts_with("{{") && whole.is_err()) || (based && !text.contains("://")) {
            return;
        }
        let (why, help) = if is_whole {
            // With a name in it the rest is not known.
            let Ok(whole) = whole else { return };
            if Url::parse(&whole).is_ok_and(|url| url.has_host()) {
                return;
            }
            ("is no address", "write a host, and a path: `https://api.example.com/health`")
        } else if text.starts_with('/') {
            let help = "write it whole, or give the item a `session` with a `base`; a step has no session";
            ("is a path, and there is no session's base that it stands behind", help)
        } else {
            ("has no scheme", "write it whole: `https://…`")
        };
        let wrong = Diagnostic::error("wrong-value", address.span, format!("`{}` {why}", printable(&text)));
        self.notes.report(wrong.help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::base::source::Source;
    use crate::plan::{Environment, Options, load};

    const HEAD: &str = "[plan]\nschema = 1\nid = 'p'\ntitle = 'P'\n[vars]\nbare = 'api.example'\nfull = 'https://api.example'\n\
                        [session.s]\nbase = 'https://api.example'\n[session.bare]\ncookies = true\n\
                        [[phase]]\nid = 'a'\nat = 'T-1h'\n[[phase.item]]\nid = 'i'\n";

    fn found(item: &str) -> Vec<String> {
        let source = Source::new("plan.toml", format!("{HEAD}{item}\n"));
        let environment: Environment = [("HOME", "/nowhere")].into_iter().collect();
        let wrong = load(source, &environment, &Options::default()).err().unwrap_or_default();
        wrong.into_iter().map(|found| found.message).collect()
    }

    #[test]
    fn what_cannot_be_asked_is_told_before_it_is_asked() {
        for (item, told) in [
            ("http = { get = 'h.example.com/x' }", "has no scheme"),
            ("http = { get = 'localhost:8080/x' }", "has no scheme"),
            ("http = { get = 'ftp://h.example.com/x' }", "has no scheme"),
            ("http = { get = '{{ bare }}/x' }", "has no scheme"),
            ("http = { get = '/x' }", "is a path"),
            ("http = { get = 'https://' }", "is no address"),
            ("session = 'bare'\nhttp = { get = '/x' }", "is a path"),
            ("class = 'once'\nsend = { post = '/x' }", "is a path"),
            ("class = 'readonly'\nsnapshot = { http = '/x', as = 'x' }", "is a path"),
            ("cors = { url = '/x', allow = ['https://a.example'] }", "is a path"),
            ("sse = { get = '/x', until = { any = [{ event = 'done' }] } }", "is a path"),
            ("http = { get = 'https://h.example.com/', expect = { redirect = { to = '/y' } } }", "whole address"),
        ] {
            let found = found(item);
            assert!(found.len() == 1 && found[0].contains(told), "{item}: {found:?}");
        }
    }

    #[test]
    fn what_is_whole_or_stands_behind_a_base_is_right() {
        for item in [
            "http = { get = 'https://h.example.com:8443/x?y={{ full }}' }",
            "http = { get = '{{ full }}/x' }",
            "session = 's'\nhttp = { get = '/x' }",
            "session = 's'\nhttp = { get = 'x' }",
            "session = 'bare'\nhttp = { get = 'http://127.0.0.1:8080/x' }",
            "class = 'once'\nsend = { post = 'https://h.example.com/x' }",
        ] {
            assert_eq!(found(item), [""; 0], "{item}");
        }
    }
}
