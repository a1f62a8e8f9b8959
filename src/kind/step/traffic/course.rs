//! What is common to all drivers: look, compare, write only over what was read, read back, verify. A conflict
//! is no error and no reason to write blindly: it is looked again, and decided again, a few times.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::gateway::Gateway;
use super::gauge::{Gauge, Header, Rule, Share, Wanted, percent};
use super::kube::{Cluster, Trouble, What, is_name};
use super::nginx::Nginx;
use super::own::{self, Own};
use super::rollouts::Rollouts;
use super::{Action, Driver, Traffic, Verify, command, finish};
use crate::base::template::{Scope, Template};
use crate::kind::check::Context;
use crate::kind::step::{Acting, Command, nested, weight};
use crate::launch::verdict::{Finding, Report, Verdict, Weight};

/// Times that something is decided anew because somebody else wrote between our reading and our writing.
pub(super) const TRIES: u32 = 5;
/// After the first conflict; longer after each.
const AFTER_CONFLICT: Duration = Duration::from_millis(100);
/// Between two looks at what was written.
pub(super) const EVERY: Duration = Duration::from_millis(500);
/// Between two looks at what is served.
const VERIFY_EVERY: Duration = Duration::from_secs(1);

/// One look: what the canary gets, and what would have to be written for it to get what is wanted.
#[derive(Debug)]
pub(super) struct Look {
    pub gauge: Gauge,
    pub change: Option<Change>,
}

#[derive(Debug)]
pub(super) enum Change {
    Put { path: String, object: Box<serde_json::Value> },
    Run(Command),
}

/// A driver with the values of its place in it.
#[derive(Debug, Clone)]
pub(super) enum Hand {
    Nginx(Nginx),
    Gateway(Gateway),
    Rollouts(Rollouts),
    Own(Own),
}

impl Hand {
    fn of(traffic: &Traffic, scope: &Scope) -> Result<Self, String> {
        let open = scope.without_secrets();
        let name = |template: &Template| {
            let text = template.text(&open).map_err(|unbound| unbound.to_string())?;
            if is_name(&text) { Ok(text) } else { Err(format!("`{text}` is no name of an object")) }
        };
        let cluster = |at| Cluster::of(at, scope).map_err(|unbound| unbound.to_string());
        let command = |argv: &[Template]| command(argv, scope).map_err(|unbound| unbound.to_string());
        Ok(match traffic.driver.as_ref() {
            Driver::Nginx { at, ingress, stable, canary } => Self::Nginx(Nginx {
                cluster: cluster(at)?,
                ingress: name(ingress)?,
                stable: stable.as_ref().map(name).transpose()?,
                canary: canary.as_ref().map(name).transpose()?,
            }),
            Driver::Gateway { at, route, stable, canary } => Self::Gateway(Gateway {
                cluster: cluster(at)?,
                route: name(route)?,
                stable: name(stable)?,
                canary: name(canary)?,
            }),
            Driver::Rollouts { at, rollout } => {
                Self::Rollouts(Rollouts { cluster: cluster(at)?, rollout: name(rollout)? })
            }
            Driver::Command { read, set } => {
                let set = if set.is_empty() { None } else { Some(command(set)?) };
                Self::Own(Own { read: command(read)?, set })
            }
        })
    }

    pub fn cluster(&self) -> Option<&Cluster> {
        match self {
            Self::Nginx(nginx) => Some(&nginx.cluster),
            Self::Gateway(gateway) => Some(&gateway.cluster),
            Self::Rollouts(rollouts) => Some(&rollouts.cluster),
            Self::Own(_) => None,
        }
    }

    pub async fn look(&self, wanted: Option<&Wanted>, cx: &Acting) -> Result<Look, Trouble> {
        match self {
            Self::Nginx(nginx) => nginx.look(wanted, cx).await,
            Self::Gateway(gateway) => gateway.look(wanted, cx).await,
            Self::Rollouts(rollouts) => rollouts.look(wanted, cx).await,
            Self::Own(own) => own.look(wanted, cx).await,
        }
    }

