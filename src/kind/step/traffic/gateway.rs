//! Gateway API: the weights of an HTTPRoute's backendRefs. A rule is the canary's where it names both services;
//! a route that nobody has taken as it stands now shares nothing yet, whatever is written in it.

use serde_json::{Value, json};

use super::course::{Change, Look};
use super::gauge::{Gauge, Share, Wanted};
use super::kube::{Cluster, Trouble, What};
use crate::kind::step::Acting;

/// The version that is asked for first, and the one before it.
const VERSIONS: [&str; 2] = ["apis/gateway.networking.k8s.io/v1", "apis/gateway.networking.k8s.io/v1beta1"];

#[derive(Debug, Clone)]
pub(super) struct Gateway {
    pub cluster: Cluster,
    pub route: String,
    pub stable: String,
    pub canary: String,
}

impl Gateway {
    pub async fn look(&self, wanted: Option<&Wanted>, cx: &Acting) -> Result<Look, Trouble> {
        let path = |version| self.cluster.path(version, &format!("httproutes/{}", self.route));
        let (path, route) = match self.cluster.get(&path(VERSIONS[0]), cx).await {
            Err(Trouble { what: What::NoKind, .. }) => {
                let older = path(VERSIONS[1]);
                let route = self.cluster.get(&older, cx).await?;
                (older, route)
            }
            read => (path(VERSIONS[0]), read?),
        };
        let gauge = self.gauge(&route).map_err(|why| Trouble::of(What::Refused, why))?;
        let change = match wanted.and_then(|wanted| wanted.share).filter(|share| !gauge.share.is(*share)) {
            Some(share) => {
                let object = self.written(&route, share).map_err(|why| Trouble::of(What::Refused, why))?;
                Some(Change::Put { path, object: Box::new(object) })
            }
            None => None,
        };
        Ok(Look { gauge, change })
    }

    /// Positions of the rules that share between both services, and of their two backends.
    fn shared(&self, route: &Value) -> Result<Vec<(usize, usize, usize)>, String> {
        let rules = route.pointer("/spec/rules").and_then(Value::as_array).ok_or("the route has no rules")?;
        let mut shared = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let backends = rule.get("backendRefs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let find = |service: &str| backends.iter().position(|backend| name_of(backend) == Some(service));
            let (stable, canary) = (find(&self.stable), find(&self.canary));
            let (Some(stable), Some(canary)) = (stable, canary) else {
                if canary.is_some() {
                    return Err(format!(
                        "rule {at} of `{}` leads to `{}` alone: it cannot be shared",
                        self.route, self.canary
                    ));
                }
                continue;
            };
            if backends.len() != 2 {
                let why = "it has other backends than the two, whose share nobody said";
                return Err(format!("rule {at} of `{}` cannot be shared: {why}", self.route));
            }
            shared.push((at, stable, canary));
        }
        match shared.is_empty() {
            true => {
                Err(format!("no rule of `{}` has both `{}` and `{}` as backends", self.route, self.stable, self.canary))
            }
            false => Ok(shared),
        }
    }

    fn gauge(&self, route: &Value) -> Result<Gauge, String> {
        let mut shares = Vec::new();
        for (at, stable, canary) in self.shared(route)? {
            let weight = |backend: usize| {
                let weight = route.pointer(&format!("/spec/rules/{at}/backendRefs/{backend}/weight"));
                // Unsaid is 1: as the API documents it.
                weight.map_or(Some(1), Value::as_u64).filter(|weight| *weight <= 1_000_000)
            };
            let (stable, canary) = weight(stable).zip(weight(canary)).ok_or("a weight of the route is no weight")?;
            shares.push(Share { part: canary, of: stable + canary });
        }
        let first = shares.first().copied().unwrap_or(Share::NONE);
        if first.of == 0 {
            return Err(format!("both weights of `{}` are 0: nobody is served", self.route));
        }
        if let Some(other) = shares.iter().find(|share| !share.is(first)) {
            // Rules that differ have no one gauge; what is written makes them one again.
            let differ = format!("rules of `{}` differ: {} and {}", self.route, first.words(), other.words());
            return Ok(Gauge { pending: Some(differ), ..Gauge::of(Share::MIXED) });
        }
        Ok(Gauge { pending: not_taken(route), ..Gauge::of(first) })
    }

    fn written(&self, route: &Value, share: Share) -> Result<Value, String> {
        let of = if share.counted_in(100).is_some() { 100 } else { share.of };
        let part = share.counted_in(of).ok_or("the share is no whole number")?;
        let mut written = route.clone();
        for (at, stable, canary) in self.shared(route)? {
            for (backend, weight) in [(stable, of - part), (canary, part)] {
                let path = format!("/spec/rules/{at}/backendRefs/{backend}");
                let backend =
                    written.pointer_mut(&path).and_then(Value::as_object_mut).ok_or("a backend is no object")?;
                backend.insert("weight".to_owned(), json!(weight));
            }
        }
        Ok(written)
    }
}

/// A backend that is a service, by its name.
fn name_of(backend: &Value) -> Option<&str> {
    let kind = backend.get("kind").and_then(Value::as_str).unwrap_or("Service");
    (kind == "Service").then(|| backend.get("name").and_then(Value::as_str)).flatten()
}

/// Why no gateway follows the route as it stands; none where every one that knows it does.
fn not_taken(route: &Value) -> Option<String> {
    let generation = route.pointer("/metadata/generation").and_then(Value::as_u64);
    let parents = route.pointer("/status/parents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if parents.is_empty() {
        return Some("no gateway has accepted the route".to_owned());
    }
    for parent in parents {
        let conditions = parent.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for wanted in ["Accepted", "ResolvedRefs"] {
            let of = |key: &str, condition: &Value| condition.get(key).and_then(Value::as_str).map(str::to_owned);
            let Some(condition) = conditions.iter().find(|one| of("type", one).as_deref() == Some(wanted)) else {
                return Some(format!("a gateway does not say that the route is {wanted}"));
            };
            if of("status", condition).as_deref() != Some("True") {
                let why = of("message", condition).or_else(|| of("reason", condition)).unwrap_or_default();
                return Some(format!("a gateway says that the route is not {wanted}: {why}"));
            }
            let seen = condition.get("observedGeneration").and_then(Value::as_u64);
            if seen.zip(generation).is_some_and(|(seen, generation)| seen < generation) {
                return Some(format!("a gateway has not yet taken generation {}", generation.unwrap_or_default()));
            }
        }
    }
    None
}
