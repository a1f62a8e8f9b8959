//! kubectl: one object read, one object replaced as it was read, or refused by the server because it is
//! another by now. Context and namespace are said in every call. `--raw` needs no discovery, so there is
//! nothing that could be resolved to another kind than the one meant. It knows no driver.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::At;
use crate::base::template::{Scope, Unbound};
use crate::kind::step::{Acting, Command, child};

/// Of one call, as kubectl is told; ours is longer, so that its words come before our silence.
const CALL: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);

/// The cluster's namespace that is meant.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    flags: Vec<String>,
    pub namespace: String,
}

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub what: What,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// We could not tell: nobody answered, or nobody was asked.
    Blind,
    /// The world answered, and it is not what is needed. Nothing was changed by this call.
    Refused,
    /// The object is another by now. Nothing was changed by this call.
    Conflict,
    /// Written, or not: nobody answered.
    Lost,
    /// The server knows no such kind of object.
    NoKind,
}

impl Trouble {
    pub fn of(what: What, why: impl Into<String>) -> Self {
        Self { what, why: why.into() }
    }
}

impl Cluster {
    pub fn of(at: &At, scope: &Scope) -> Result<Self, Unbound> {
        let open = scope.without_secrets();
        let (context, namespace) = (at.context.text(&open)?, at.namespace.text(&open)?);
        let mut flags = vec![
            format!("--context={context}"),
            format!("--namespace={namespace}"),
            format!("--request-timeout={}s", CALL.as_secs()),
        ];
        if let Some(kubeconfig) = &at.kubeconfig {
            flags.push(format!("--kubeconfig={}", PathBuf::from(kubeconfig.text(&open)?).display()));
        }
        Ok(Self { flags, namespace })
    }

    /// The path of objects: `apis/GROUP/VERSION`, and what they are called there.
    pub fn path(&self, group: &str, objects: &str) -> String {
        format!("/{group}/namespaces/{}/{objects}", self.namespace)
    }

    fn command(&self, words: &[&str], stdin: Option<String>) -> Command {
        let words = words.iter().map(ToString::to_string);
        let argv = std::iter::once("kubectl".to_owned()).chain(self.flags.iter().cloned()).chain(words).collect();
        Command { argv, cwd: None, env: Vec::new(), stdin }
    }

    /// Reads what is at `path`.
    pub async fn get(&self, path: &str, cx: &Acting) -> Result<Value, Trouble> {
        self.fit()?;
        let heard = child::heard(&self.command(&["get", "--raw", path], None), &cx.look.base, PATIENCE).await;
        if let Some(error) = &heard.outcome.error {
            return Err(Trouble::of(What::Blind, error));
        }
        if heard.outcome.exit != Some(0) {
            return Err(told(&heard.stderr, false));
        }
        serde_json::from_slice(&heard.stdout)
            .map_err(|error| Trouble::of(What::Blind, format!("the API server's answer is no JSON: {error}")))
    }

    /// Puts `object`, with the `resourceVersion` it was read with, in its place.
    pub async fn put(&self, path: &str, object: &Value, cx: &Acting) -> Result<(), Trouble> {
        self.fit()?;
        if object.pointer("/metadata/resourceVersion").and_then(Value::as_str).is_none_or(str::is_empty) {
            // Without it the server would take whatever we write over whatever is there.
            return Err(Trouble::of(What::Refused, "the object was read without a resourceVersion"));
        }
        cx.say(&format!("kubectl {} replace --raw {path}", self.flags.join(" ")));
        let words = ["replace", "--validate=false", "--raw", path, "-f", "-"];
        let heard = child::heard(&self.command(&words, Some(object.to_string())), &cx.look.base, PATIENCE).await;
        match &heard.outcome.error {
            Some(error) if heard.outcome.never_ran => Err(Trouble::of(What::Blind, error)),
            Some(error) => Err(Trouble::of(What::Lost, error)),
            None if heard.outcome.exit == Some(0) => Ok(()),
            None => Err(told(&heard.stderr, true)),
        }
    }

    /// Names go into a path: whatever is no name could lead to another place.
    fn fit(&self) -> Result<(), Trouble> {
        match is_name(&self.namespace) {
            true => Ok(()),
            false => Err(Trouble::of(What::Blind, format!("`{}` is no namespace's name", self.namespace))),
        }
    }
}

/// Whether this is a name as Kubernetes has them: RFC 1123, at most 253 bytes.
pub(super) fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=253).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(ends)
        && text.ends_with(ends)
        && !text.contains("..")
}

/// What kubectl's words mean. `writing`: whether it may be unclear that something was changed.
fn told(stderr: &str, writing: bool) -> Trouble {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    // Libraries of kubectl's log beside its own words.
    let says = |line: &&str| line.starts_with("Error") || line.starts_with("error") || line.starts_with("The ");
    let line = lines().rfind(says).or_else(|| lines().next_back()).unwrap_or("it said nothing");
    let why = format!("kubectl: {line}");
    let reason = line.strip_prefix("Error from server (").and_then(|rest| rest.split(')').next());
    let what = match reason {
        Some("Conflict") => What::Conflict,
        Some("NotFound") if line.contains("could not find the requested resource") => What::NoKind,
        Some("NotFound") => What::Refused,
        Some("Forbidden" | "Unauthorized") if !writing => What::Blind,
        Some(
            "Forbidden"
            | "Unauthorized"
            | "Invalid"
            | "BadRequest"
            | "AlreadyExists"
            | "MethodNotAllowed"
            | "RequestEntityTooLarge"
            | "UnsupportedMediaType"
            | "NotAcceptable"
            | "Gone",
        ) => What::Refused,
        _ if line.starts_with("The request is invalid") || line.starts_with("error: context") => {
            if writing {
                What::Refused
            } else {
                What::Blind
            }
        }
        _ if writing => What::Lost,
        _ => What::Blind,
    };
    Trouble { what, why }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_kubectl_says_is_understood() {
        for (stderr, read, written) in [
            ("Error from server (Conflict): the object has been modified\n", What::Conflict, What::Conflict),
            ("Error from server (NotFound): ingresses \"x\" not found\n", What::Refused, What::Refused),
            (
                "Error from server (NotFound): the server could not find the requested resource\n",
                What::NoKind,
                What::NoKind,
            ),
            ("Error from server (Forbidden): no\n", What::Blind, What::Refused),
            ("The request is invalid: denied\n", What::Blind, What::Refused),
            ("Error from server (InternalError): an error on the server\n", What::Blind, What::Lost),
            ("The connection to the server 127.0.0.1:1 was refused\n", What::Blind, What::Lost),
            ("error: context \"nope\" does not exist\n", What::Blind, What::Refused),
            ("I1121 log.go:245] noise\nError from server (Conflict): x\n", What::Conflict, What::Conflict),
            ("Error from server (Conflict): x\nI1121 log.go:245] noise\n", What::Conflict, What::Conflict),
            ("", What::Blind, What::Lost),
        ] {
            assert_eq!((told(stderr, false).what, told(stderr, true).what), (read, written), "{stderr}");
        }
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        for name in ["shop", "a", "shop-canary.v2", "0a"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "Shop", "a/b", "..", "a..b", "a?b", "-a", "a-", "a b", "%2e", "a\n"] {
            assert!(!is_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_words_of_kubectl_panic(stderr in ".{0,200}", writing in any::<bool>()) {
            prop_assert!(told(&stderr, writing).why.starts_with("kubectl: "));
        }
    }
}
