//! What the console itself remembers: focus, selection, what lies over the panes. Nothing of the launch
//! is kept here; that is in the snapshot.

use std::time::Duration;

use chrono::FixedOffset;
use ratatui::layout::Rect;
use tui_input::Input;

use super::overlays::act_as::ActAs;
use super::overlays::amend::Amending;
use super::overlays::incident;
use super::panes::{checklist, detail, incidents, journal, monitors, poll, streams};
use super::theme::{Role, Theme};
use super::widgets::list::Window;
use crate::base::text::printable;
use crate::launch::board::Board;
use crate::launch::command::Command;
use crate::launch::event::Actor;
use crate::launch::id::{CriterionId, EvidenceId, ItemId, RoleId, RollbackId, TriggerId};
use crate::launch::live::Live;
use crate::launch::plan::Plan;
use crate::launch::port::{Picture, Seat, Snapshot};
use crate::launch::replay::{Standpoint, Wish};
use crate::launch::time::{Instant, Now, Wall};

/// Which part of the screen the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    #[default]
    Checklist,
    Detail,
    Streams,
    Journal,
    Monitors,
    Poll,
    Incidents,
}

impl Pane {
    pub const ALL: [Self; 7] =
        [Self::Checklist, Self::Detail, Self::Streams, Self::Journal, Self::Monitors, Self::Poll, Self::Incidents];

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Checklist => "Checklist",
            Self::Detail => "Detail",
            Self::Streams => "Streams",
            Self::Journal => "Journal",
            Self::Monitors => "Monitors",
            Self::Poll => "Poll",
            Self::Incidents => "Incidents",
        }
    }

    /// The pane `by` further on, around the end.
    #[must_use]
    pub fn next(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}

/// Everything a frame is drawn from besides the [`State`].
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub snapshot: &'a Snapshot,
    /// The snapshot's time with what has passed since.
    pub now: Now,
    /// The wall's time: it goes on where T stands.
    pub wall: Wall,
    pub theme: &'a Theme,
    pub keymap: &'a super::keymap::Keymap,
    pub operator: &'a str,
    pub role: Option<&'a RoleId>,
    /// Another than who opened the console acts here.
    pub acting: bool,
    pub offset: FixedOffset,
    /// How long nothing new has come, where that is longer than a loop that works takes.
    pub silent: Option<Duration>,
}

impl<'a> View<'a> {
    #[must_use]
    pub fn board(&self) -> &'a Board {
        &self.snapshot.board
    }

    #[must_use]
    pub fn plan(&self) -> &'a Plan {
        &self.snapshot.board.plan.0
    }

    #[must_use]
    pub fn live(&self) -> &'a Live {
        &self.snapshot.live
    }

    /// True where this console watches what another one acts in.
    #[must_use]
    pub fn attached(&self) -> bool {
        self.snapshot.seat != Seat::Operator
    }

    /// Where a replay stands; none where a launch is flown or watched.
    #[must_use]
    pub fn replayed(&self) -> Option<Standpoint> {
        if let Seat::Replay(standpoint) = self.snapshot.seat { Some(standpoint) } else { None }
    }

    /// Where samples and lines are that this console does not have.
    #[must_use]
    pub fn samples_are(&self) -> &'static str {
        if self.replayed().is_some() { "not replayed" } else { "at the operator's" }
    }

    /// True where nobody has told what is sampled: this console does not look itself.
    #[must_use]
    pub fn unsampled(&self) -> bool {
        self.snapshot.picture == Picture::Missing
    }

    /// Since when nobody has told what is sampled; none where somebody does.
    #[must_use]
    pub fn untold(&self) -> Option<Wall> {
        if let Picture::Old { since } = self.snapshot.picture { Some(since) } else { None }
    }

    /// True where nothing runs on here: what is shown is what was last known.
    #[must_use]
    pub fn last_known(&self) -> bool {
        let unheard = self.snapshot.seat == Seat::Attached { heard: false };
        unheard || self.snapshot.taken_over.is_some() || self.silent.is_some()
    }

    /// `14:03:12` in the launch's zone.
    #[must_use]
    pub fn time(&self, wall: Wall) -> String {
        wall.with_timezone(&self.offset).format("%H:%M:%S").to_string()
    }

    /// `14:03` in the launch's zone; of another day `03-01 14:03`.
    #[must_use]
    pub fn time_or_day(&self, wall: Wall) -> String {
        let [at, now] = [wall, self.now.wall].map(|wall| wall.with_timezone(&self.offset));
        let same = at.date_naive() == now.date_naive();
        at.format(if same { "%H:%M" } else { "%m-%d %H:%M" }).to_string()
    }

    /// `2026-03-01 14:03:12 +02:00`.
    #[must_use]
    pub fn date_with_offset(&self, wall: Wall) -> String {
        let zone = if self.offset.local_minus_utc() == 0 { "UTC" } else { "%:z" };
        wall.with_timezone(&self.offset).format(&format!("%Y-%m-%d %H:%M:%S {zone}")).to_string()
    }

    /// `14:03:12`, with its day where that is not the day of `beside`.
    #[must_use]
    pub fn time_beside(&self, wall: Wall, beside: Wall) -> String {
        let day = |wall: Wall| wall.with_timezone(&self.offset).date_naive();
        match day(wall) == day(beside) {
            true => self.time(wall),
            false => wall.with_timezone(&self.offset).format("%a %d %b %H:%M:%S").to_string(),
        }
    }

    /// `14:03 +02:00`; of another day `03-01 14:03 +02:00`.
    #[must_use]
    pub fn time_with_offset(&self, wall: Wall) -> String {
        let zone = wall.with_timezone(&self.offset).format("%:z").to_string();
        let zone = if self.offset.local_minus_utc() == 0 { "UTC" } else { &zone };
        format!("{} {zone}", self.time_or_day(wall))
    }
}