    pub async fn write(&self, change: &Change, cx: &Acting) -> Result<(), Trouble> {
        match (change, self.cluster()) {
            (Change::Put { path, object }, Some(cluster)) => cluster.put(path, object, cx).await,
            (Change::Run(command), _) => own::set(command, cx).await,
            (Change::Put { .. }, None) => Err(Trouble::of(What::Blind, "no cluster is meant")),
        }
    }
}

fn wanted(traffic: &Traffic, scope: &Scope) -> Result<Wanted, String> {
    if matches!(traffic.action, Action::Undo | Action::Finish) {
        return Ok(traffic.nothing());
    }
    let text = |template: &Template| template.text(&scope.without_secrets()).map_err(|unbound| unbound.to_string());
    let share = match &traffic.weight {
        Some(weight) => {
            let value = weight.value(scope).map_err(|unbound| unbound.to_string())?;
            Some(Share::of_percent(percent(&value)?))
        }
        None => None,
    };
    let header = match &traffic.header {
        Some((name, value)) => {
            Rule::Is(Header { name: text(name)?, value: value.as_ref().map(text).transpose()?, matching: false })
        }
        None => Rule::Kept,
    };
    Ok(Wanted { share, header, cookie: traffic.cookie.as_ref().map(text).transpose()?.map_or(Rule::Kept, Rule::Is) })
}

pub(super) async fn share(traffic: &Traffic, cx: &Acting) -> Result<f64, String> {
    let look = Hand::of(traffic, &cx.look.scope)?.look(None, cx).await.map_err(|trouble| trouble.why)?;
    match look.gauge.share {
        share if share.of == 0 => Err(look.gauge.pending.unwrap_or_default()),
        share => Ok(share.percent()),
    }
}

pub(super) async fn act(traffic: &Traffic, cx: &Acting) -> Report {
    let began = Instant::now();
    let scope = &cx.look.scope;
    let (hand, wanted) = match Hand::of(traffic, scope).and_then(|hand| Ok((hand, wanted(traffic, scope)?))) {
        Ok(bound) => bound,
        Err(why) => {
            return Report::plain(Verdict::Unknown, format!("nothing was asked or changed: {why}"), began.elapsed());
        }
    };
    let mut course = Course { cx, hand, within: traffic.within, wanted: None, findings: Vec::new() };
    let done = match traffic.action {
        Action::Read => course.read(&wanted).await,
        Action::Set | Action::Undo => course.set(&wanted, traffic.verify.as_deref()).await,
        Action::Finish => finish::finish(&mut course, traffic).await,
    };
    let mut report = Report::of(course.findings, began.elapsed());
    match done {
        Ok(said) if report.verdict == Verdict::Pass => report.summary = said,
        _ => {}
    }
    report
}

/// One course of an action. What it finds is told in the order it was found.
pub(super) struct Course<'a> {
    pub cx: &'a Acting,
    pub hand: Hand,
    pub within: Duration,
    /// What it is on its way to, for the gauge.
    wanted: Option<Share>,
    pub findings: Vec<Finding>,
}

/// It goes no further: the last finding says why.
pub(super) struct Stopped;

