//! The first half of finishing: what serves everybody becomes what the canary is. A Deployment gets the image
//! of the canary's, and is waited for until all of it runs; a command of the plan's does it its own way; a
//! Rollout does it itself.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::course::{Course, EVERY, Hand, Stopped, TRIES};
use super::kube::{Cluster, Trouble, What, is_name};
use super::{Template, command};
use crate::kind::step::child;
use crate::launch::verdict::Finding;

#[derive(Debug, Clone)]
pub(super) enum Promote {
    /// The image of one Deployment's container for another's.
    Deployment {
        from: Template,
        to: Template,
        container: Option<Template>,
        within: Duration,
    },
    Command(Vec<Template>),
    /// Argo's own.
    Full {
        within: Duration,
    },
}

impl Promote {
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Deployment { from, to, container, .. } => [from, to].into_iter().chain(container).collect(),
            Self::Command(argv) => argv.iter().collect(),
            Self::Full { .. } => Vec::new(),
        }
    }
}

pub(super) async fn promote(course: &mut Course<'_>, promote: &Promote) -> Result<(), Stopped> {
    match promote {
        Promote::Deployment { from, to, container, within } => {
            let open = course.cx.look.scope.without_secrets();
            let name = |template: &Template| match template.text(&open) {
                Ok(name) if is_name(&name) => Ok(name),
                Ok(name) => Err(format!("`{name}` is no name of an object")),
                Err(unbound) => Err(unbound.to_string()),
            };
            let container = container.as_ref().map(|container| name(container)).transpose();
            let names = name(from).and_then(|from| Ok((from, name(to)?, container?)));
            let (from, to, container) =
                names.map_err(|why| course.stop("promote", "a deployment", &Trouble::of(What::Blind, why)))?;
            let Some(cluster) = course.hand.cluster().cloned() else { return Err(Stopped) };
            deployment(course, &cluster, (&from, &to, container.as_deref()), *within).await
        }
        Promote::Command(argv) => {
            let bound = command(argv, &course.cx.look.scope);
            let bound =
                bound.map_err(|why| course.stop("promote", "exit 0", &Trouble::of(What::Blind, why.to_string())))?;
            course.cx.say(&format!("running {}", bound.argv.join(" ")));
            let outcome = child::through(&bound, &course.cx.look.base).await;
            let (verdict, seen) = (outcome.verdict(&[]), outcome.words());
            course.findings.push(Finding { verdict, ..Finding::held("promote", "exit 0", seen, true) });
            if outcome.exit == Some(0) { Ok(()) } else { Err(Stopped) }
        }
        Promote::Full { within } => full(course, *within).await,
    }
}

fn path(cluster: &Cluster, name: &str) -> String {
    cluster.path("apis/apps/v1", &format!("deployments/{name}"))
}

async fn deployment(
    course: &mut Course<'_>,
    cluster: &Cluster,
    (from, to, container): (&str, &str, Option<&str>),
    within: Duration,
) -> Result<(), Stopped> {
    let expected = format!("`{to}` runs what `{from}` runs");
    let mut conflicts = 0;
    let image = loop {
        let read = async {
            let canary = cluster.get(&path(cluster, from), course.cx).await?;
            let stable = cluster.get(&path(cluster, to), course.cx).await?;
            let refused = |why: String| Trouble::of(What::Refused, why);
            let (_, name, image) = image_of(&canary, container).map_err(refused)?;
            let (at, _, there) = image_of(&stable, container.or(Some(name))).map_err(refused)?;
            let same = image == there;
            course.cx.say(&format!("`{to}` runs {there}, `{from}` runs {image}"));
            let mut object = stable.clone();
            if let Some(place) = object.pointer_mut(&format!("/spec/template/spec/containers/{at}/image")) {
                *place = json!(image);
            }
            Ok::<_, Trouble>((image.to_owned(), (!same).then_some(object)))
        };
        let (image, object) = match read.await {
            Ok(read) => read,
            Err(trouble) => return Err(course.stop("promote", expected, &trouble)),
        };
        let Some(object) = object else { break image };
        match cluster.put(&path(cluster, to), &object, course.cx).await {
            Ok(()) => break image,
            Err(Trouble { what: What::Conflict, why }) if conflicts + 1 < TRIES => {
                conflicts += 1;
                course.cx.say(&format!("changed by another since it was read ({conflicts} of {TRIES}): {why}"));
            }
            Err(Trouble { what: What::Lost, why }) => {
                course.cx.say(&format!("it is not known whether that was written: {why}"));
                break image;
            }
            Err(trouble) => return Err(course.stop("promote", expected, &trouble)),
        }
    };
    let until = Instant::now() + within;
    loop {
        let stands = match cluster.get(&path(cluster, to), course.cx).await {
            Ok(stable) => rolled_out(&stable, &image),
            Err(trouble) => Err(Standing::Not(trouble)),
        };
        let left = until.saturating_duration_since(Instant::now());
        match stands {
            Ok(words) => {
                course.findings.push(Finding::held("promote", expected, words, true));
                return Ok(());
            }
            Err(Standing::Never(why)) => {
                return Err(course.stop("promote", expected, &Trouble::of(What::Refused, why)));
            }
            Err(Standing::Not(trouble)) if left.is_zero() => {
                let why = format!("not within {}: {}", humantime::format_duration(within), trouble.why);
                return Err(course.stop("promote", expected, &Trouble { why, ..trouble }));
            }
            Err(Standing::Not(_)) => sleep(EVERY.min(left)).await,
        }
    }
}

