//! Argo Rollouts, through the Rollout itself: its controller alone moves traffic, along the steps of
//! `spec.strategy.canary`. A weight is set by going to the step that sets it, taking back is `abort`, finishing
//! is `promoteFull`: the fields that its own plugin writes. What is read is the status, which the controller
//! writes.

use serde_json::{Map, Value, json};

use super::course::{Change, Look};
use super::gauge::{Gauge, Share, Wanted};
use super::kube::{Cluster, Trouble, What};
use crate::kind::step::Acting;

#[derive(Debug, Clone)]
pub(super) struct Rollouts {
    pub cluster: Cluster,
    pub rollout: String,
}

/// What is to become of the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Step(usize),
    Abort,
    Promote,
}

impl Rollouts {
    fn path(&self) -> String {
        self.cluster.path("apis/argoproj.io/v1alpha1", &format!("rollouts/{}", self.rollout))
    }

    pub async fn look(&self, wanted: Option<&Wanted>, cx: &Acting) -> Result<Look, Trouble> {
        let refused = |why: String| Trouble::of(What::Refused, why);
        let rollout = self.cluster.get(&self.path(), cx).await?;
        let gauge = gauge(&rollout).map_err(|why| Trouble::of(What::Blind, why))?;
        let change = match wanted.and_then(|wanted| wanted.share) {
            None => None,
            Some(share) if gauge.share.is(share) && (share.part > 0 || !in_flight(&rollout)) => None,
            Some(share) => {
                let way = if share.part == 0 { Way::Abort } else { way_to(&rollout, share).map_err(refused)? };
                self.change(&rollout, way).map_err(refused)?
            }
        };
        Ok(Look { gauge, change })
    }

    /// What promotes it fully; none where that is done, and whether it is through.
    pub async fn promoted(&self, cx: &Acting) -> Result<(Option<Change>, Result<(), String>), Trouble> {
        let rollout = self.cluster.get(&self.path(), cx).await?;
        let stands = promoted(&rollout);
        let change = match &stands {
            Ok(()) => None,
            Err(_) => self.change(&rollout, Way::Promote).map_err(|why| Trouble::of(What::Refused, why))?,
        };
        Ok((change, stands))
    }

    /// None where the status says so already, and the controller is at it.
    fn change(&self, rollout: &Value, way: Way) -> Result<Option<Change>, String> {
        if rollout.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
            return Err(format!("the rollout `{}` was paused by hand (`spec.paused`): nothing moves it", self.rollout));
        }
        let mut object = rollout.clone();
        let whole = object.as_object_mut().ok_or("the rollout is no object")?;
        let status =
            whole.entry("status").or_insert_with(|| json!({})).as_object_mut().ok_or("its status is no object")?;
        turn(status, way);
        let same = rollout.get("status") == object.get("status");
        Ok((!same).then(|| Change::Put { path: format!("{}/status", self.path()), object: Box::new(object) }))
    }
}

fn turn(status: &mut Map<String, Value>, way: Way) {
    match way {
        Way::Step(at) => {
            status.insert("currentStepIndex".to_owned(), json!(at));
            status.shift_remove("pauseConditions");
            status.shift_remove("controllerPause");
            if status.contains_key("abort") {
                status.insert("abort".to_owned(), json!(false));
            }
        }
        Way::Abort => drop(status.insert("abort".to_owned(), json!(true))),
        Way::Promote => drop(status.insert("promoteFull".to_owned(), json!(true))),
    }
}

fn steps(rollout: &Value) -> Result<&[Value], String> {
    let canary = rollout.pointer("/spec/strategy/canary").ok_or("the rollout has no canary strategy")?;
    Ok(canary.get("steps").and_then(Value::as_array).map_or(&[], Vec::as_slice))
}

fn text<'v>(rollout: &'v Value, path: &str) -> Option<&'v str> {
    rollout.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Whether a new version is on its way: the stable one is another.
fn in_flight(rollout: &Value) -> bool {
    text(rollout, "/status/stableRS") != text(rollout, "/status/currentPodHash")
        && rollout.pointer("/status/abort").and_then(Value::as_bool) != Some(true)
}

/// The step that sets `share`, where the rollout then stands still.
fn way_to(rollout: &Value, share: Share) -> Result<Way, String> {
    if !in_flight(rollout) && rollout.pointer("/status/abort").and_then(Value::as_bool) != Some(true) {
        return Err("no new version is on its way: there is no canary to give traffic to".to_owned());
    }
    let steps = steps(rollout)?;
    let set = |step: &Value| step.get("setWeight").and_then(Value::as_u64);
    let at = steps.iter().position(|step| set(step).is_some_and(|weight| Share { part: weight, of: 100 }.is(share)));
    let Some(at) = at else {
        let known: Vec<String> = steps.iter().filter_map(set).map(|weight| format!("{weight}%")).collect();
        let known = if known.is_empty() { "no weight".to_owned() } else { known.join(", ") };
        return Err(format!("its steps set {known}, and never {}: a weight is a step of the rollout", share.words()));
    };
    match steps.get(at + 1).and_then(|step| step.get("pause")) {
        Some(pause) if pause.get("duration").is_none() => Ok(Way::Step(at)),
        Some(_) => Err(format!("after its step {at} the rollout goes on by itself: the pause there has a duration")),
        None => Err(format!("after its step {at} the rollout goes on at once: no `pause` stands there")),
    }
}

fn gauge(rollout: &Value) -> Result<Gauge, String> {
    let steps = steps(rollout)?;
    let generation = rollout.pointer("/metadata/generation").and_then(Value::as_u64);
    // The controller writes it as a text.
    let seen = rollout.pointer("/status/observedGeneration");
    let seen = seen.and_then(|seen| seen.as_u64().or_else(|| seen.as_str()?.parse().ok()));
    let weight = match rollout.pointer("/status/canary/weights/canary/weight").and_then(Value::as_u64) {
        Some(weight) => weight,
        // Without a traffic router the share is that of the pods, as far as the steps say.
        None if !in_flight(rollout) => 0,
        None => {
            let at = rollout.pointer("/status/currentStepIndex").and_then(Value::as_u64).unwrap_or(0);
            let at = usize::try_from(at).unwrap_or(usize::MAX).min(steps.len());
            let passed = steps.iter().take(at.saturating_add(1)).rev();
            passed.filter_map(|step| step.get("setWeight").and_then(Value::as_u64)).next().unwrap_or(0)
        }
    };
    let phase = text(rollout, "/status/phase");
    let pending = match (seen.zip(generation), phase) {
        (Some((seen, generation)), _) if seen < generation => {
            Some(format!("the controller has not yet seen generation {generation}"))
        }
        (_, Some("Progressing")) => Some("the rollout is progressing".to_owned()),
        (_, None) => Some("the controller says nothing of the rollout".to_owned()),
        _ => None,
    };
    Ok(Gauge { pending, ..Gauge::of(Share { part: weight.min(100), of: 100 }) })
}

/// Whether the new version is the stable one, or why not yet.
fn promoted(rollout: &Value) -> Result<(), String> {
    let (stable, new) = (text(rollout, "/status/stableRS"), text(rollout, "/status/currentPodHash"));
    match (stable, new, text(rollout, "/status/phase")) {
        (Some(stable), Some(new), Some("Healthy")) if stable == new => Ok(()),
        (Some(stable), Some(new), phase) if stable == new => {
            Err(format!("promoted, and {}", phase.unwrap_or("silent")))
        }
        (_, _, Some(phase)) => Err(format!("the stable version is still another; {phase}")),
        _ => Err("the controller says nothing of the rollout".to_owned()),
    }
}
