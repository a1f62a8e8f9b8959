//! The NGINX Ingress Controller's canary: annotations on an Ingress of the canary's own, beside one that serves
//! the same hosts and paths and is no canary. A lone Ingress that is made its own canary serves nobody any
//! more, so the sibling is looked for before anything is written, and in taking back too.

use serde_json::{Value, json};

use super::course::{Change, Look};
use super::gauge::{Gauge, Header, Rule, Share, Wanted};
use super::kube::{Cluster, Trouble, What};
use crate::kind::step::Acting;

/// What the annotations begin with.
pub const PREFIX: &str = "nginx.ingress.kubernetes.io/";
/// The only values of a `canary-by-cookie` cookie that lead anywhere.
pub const COOKIE_VALUES: [&str; 2] = ["always", "never"];

const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
const WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";
const TOTAL: &str = "nginx.ingress.kubernetes.io/canary-weight-total";
const HEADER: &str = "nginx.ingress.kubernetes.io/canary-by-header";
const VALUE: &str = "nginx.ingress.kubernetes.io/canary-by-header-value";
const MATCHING: &str = "nginx.ingress.kubernetes.io/canary-by-header-pattern";
const COOKIE: &str = "nginx.ingress.kubernetes.io/canary-by-cookie";

#[derive(Debug, Clone)]
pub(super) struct Nginx {
    pub cluster: Cluster,
    pub ingress: String,
    /// Services that must stand behind the sibling and behind the canary, where they are said.
    pub stable: Option<String>,
    pub canary: Option<String>,
}

impl Nginx {
    pub async fn look(&self, wanted: Option<&Wanted>, cx: &Acting) -> Result<Look, Trouble> {
        let path = self.cluster.path("apis/networking.k8s.io/v1", "ingresses");
        // One list: the canary and its siblings as they stood at one moment.
        let list = self.cluster.get(&path, cx).await?;
        let (canary, gauge) = self.read(&list)?;
        let change = match wanted.filter(|wanted| !wanted.is_met(&gauge)) {
            Some(wanted) => {
                let object = written(canary, wanted).map_err(|why| Trouble::of(What::Refused, why))?;
                Some(Change::Put { path: format!("{path}/{}", self.ingress), object: Box::new(object) })
            }
            None => None,
        };
        Ok(Look { gauge, change })
    }

    /// The canary's Ingress and what it gets, where it is one that NGINX will follow.
    fn read<'v>(&self, list: &'v Value) -> Result<(&'v Value, Gauge), Trouble> {
        let refused = |why: String| Err(Trouble::of(What::Refused, why));
        let Some(items) = list.get("items").and_then(Value::as_array) else {
            return Err(Trouble::of(What::Blind, "the API server's answer is no list of ingresses"));
        };
        let (name, namespace) = (&self.ingress, &self.cluster.namespace);
        let Some(canary) = items.iter().find(|item| name_of(item) == Some(name.as_str())) else {
            let there = items.iter().filter_map(name_of).take(8).collect::<Vec<_>>().join(", ");
            let there = if there.is_empty() { "there is none".to_owned() } else { format!("there: {there}") };
            return refused(format!("no ingress `{name}` in the namespace `{namespace}`; {there}"));
        };
        if !is_canary(canary) {
            return refused(format!(
                "the ingress `{name}` is no canary: `{CANARY}` is not \"true\" on it; made one, it would serve nobody \
                 but the canary's part. A canary has an Ingress of its own"
            ));
        }
        let served = serves(canary);
        if served.is_empty() {
            return refused(format!(
                "the ingress `{name}` has no rule with a host or path: NGINX makes no canary of it"
            ));
        }
        for (host, path, kind) in &served {
            let main = items.iter().find(|item| {
                name_of(item) != Some(name.as_str())
                    && !is_canary(item)
                    && class(item) == class(canary)
                    && serves(item).iter().any(|other| other == &(*host, *path, *kind))
            });
            let Some(main) = main else {
                return refused(format!(
                    "the canary `{name}` stands alone: no other ingress of `{namespace}` serves {host}{path} and is no \
                     canary, so what is there now gets no traffic at all. If it is the only one, take the annotation \
                     `{CANARY}` off it"
                ));
            };
            expect_service(main, self.stable.as_deref(), "stable").map_err(|why| Trouble::of(What::Refused, why))?;
        }
        expect_service(canary, self.canary.as_deref(), "canary").map_err(|why| Trouble::of(What::Refused, why))?;
        gauge(canary).map(|gauge| (canary, gauge)).map_err(|why| Trouble::of(What::Blind, why))
    }
}

fn name_of(object: &Value) -> Option<&str> {
    object.pointer("/metadata/name").and_then(Value::as_str)
}