/// Position, name and image of the container that is meant.
fn image_of<'v>(deployment: &'v Value, container: Option<&str>) -> Result<(usize, &'v str, &'v str), String> {
    let name = deployment.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let containers = containers.ok_or_else(|| format!("the deployment `{name}` has no containers"))?;
    let text = |value: &'v Value, key| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let found = match (container, containers.as_slice()) {
        (_, [one]) => Some((0, one)),
        (Some(wanted), all) => all.iter().enumerate().find(|(_, one)| text(one, "name") == wanted),
        (None, _) => return Err(format!("the deployment `{name}` has several containers: say `container`")),
    };
    let (at, one) =
        found.ok_or_else(|| format!("the deployment `{name}` has no container `{}`", container.unwrap_or("")))?;
    match text(one, "image") {
        "" => Err(format!("a container of the deployment `{name}` has no image")),
        image => Ok((at, text(one, "name"), image)),
    }
}

enum Standing {
    /// It may come.
    Not(Trouble),
    /// It will not come by itself.
    Never(String),
}

/// Whether every replica runs the image that is wanted, and no other does.
fn rolled_out(deployment: &Value, image: &str) -> Result<String, Standing> {
    let not = |why: String| Err(Standing::Not(Trouble::of(What::Refused, why)));
    let number = |path: &str| deployment.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let runs = |one: &Value| one.get("image").and_then(Value::as_str) == Some(image);
    if !containers.is_some_and(|all| all.iter().any(runs)) {
        return not(format!("no container of it has the image {image}"));
    }
    let wanted = deployment.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    if wanted == 0 {
        return Err(Standing::Never("it has 0 replicas: without the canary nobody would be served".to_owned()));
    }
    let conditions = deployment.pointer("/status/conditions").and_then(Value::as_array);
    let stuck = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.get("reason").and_then(Value::as_str) == Some("ProgressDeadlineExceeded"));
    let seen = number("/status/observedGeneration");
    if seen < number("/metadata/generation") {
        return not("its controller has not seen the change".to_owned());
    }
    if stuck.is_some() {
        return Err(Standing::Never("its rollout exceeded its progress deadline".to_owned()));
    }
    let (all, new, ready) =
        (number("/status/replicas"), number("/status/updatedReplicas"), number("/status/availableReplicas"));
    match new == wanted && all == wanted && ready == wanted {
        true => Ok(format!("{image}, {ready} of {wanted} replicas")),
        false => not(format!("{new} of {wanted} replicas are new, {ready} are available, {all} exist")),
    }
}

async fn full(course: &mut Course<'_>, within: Duration) -> Result<(), Stopped> {
    let expected = "the new version is the stable one";
    let Hand::Rollouts(rollouts) = course.hand.clone() else { return Err(Stopped) };
    let until = Instant::now() + within;
    let mut conflicts = 0;
    loop {
        let (change, stands) = match rollouts.promoted(course.cx).await {
            Ok(looked) => looked,
            Err(trouble) => return Err(course.stop("promote", expected, &trouble)),
        };
        let Err(why) = stands else {
            course.findings.push(Finding::held("promote", expected, "it is, and Healthy", true));
            return Ok(());
        };
        if let Some(change) = change {
            match course.hand.write(&change, course.cx).await {
                Ok(()) => {}
                Err(Trouble { what: What::Conflict, why }) if conflicts + 1 < TRIES => {
                    conflicts += 1;
                    course.cx.say(&format!("changed by another since it was read ({conflicts} of {TRIES}): {why}"));
                    continue;
                }
                Err(Trouble { what: What::Lost, why }) => {
                    course.cx.say(&format!("not known whether that was written: {why}"))
                }
                Err(trouble) => return Err(course.stop("promote", expected, &trouble)),
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let why = format!("not within {}: {why}", humantime::format_duration(within));
            return Err(course.stop("promote", expected, &Trouble::of(What::Refused, why)));
        }
        sleep(EVERY.min(left)).await;
    }
}