impl Course<'_> {
    /// Keeps why it cannot go on.
    pub fn stop(&mut self, subject: &str, expected: impl Into<String>, trouble: &Trouble) -> Stopped {
        let verdict = match trouble.what {
            What::Blind | What::Lost => Verdict::Unknown,
            What::Refused | What::Conflict | What::NoKind => Verdict::Fail,
        };
        let (subject, expected, seen) = (subject.to_owned(), expected.into(), trouble.why.clone());
        self.findings.push(Finding { row: None, subject, expected, seen, verdict });
        Stopped
    }

    /// Looks, and tells what was seen: what cannot be read, or is not done yet, is no share.
    async fn look(&self, wanted: Option<&Wanted>) -> Result<Look, Trouble> {
        let look = self.hand.look(wanted, self.cx).await;
        let seen = look.as_ref().ok().filter(|look| look.gauge.pending.is_none());
        let seen = seen.and_then(|look| look.gauge.share.hundredths());
        weight::tell(&self.cx.dir, Weight { wanted: self.wanted.and_then(Share::hundredths), seen });
        look
    }

    /// What the canary gets now.
    pub async fn gauge(&mut self) -> Result<Gauge, Stopped> {
        match self.look(None).await {
            Ok(look) => Ok(look.gauge),
            Err(trouble) => Err(self.stop("canary", "its share", &trouble)),
        }
    }

    async fn read(&mut self, wanted: &Wanted) -> Result<String, Stopped> {
        self.wanted = wanted.share;
        let gauge = self.gauge().await?;
        let seen = match &gauge.pending {
            Some(pending) => format!("{}, not yet done: {pending}", gauge.words()),
            None => gauge.words(),
        };
        self.cx.say(&format!("the canary has {seen}"));
        if *wanted == Wanted::default() {
            self.findings.push(Finding::held("canary", "a share that can be read", seen, gauge.share.of > 0));
        } else {
            let holds = wanted.is_met(&gauge) && gauge.pending.is_none();
            self.findings.push(Finding::held("canary", wanted.words(), seen, holds));
        }
        Ok(format!("the canary has {}", gauge.words()))
    }

    async fn set(&mut self, wanted: &Wanted, verify: Option<&Verify>) -> Result<String, Stopped> {
        let entered = self.no_new_users(wanted).await?;
        let (before, wrote) = self.to(wanted).await?;
        let (before, wrote) = entered.map_or((before, wrote), |before| (before, true));
        if let Some(verify) = verify {
            self.verify("verify", verify).await?;
        }
        Ok(match wrote {
            true => format!("the canary has {}, read back; it had {}", wanted.words(), before.words()),
            false => format!("the canary had {} already: nothing was written", wanted.words()),
        })
    }

    /// Where people stick to the canary by a header or cookie, and it is to get nothing: first nobody new comes to
    /// it, then those who stick are taken away. Taken away first, they could come back by the share. Answers what
    /// it had, where this was a step of its own.
    pub async fn no_new_users(&mut self, wanted: &Wanted) -> Result<Option<Gauge>, Stopped> {
        if wanted.share != Some(Share::NONE) || wanted.header != Rule::Gone && wanted.cookie != Rule::Gone {
            return Ok(None);
        }
        let gauge = self.gauge().await?;
        let sticks = gauge.header.is_some() || gauge.cookie.is_some();
        if !sticks || gauge.share.is(Share::NONE) {
            return Ok(None);
        }
        self.cx.say(&format!("the canary has {}: first no new users, then those who stick to it", gauge.words()));
        self.to(&Wanted { share: Some(Share::NONE), ..Wanted::default() }).await?;
        self.cx.say("nobody new comes to the canary; now those who stick to it by a header or cookie");
        Ok(Some(gauge))
    }

    /// Makes it so that the canary gets what is wanted, and sees that it does. Answers what it had before, and
    /// whether anything was written.
    pub async fn to(&mut self, wanted: &Wanted) -> Result<(Gauge, bool), Stopped> {
        self.wanted = wanted.share.or(self.wanted);
        let mut before = None;
        let mut conflicts = 0;
        let mut lost = None;
        let wrote = loop {
            let look = match self.look(Some(wanted)).await {
                Ok(look) => look,
                Err(trouble) => return Err(self.stop("canary", wanted.words(), &trouble)),
            };
            let seen = look.gauge.words();
            before.get_or_insert(look.gauge);
            let Some(change) = look.change else { break false };
            self.cx.say(&format!("the canary has {seen}; wanted: {}", wanted.words()));
            match self.hand.write(&change, self.cx).await {
                Ok(()) => break true,
                Err(Trouble { what: What::Conflict, why }) => {
                    conflicts += 1;
                    self.cx.say(&format!("changed by another since it was read ({conflicts} of {TRIES}): {why}"));
                    if conflicts == TRIES {
                        let why = format!(
                            "{seen}; {TRIES} times it was changed by another between reading and writing, and nothing \
                             of this was written"
                        );
                        return Err(self.stop("canary", wanted.words(), &Trouble::of(What::Conflict, why)));
                    }
                    sleep(AFTER_CONFLICT * conflicts).await;
                }
                Err(Trouble { what: What::Lost, why }) => {
                    self.cx.say(&format!("it is not known whether that was written: {why}"));
                    lost = Some(why);
                    break true;
                }
                Err(trouble) => return Err(self.stop("canary", wanted.words(), &trouble)),
            }
        };
        self.read_back(wanted, lost).await?;
        Ok((before.unwrap_or_else(|| Gauge::of(Share::NONE)), wrote))
    }

    /// Reads until what is read is what is wanted, or the time for it is over.
    async fn read_back(&mut self, wanted: &Wanted, lost: Option<String>) -> Result<(), Stopped> {
        let until = Instant::now() + self.within;
        let last = loop {
            let look = self.look(None).await.map(|look| look.gauge);
            if let Ok(gauge) = &look
                && wanted.is_met(gauge)
                && gauge.pending.is_none()
            {
                self.cx.say(&format!("read back: the canary has {}", gauge.words()));
                self.findings.push(Finding::held("canary", wanted.words(), gauge.words(), true));
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break look;
            }
            sleep(EVERY.min(left)).await;
        };
        let within = humantime::format_duration(self.within);
        let lost = lost.map(|why| format!(" (writing it: {why})")).unwrap_or_default();
        let trouble = match last {
            Ok(gauge) => {
                let pending = gauge.pending.as_ref().map(|why| format!(", {why}")).unwrap_or_default();
                Trouble::of(What::Refused, format!("{}{pending}, after {within}{lost}", gauge.words()))
            }
            Err(trouble) => Trouble { why: format!("not read back within {within}: {}{lost}", trouble.why), ..trouble },
        };
        Err(self.stop("canary", wanted.words(), &trouble))
    }

    /// Looks at what is served until it passes, or the time for it is over. Only a pass verifies.
    pub async fn verify(&mut self, subject: &str, verify: &Verify) -> Result<(), Stopped> {
        let until = Instant::now() + verify.within;
        let expected = verify.check.expects(&self.cx.look.scope).join("; ");
        let report = loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = nested::timeout(&verify.check, left.max(VERIFY_EVERY));
            let look = Context { timeout, ..self.cx.look.clone() };
            let report = verify.check.run(&look).await.report;
            let left = until.saturating_duration_since(Instant::now());
            if report.verdict == Verdict::Pass || left.is_zero() {
                break report;
            }
            sleep(VERIFY_EVERY.min(left)).await;
        };
        self.cx.say(&format!("{subject}: {}: {}", report.verdict, report.summary));
        let verdict = match report.verdict {
            Verdict::Pass => Verdict::Pass,
            Verdict::Fail | Verdict::Warn => Verdict::Fail,
            _ => Verdict::Unknown,
        };
        // What was expected stands beside it.
        let wrong = report.findings.iter().find(|finding| finding.verdict == report.verdict);
        let seen = match wrong.filter(|_| verdict != Verdict::Pass) {
            Some(wrong) => format!("{} {}", wrong.subject, wrong.seen),
            None => report.summary,
        };
        self.findings.push(Finding { row: None, subject: subject.to_owned(), expected, seen, verdict });
        if verdict == Verdict::Pass { Ok(()) } else { Err(Stopped) }
    }
}
