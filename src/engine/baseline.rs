//! Captures what was good before T-0: "previous good" is captured, not remembered. Tried until it is
//! there; after T-0 the loop takes no more of it.

use std::time::Duration;

use serde_json::Value;

use super::world::World;
use crate::base::template::{Scope, as_text};
use crate::kind::Spec;
use crate::launch::command::Observation;
use crate::launch::plan::Baseline;
use crate::launch::verdict::Captured;

/// Between two tries at a value that did not come.
const AGAIN: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// What a look may take beyond its own timeout before it counts as hung.
const HUNG: Duration = Duration::from_secs(5);
/// A program takes longer than a request.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(60);

/// Captures one value, however often it takes, for as long as this console acts.
pub async fn capture(world: World, wanted: Baseline) {
    let acting = world.acting.clone();
    tokio::select! {
        () = keep_looking(&world, &wanted) => {}
        () = acting.stopped() => {}
        // Under another plan it may be another value.
        () = world.amended.cancelled() => {}
    }
}

async fn keep_looking(world: &World, wanted: &Baseline) {
    while world.acting.may() {
        let value = look(world, wanted).await;
        let done = value.value().is_some();
        world.observe(Observation::BaselineCaptured { name: wanted.name.clone(), value }).await;
        if done {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn look(world: &World, wanted: &Baseline) -> Captured {
    let Some(entry) = world.catalogue.get(wanted.spec) else {
        return Captured::Missing("the plan has no check for it".into());
    };
    let Spec::Check(spec) = &entry.spec else {
        return Captured::Missing("only a check can capture it".into());
    };
    let timeout = if spec.invoked().is_some() { PROGRAM_TIMEOUT } else { TIMEOUT };
    let context = world.context(entry, &Scope::default(), timeout);
    // Items wait for what is told here: a look that hangs is told too.
    let Ok(ran) = tokio::time::timeout(timeout + HUNG, spec.run(&context)).await else {
        return Captured::Missing("the look did not end".into());
    };
    let value = ran.captured.into_iter().find(|(name, _)| *name == wanted.name).map(|(_, value)| value);
    match value {
        Some(value) if world.catalogue.secrets.iter().any(|secret| holds(&value, secret)) => {
            Captured::Missing("its value holds a secret of the plan, which no file may keep".into())
        }
        Some(value) => Captured::of(value),
        None => Captured::Missing(ran.report.summary),
    }
}

/// Whether any text of `value` holds `secret`.
fn holds(value: &Value, secret: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| holds(item, secret)),
        Value::Object(entries) => entries.iter().any(|(key, value)| key.contains(secret) || holds(value, secret)),
        scalar => as_text(scalar).contains(secret),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_holds_a_secret_is_none_to_keep() {
        for value in [json!("v hunter22"), json!(["a", { "k": "hunter22" }]), json!({ "hunter22": 1 })] {
            assert!(holds(&value, "hunter22"), "{value}");
        }
        assert!(!holds(&json!({ "version": "1.4.1", "n": 2 }), "hunter22"));
    }
}