/// What a prompt's text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Note,
    Hold,
    CutOff,
    Freeze,
    Thaw,
    Scrub,
    /// The path of another plan.
    Plan,
    /// Another T-0, and why.
    Slip,
    Waive {
        item: ItemId,
        /// The place of how long it lasts among those offered.
        lasts: usize,
    },
    /// The hole of a soak that began then.
    WaiveHole {
        item: ItemId,
        hole: Instant,
    },
    /// What a note should have said: the number of its record.
    Amend(u64),
    Choose {
        item: ItemId,
        /// The place of the branch among those of the choice, and how many there are.
        option: usize,
        of: usize,
    },
    Attest {
        item: ItemId,
        passed: bool,
    },
    /// Puts a role's name under a sign-off; the role by its place.
    Sign {
        item: ItemId,
        role: usize,
    },
    /// A person's word on a criterion.
    Judge {
        criterion: CriterionId,
        met: bool,
    },
    /// How long it counts, by its place.
    WaiveCriterion {
        criterion: CriterionId,
        lasts: usize,
    },
    Vote {
        /// The poll of the checklist; none for the plan's own.
        poll: Option<ItemId>,
        role: usize,
        vote: usize,
        /// Which of the role's people spoke; none while nobody said so.
        who: Option<usize>,
    },
    /// Something archived, in words.
    Evidence(EvidenceId),
    /// The end of the launch for good; `anyway` where something is missing.
    Close {
        anyway: bool,
    },
    Filter(Pane),
    /// What a step of unknown outcome came to.
    Mark {
        item: ItemId,
        passed: bool,
    },
    /// What a step asks for before its next attempt.
    Fill {
        item: ItemId,
        field: String,
    },
    /// A step that may have happened, once more.
    Repeat(ItemId),
    /// The item's id, typed out before a step runs.
    TypeItem(ItemId),
    /// Why a trigger was vetoed, after it was.
    WhyVetoed(TriggerId),
    /// What a person sees who fires a trigger.
    Fire(TriggerId),
}

/// A line of text being typed.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub purpose: Purpose,
    pub input: Input,
    /// Why the last answer was not taken.
    pub wrong: Option<String>,
}

/// Where the rollback sheet stands.
#[derive(Debug, Clone)]
pub enum Rolling {
    Choose {
        selected: usize,
    },
    Confirm {
        id: RollbackId,
        typed: Option<Input>,
        wrong: bool,
        /// What a trigger that fired says, where the dialog was opened from one.
        because: Option<String>,
    },
    Watch {
        window: Window,
    },
}

