//! The detail of what is watched: a monitor, a signal, an objective with what it needs and its turns, a trigger.
//! Part of [`super`].

use super::{Page, Seen};
use crate::launch::id::{MonitorId, ObjectiveId, SignalId, TriggerId};
use crate::launch::plan::{Condition, DecidedBy, FireMode, Objective, SignalSource};
use crate::launch::slip::wall_of;
use crate::launch::threshold::Unit;
use crate::launch::trigger::{Stage, asks_for};
use crate::launch::verdict::Verdict;
use crate::ui::action::Action;
use crate::ui::theme::Role;
use crate::ui::watched;
use crate::ui::widgets::span;

/// Turns of one objective that are listed.
const TURNS: usize = 40;

pub(super) fn heading(of: Option<&Seen>) -> (String, String) {
    match of {
        Some(Seen::Monitor(id)) => (id.to_string(), "monitor".into()),
        Some(Seen::Signal(id)) => (id.to_string(), "signal".into()),
        Some(Seen::Objective(id)) => (id.to_string(), "objective".into()),
        Some(Seen::Trigger(id)) => (id.to_string(), "trigger".into()),
        None => ("Detail".into(), String::new()),
    }
}

impl Page<'_> {
    pub(super) fn watched(&mut self, seen: &Seen) {
        match seen {
            Seen::Monitor(id) => self.monitor(id),
            Seen::Signal(id) => self.signal(id),
            Seen::Objective(id) => self.objective(id),
            Seen::Trigger(id) => self.trigger(id),
        }
    }

    fn monitor(&mut self, id: &MonitorId) {
        let view = self.view;
        let Some(monitor) = view.plan().monitors.iter().find(|known| known.id == *id) else { return };
        self.say(Role::Title, &monitor.title);
        let known = view.live().monitors.get(id);
        let change = view.board().monitors.get(id);
        let counted = known.and_then(|known| known.verdict).or_else(|| change.map(|change| change.verdict));
        let verdict = counted.unwrap_or(Verdict::Unknown);
        let (glyph, role) = watched::sign(view.theme, verdict);
        let since = change.map(|change| format!(" for {}", span::stopwatch(view.now.instant.since(change.since))));
        self.say(role, &format!("{glyph} {verdict}{}", since.unwrap_or_default()));
        if let Some(change) = change.filter(|change| !change.why.is_empty()) {
            self.named("why", Role::Plain, &change.why);
        }
        let every = format!("every {}, given {}", span::short(monitor.every), span::short(monitor.timeout));
        self.named("looks", Role::Plain, &every);
        let counts = format!("the failure after {} in a row counts", monitor.fails_after);
        self.named("fails", Role::Plain, &counts);
        let Some(known) = known else {
            let samples = format!("samples: {}", view.samples_are());
            return self.say(Role::Unknown, if view.unsampled() { &samples } else { "no sample yet" });
        };
        if known.failures > 0 {
            self.named("now", Role::Failed, &format!("{} failures in a row", known.failures));
        }
        if let Some(error) = &known.last_error {
            self.named("last error", Role::Failed, error);
        }
        if let Some(newest) = known.samples.back() {
            let age = (view.wall - newest.at).to_std().unwrap_or_default();
            let last = format!("{} in {}, {} old", newest.verdict, span::words(newest.took), span::seconds(age));
            self.named("last", Role::Plain, &last);
        }
        let percentile = |of: Option<std::time::Duration>| of.map_or_else(|| "–".to_owned(), span::words);
        let up = known.up.map_or_else(|| "–".to_owned(), |up| format!("{:.1}%", up * 100.0));
        let shape = format!("p50 {} · p95 {} · up {up}", percentile(known.p50), percentile(known.p95));
        self.named("shape", Role::Plain, &format!("{shape}, of {} samples", known.samples.len()));
        if known.missed > 0 {
            self.named("missed", Role::Warned, &format!("{} looks, for the one before had not ended", known.missed));
        }
        let own = SignalId::of_monitor(id);
        self.stands_on(&own);
        let on = |when: &Condition| *when == Condition::Monitor(id.clone());
        let triggers: Vec<TriggerId> =
            view.plan().triggers.iter().filter(|known| on(&known.when)).map(|known| known.id.clone()).collect();
        self.triggers(&triggers);
    }

    fn signal(&mut self, id: &SignalId) {
        let view = self.view;
        let Some(signal) = view.plan().signals.iter().find(|known| known.id == *id) else { return };
        self.say(Role::Title, &signal.title);
        let known = view.live().signals.get(id);
        let verdict = watched::signal(signal, known, view.wall);
        let (glyph, role) = watched::sign(view.theme, verdict);
        match known.and_then(|known| known.numbers.back()) {
            Some((at, value)) => {
                let age = (view.wall - *at).to_std().unwrap_or_default();
                let value = watched::number(*value, signal.unit);
                self.say(role, &format!("{glyph} {value}, {} old", span::seconds(age)));
            }
            None if view.unsampled() => self.say(Role::Muted, &format!("samples: {}", view.samples_are())),
            None => self.say(role, &format!("{glyph} no number yet")),
        }
        let source = match &signal.source {
            SignalSource::Asked(_) => {
                format!("asked every {}, given {}", span::short(signal.every), span::short(signal.timeout))
            }
            SignalSource::Stream(stream) => format!("from the lines of stream {stream}"),
        };
        self.named("source", Role::Plain, &source);
        self.named("stale", Role::Plain, &format!("older than {}", span::short(signal.stale_after)));
        if signal.counter {
            self.named("counter", Role::Plain, "only grows, but where a process starts anew");
        }
        if let Some(known) = known {
            if let Some(error) = &known.last_error {
                self.named("last error", Role::Failed, error);
            }
            if let Some(warning) = &known.warning {
                self.named("warning", Role::Warned, warning);
            }
            if let Some(looked) = known.looked {
                self.named("looked", Role::Plain, &view.time(looked));
            }
            if known.generated {
                self.named("generated", Role::Held, "by the rehearsal: no system was asked for these");
            }
        }
        self.stands_on(id);
    }

    fn objective(&mut self, id: &ObjectiveId) {
        let view = self.view;
        let Some(objective) = view.plan().objectives.iter().find(|known| known.id == *id) else { return };
        self.say(Role::Title, &objective.title);
        let stands = watched::shown(&view, objective);
        let (glyph, role) = watched::sign(view.theme, stands.verdict);
        let since = stands.known.map(|known| {
            let lasted = span::stopwatch(view.now.instant.since(known.since));
            format!(" for {lasted}, since {}", view.time(wall_of(known.since, view.now)))
        });
        self.say(role, &format!("{glyph} {}{}", watched::word(stands.verdict), since.unwrap_or_default()));
        self.say(Role::Plain, &watched::figure(objective, &stands));
        if let Some(old) = stands.old {
            let text = format!("not evaluated for {}: this is the last known", span::seconds(old));
            self.say(Role::Stale, &text);
        }
        let unknown = matches!(stands.verdict, Verdict::Unknown | Verdict::Stale);
        if let Some(known) = stands.known.filter(|_| unknown) {
            let lasted = view.now.instant.since(known.since);
            let holds = span::short(objective.unknown_for);
            let text = format!(
                "{} of {holds}, then it holds the launch, or freezes it after T-0; look at the source, {}",
                span::stopwatch(lasted),
                "it counts again by itself once the source tells"
            );
            self.named("lost", Role::Warned, &text);
        }
        self.section("counted");
        let unit = objective.that.limit.unit;
        match stands.known {
            None => self.say(Role::Muted, "nothing yet"),
            Some(known) => self.counts(objective, known, unit),
        }
        self.section("what it needs");
        self.named("that", Role::Plain, &objective.that.words());
        self.named("signal", Role::Plain, objective.signal.as_str());
        if let Some(beside) = watched::beside(objective) {
            self.named("beside", Role::Plain, &beside);
        }
        let window =
            format!("{}, evaluated every {}", span::short(objective.window), span::short(objective.evaluate_every));
        self.named("window", Role::Plain, &window);
        self.named("stale", Role::Plain, &format!("with nothing newer than {}", span::short(objective.stale_after)));
        let on = Condition::Objective(id.clone());
        let triggers: Vec<TriggerId> =
            view.plan().triggers.iter().filter(|known| known.when == on).map(|known| known.id.clone()).collect();
        self.triggers(&triggers);
        let criteria =
            view.plan().criteria.iter().filter(
                |criterion| matches!(&criterion.by, DecidedBy::Seen { objectives, .. } if objectives.contains(id)),
            );
        let criteria: Vec<&str> = criteria.map(|criterion| criterion.id.as_str()).collect();
        if !criteria.is_empty() {
            self.named("criteria", Role::Plain, &criteria.join(", "));
        }
        self.turns(id);
    }

    fn counts(&mut self, objective: &Objective, known: &crate::launch::objective::ObjectiveState, unit: Unit) {
        let view = self.view;
        let counts = &known.counts;
        self.named("seen", Role::Plain, &watched::measured(&counts.seen, unit));
        if let Some(beside) = &counts.beside {
            self.named("beside", Role::Plain, &watched::measured(beside, unit));
        }
        let enough = counts.beside.map_or(counts.seen.of, |beside| counts.seen.of.min(beside.of));
        let role = if enough < objective.min_samples { Role::Warned } else { Role::Plain };
        self.named("samples", role, &watched::samples(objective, counts));
        let whole = std::time::Duration::from(counts.known) >= objective.window;
        let role = if whole { Role::Plain } else { Role::Warned };
        self.named("watched", role, &watched::known_of(objective, counts));
        match counts.newest {
            Some(newest) => {
                let age = span::seconds(view.now.instant.since(newest));
                self.named("newest", Role::Plain, &format!("{age} old"));
            }
            None => self.named("newest", Role::Warned, "no sample that tells anything"),
        }
        if counts.late > 0 {
            let late = format!("{} came too late for their time, and are not counted in it", counts.late);
            self.named("late", Role::Warned, &late);
        }
        if counts.generated {
            self.named("generated", Role::Held, "by the rehearsal: no system was asked for these");
        }
        let at = view.time(wall_of(known.evaluated_at, view.now));
        self.named("evaluated", Role::Plain, &at);
    }

    fn trigger(&mut self, id: &TriggerId) {
        let view = self.view;
        let Some(trigger) = view.plan().triggers.iter().find(|known| known.id == *id) else { return };
        self.say(Role::Title, &trigger.title);
        let (glyph, role, words) = watched::stage(view.theme.glyphs, view.board(), trigger, view.now.instant);
        self.say(role, &format!("{glyph} {words}"));
        let state = view.board().triggers.get(id);
        match state.map(|state| &state.stage) {
            Some(Stage::Fired { at, why, .. }) => {
                self.named("fired", Role::Failed, &format!("{}: {why}", view.time(wall_of(*at, view.now))));
                let key = |action| view.keymap.label(action).unwrap_or_default();
                let keys = format!(
                    "{} opens rollback {} · {} vetoes · {} takes it on",
                    key(Action::Rollback),
                    trigger.then,
                    key(Action::Veto),
                    key(Action::Acknowledge)
                );
                self.named("to do", Role::Focus, &keys);
            }
            Some(Stage::Vetoed { at, by, why }) => {
                let at = view.time(wall_of(*at, view.now));
                self.named("vetoed", Role::Warned, &format!("{at} by {}: {why}", by.name));
            }
            Some(Stage::Acknowledged { at, by }) => {
                let at = view.time(wall_of(*at, view.now));
                self.named("taken on", Role::Warned, &format!("{at} by {}", by.name));
            }
            Some(Stage::Started { at }) => {
                self.named("started", Role::Failed, &view.time(wall_of(*at, view.now)));
            }
            _ => {
                let key = view.keymap.label(Action::Triggers).unwrap_or_default();
                self.named("by hand", Role::Plain, &format!("{key} fires it"));
            }
        }
        self.named("when", Role::Plain, &watched::condition(trigger));
        if let Some(held) = state.and_then(|state| watched::held(trigger, state)) {
            self.named("held", Role::Warned, &held);
        }
        self.named("then", Role::Plain, &watched::leads_to(trigger));
        if let Some(asks) = asks_for(view.board(), trigger).filter(|_| matches!(trigger.mode, FireMode::Auto { .. })) {
            self.named("but asks", Role::Warned, asks);
        }
        self.named("armed", Role::Plain, &watched::arms(trigger));
        let recovers = format!("its condition gone for {}", span::short(trigger.recovers_after));
        self.named("recovers", Role::Plain, &recovers);
        if let Some(fired) = state.map(|state| state.fired).filter(|fired| *fired > 0) {
            self.named("fired", Role::Plain, &format!("{fired} times in this launch"));
        }
    }

    /// The objectives that stand on a signal.
    fn stands_on(&mut self, signal: &SignalId) {
        let view = self.view;
        let on = view.plan().objectives.iter().filter(|known| known.signals().any(|of| of == signal));
        let on: Vec<&Objective> = on.collect();
        if !on.is_empty() {
            self.section("objectives on it");
        }
        for objective in on {
            let stands = watched::shown(&view, objective);
            let (glyph, role) = watched::sign(view.theme, stands.verdict);
            let row = self.row().say(role, format!("{glyph} ")).say(Role::Plain, objective.id.as_str());
            self.rows.push(row.right(role, watched::figure(objective, &stands)));
        }
    }

    fn triggers(&mut self, on: &[TriggerId]) {
        let view = self.view;
        if !on.is_empty() {
            self.section("triggers on it");
        }
        for trigger in view.plan().triggers.iter().filter(|known| on.contains(&known.id)) {
            let (glyph, role, words) = watched::stage(view.theme.glyphs, view.board(), trigger, view.now.instant);
            let row = self.row().say(role, format!("{glyph} ")).say(Role::Plain, trigger.id.as_str());
            self.rows.push(row.right(role, words));
            let text = format!(
                "{} · {} · {}",
                watched::condition(trigger),
                watched::leads_to(trigger),
                watched::arms(trigger)
            );
            self.named(" ", Role::Muted, &text);
        }
    }

    /// Its turns, newest first.
    fn turns(&mut self, id: &ObjectiveId) {
        let view = self.view;
        let turns: Vec<_> = view.board().turned.of(id).take(TURNS).collect();
        if !turns.is_empty() {
            self.section("its verdicts");
        }
        for turn in turns {
            let (glyph, role) = watched::sign(view.theme, turn.verdict);
            let at = view.time_beside(turn.wall, view.now.wall);
            let row = self.row().say(Role::Muted, format!("{at} "));
            self.rows
                .push(row.say(role, format!("{glyph} {} ", watched::word(turn.verdict))).say(Role::Plain, &turn.why));
        }
    }
}