fn annotation<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.get("metadata")?.get("annotations")?.get(name)?.as_str()
}

fn is_canary(object: &Value) -> bool {
    annotation(object, CANARY).is_some_and(|value| value == "true")
}

fn class(object: &Value) -> Option<&str> {
    let named = object.pointer("/spec/ingressClassName").and_then(Value::as_str);
    named.or_else(|| annotation(object, "kubernetes.io/ingress.class"))
}

/// Host, path and path type of each of its paths.
fn serves(object: &Value) -> Vec<(&str, &str, &str)> {
    let rules = object.pointer("/spec/rules").and_then(Value::as_array);
    let paths = rules.into_iter().flatten().flat_map(|rule| {
        let host = rule.get("host").and_then(Value::as_str).unwrap_or("*");
        let paths = rule.pointer("/http/paths").and_then(Value::as_array);
        paths.into_iter().flatten().map(move |path| {
            let of = |key: &str, default: &'static str| path.get(key).and_then(Value::as_str).unwrap_or(default);
            (host, of("path", "/"), of("pathType", "ImplementationSpecific"))
        })
    });
    paths.collect()
}

/// The services behind its paths.
fn services(object: &Value) -> Vec<&str> {
    let rules = object.pointer("/spec/rules").and_then(Value::as_array);
    let paths = rules.into_iter().flatten().filter_map(|rule| rule.pointer("/http/paths").and_then(Value::as_array));
    paths.flatten().filter_map(|path| path.pointer("/backend/service/name").and_then(Value::as_str)).collect()
}

fn expect_service(object: &Value, wanted: Option<&str>, which: &str) -> Result<(), String> {
    let Some(wanted) = wanted else { return Ok(()) };
    let there = services(object);
    match there.iter().all(|service| *service == wanted) && !there.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "behind the ingress `{}` stands {}, not `{wanted}`, which is to be the {which}",
            name_of(object).unwrap_or_default(),
            if there.is_empty() { "no service".to_owned() } else { format!("`{}`", there.join("`, `")) }
        )),
    }
}

fn total(object: &Value) -> Result<u64, String> {
    match annotation(object, TOTAL) {
        None => Ok(100),
        Some(text) => text.parse().ok().filter(|total| *total > 0).ok_or_else(|| format!("`{TOTAL}` is `{text}`")),
    }
}

fn gauge(object: &Value) -> Result<Gauge, String> {
    let of = total(object)?;
    let part = match annotation(object, WEIGHT) {
        None => 0,
        Some(text) => text.parse::<u64>().map_err(|_| format!("`{WEIGHT}` is `{text}`, which is no weight"))?,
    };
    let share = Share { part: part.min(of), of };
    let (value, pattern) = (annotation(object, VALUE), annotation(object, MATCHING));
    let header = annotation(object, HEADER).map(|name| Header {
        name: name.to_owned(),
        value: value.or(pattern).map(str::to_owned),
        matching: value.is_none() && pattern.is_some(),
    });
    Ok(Gauge { header, cookie: annotation(object, COOKIE).map(str::to_owned), ..Gauge::of(share) })
}

/// The object with what is wanted in it, and all else as it was read.
fn written(object: &Value, wanted: &Wanted) -> Result<Value, String> {
    let of = total(object)?;
    let mut object = object.clone();
    let whole = object.as_object_mut().ok_or("the ingress is no object")?;
    // Objects of a list do not say what they are.
    whole.entry("kind").or_insert_with(|| json!("Ingress"));
    whole.entry("apiVersion").or_insert_with(|| json!("networking.k8s.io/v1"));
    let annotations = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    let annotations = annotations.ok_or("the ingress has no annotations")?;
    if let Some(share) = wanted.share {
        let part =
            share.counted_in(of).ok_or_else(|| format!("{} is no whole part of `{TOTAL}` {of}", share.words()))?;
        annotations.insert(WEIGHT.to_owned(), json!(part.to_string()));
    }
    match &wanted.header {
        Rule::Kept => {}
        Rule::Is(Header { name, value, matching }) => {
            annotations.insert(HEADER.to_owned(), json!(name));
            [VALUE, MATCHING].into_iter().for_each(|key| drop(annotations.shift_remove(key)));
            if let Some(value) = value {
                annotations.insert((if *matching { MATCHING } else { VALUE }).to_owned(), json!(value));
            }
        }
        Rule::Gone => [HEADER, VALUE, MATCHING].into_iter().for_each(|key| drop(annotations.shift_remove(key))),
    }
    match &wanted.cookie {
        Rule::Kept => {}
        Rule::Is(name) => drop(annotations.insert(COOKIE.to_owned(), json!(name))),
        Rule::Gone => drop(annotations.shift_remove(COOKIE)),
    }
    Ok(object)
}