/// What lies over the panes.
#[derive(Debug, Clone)]
pub enum Overlay {
    Help {
        window: Window,
    },
    Palette {
        input: Input,
        selected: usize,
    },
    Prompt(Prompt),
    Ask {
        question: String,
        yes: Effect,
    },
    /// Latches to release, and the ways on.
    Holds {
        selected: usize,
    },
    Recycle {
        selected: usize,
    },
    /// All of the countdown.
    Countdown,
    /// What was open when this console came back.
    Recovery {
        selected: usize,
    },
    /// Another plan, with how it differs.
    Amend(Amending),
    Rollback(Rolling),
    Incident(incident::Dialog),
    ActAs(ActAs),
    /// From where it tells: `overlays::brief`.
    Brief {
        window: Window,
        from: usize,
    },
    Evidence {
        selected: usize,
    },
    /// What an item stands on: which line.
    Seen {
        item: ItemId,
        selected: usize,
    },
    Triggers {
        selected: usize,
    },
    /// `beside` is the item that was selected when it was opened: what it alone can do wrong is in the list.
    Faults {
        selected: usize,
        beside: Option<ItemId>,
    },
    /// Why not GO: which link of the chain.
    Why {
        selected: usize,
    },
    /// Those of the item, where it has some.
    Playbooks {
        item: Option<ItemId>,
        selected: usize,
    },
}

impl Overlay {
    /// The text field in it, where it has one.
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Palette { input, .. } => Some(input),
            Self::Prompt(prompt) => Some(&mut prompt.input),
            Self::Amend(amending) => Some(&mut amending.reason),
            Self::ActAs(dialog) => Some(&mut dialog.input),
            Self::Rollback(Rolling::Confirm { typed, .. }) => typed.as_mut(),
            Self::Incident(dialog) => dialog.input(),
            _ => None,
        }
    }
}

/// What an update wants done outside the interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Ask(Command),
    /// In the name of another than who acts here.
    AskAs(Actor, Command),
    Copy(String),
    /// A replay moves.
    Replay(Wish),
    /// The process stops; what the journal is to say of it.
    Suspend {
        note: Option<String>,
    },
    Leave,
}

/// A line for the operator at the foot of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub text: String,
}

#[derive(Debug, Clone, Default)]
pub struct State {
    pub focus: Pane,
    /// What stands beside the checklist where there is room for one only.
    pub beside: Beside,
    /// Incidents stand in the place of the poll: where they were looked at last.
    pub incidents_shown: bool,
    pub zoom: bool,
    pub utc: bool,
    pub overlay: Option<Overlay>,
    /// What comes back when the overlay is closed: a reason typed from the recovery screen ends there.
    pub under: Option<Overlay>,
    /// The last frame had no room for panes or dialogs.
    pub cramped: bool,
    pub message: Option<Message>,
    /// Who acts here, where that is not who opened the console.
    pub acting: Option<Actor>,
    pub checklist: checklist::State,
    pub detail: detail::State,
    pub streams: streams::State,
    pub journal: journal::State,
    pub monitors: monitors::State,
    pub poll: poll::State,
    pub incidents: incidents::State,
    /// Lines of a page, from the last frame: what page keys move by.
    pub page: usize,
    /// Columns of the focused pane, and where overlays lie, from the last frame: how far a window goes.
    pub columns: usize,
    pub body: Rect,
}

/// A pane that is not the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside(pub Pane);

impl Default for Beside {
    fn default() -> Self {
        Self(Pane::Detail)
    }
}

impl State {
    pub fn focus(&mut self, pane: Pane) {
        self.focus = pane;
        if pane != Pane::Checklist {
            self.beside = Beside(pane);
        }
        match pane {
            Pane::Checklist => self.detail.watched = false,
            Pane::Incidents => self.incidents_shown = true,
            Pane::Poll => self.incidents_shown = false,
            _ => {}
        }
    }

    /// Says something in the footer until the next key.
    pub fn say(&mut self, role: Role, text: impl AsRef<str>) {
        self.message = Some(Message { role, text: printable(text.as_ref()) });
    }

    pub fn prompt(&mut self, purpose: Purpose) {
        self.overlay = Some(Overlay::Prompt(Prompt { purpose, input: Input::default(), wrong: None }));
    }

    pub fn ask(&mut self, question: impl Into<String>, yes: Effect) {
        self.overlay = Some(Overlay::Ask { question: question.into(), yes });
    }
}
