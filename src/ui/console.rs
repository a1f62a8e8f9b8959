//! The console over any backend: a state, the newest snapshot, and the frame between them. Tests drive
//! it with keys and read its buffer; `run` drives it with a terminal.

use std::sync::Arc;
use std::time::Duration;

use chrono::{FixedOffset, TimeDelta};
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{KeyEvent, KeyEventKind, MouseEvent};
use ratatui::layout::Position;

use super::action::{Action, Place};
use super::bell::Bell;
use super::frame::{Drawn, Room};
use super::keymap::{Key, Keymap};
use super::layout::{self, Size};
use super::overlays::recovery;
use super::panes::header;
use super::state::{Effect, Overlay, State, View};
use super::theme::{Role, Theme};
use super::widgets::span;
use super::{dialog, frame, look, mouse, replaying, update};
use crate::launch::command::Refusal;
use crate::launch::event::Actor;
use crate::launch::id::RoleId;
use crate::launch::port::{SILENT_AFTER, Seat, Snapshot};
use crate::launch::time::{Instant, Now, Wall};

/// What a console is given besides the launch.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The operator's name, for the header.
    pub operator: String,
    pub role: Option<RoleId>,
    pub theme: Theme,
    pub terminal: look::Terminal,
    pub keymap: Keymap,
    /// The launch's zone.
    pub offset: FixedOffset,
    /// Milliseconds of boot time: `clock::boot`.
    pub boot: fn() -> i64,
}

#[derive(Debug)]
pub struct Console<B: Backend> {
    terminal: Terminal<B>,
    setup: Setup,
    snapshot: Arc<Snapshot>,
    state: State,
    dirty: bool,
    /// When a snapshot came last, in milliseconds of boot time.
    heard_at: i64,
    /// When the loop that drives it came round last.
    looked_at: i64,
    /// Milliseconds between that and the time before: it may have stood still before it could say so.
    gap: i64,
    /// The second that the last frame shows, on both axes, and for how long nothing was heard.
    shown: (i64, i64, Option<u64>),
    frames: u64,
    bell: Bell,
    /// What the last frame has where.
    drawn: Drawn,
}

impl<B: Backend> Console<B> {
    #[must_use]
    pub fn new(terminal: Terminal<B>, setup: Setup, snapshot: Arc<Snapshot>) -> Self {
        let (state, shown) = (State::default(), (i64::MIN, i64::MIN, None));
        let heard_at = (setup.boot)();
        let mut console = Self {
            terminal,
            setup,
            snapshot,
            state,
            dirty: true,
            heard_at,
            looked_at: heard_at,
            gap: 0,
            shown,
            frames: 0,
            bell: Bell::default(),
            drawn: Drawn::default(),
        };
        console.come_back();
        console
    }

    /// A console that came back to something open begins with it: once, before any key, so that nothing
    /// ever appears under a finger that was meant for something else.
    fn come_back(&mut self) {
        let board = &self.snapshot.board;
        // What is open is for the console that acts.
        let acts = self.snapshot.seat == Seat::Operator;
        if acts && board.seq > 0 && board.ended.is_none() && self.state.overlay.is_none() {
            self.state.overlay = self.with(|_, view| recovery::opened(view));
        }
    }

    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn terminal(&mut self) -> &mut Terminal<B> {
        &mut self.terminal
    }

    /// Frames drawn so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// True where something changed that the last frame does not show.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Takes a newer snapshot; one in which only the time changed makes nothing dirty.
    pub fn take(&mut self, snapshot: Arc<Snapshot>) {
        let same = Arc::ptr_eq(&self.snapshot.board, &snapshot.board)
            && Arc::ptr_eq(&self.snapshot.live, &snapshot.live)
            && self.snapshot.alarm == snapshot.alarm
            && self.snapshot.taken_over == snapshot.taken_over
            && self.snapshot.seat == snapshot.seat;
        let first = self.snapshot.board.seq == 0;
        self.heard_at = (self.setup.boot)();
        self.snapshot = snapshot;
        self.dirty |= !same;
        if first {
            self.come_back();
        }
    }

    /// How long nothing new has come, where that is longer than a loop that works takes: it hangs, or is starved.
    #[must_use]
    pub fn silent(&self) -> Option<Duration> {
        let since = u64::try_from((self.setup.boot)() - self.heard_at).unwrap_or(0);
        let silent = Duration::from_millis(since);
        // A replay that stands still has nothing new to tell.
        if matches!(self.snapshot.seat, Seat::Replay(_)) {
            return None;
        }
        (silent >= SILENT_AFTER && self.snapshot.taken_over.is_none()).then_some(silent)
    }

    /// The snapshot's time, and what has passed since by the machine's own clock. Where another console
    /// counts now, or nothing is heard, none has: a T that nobody here knows must not be seen to run.
    #[must_use]
    pub fn now(&self) -> Now {
        let taken = self.snapshot.now;
        // Nobody counts that we hear of: a T that ran on would be our own.
        // A replay tells its own time with every picture.
        let unheard = matches!(self.snapshot.seat, Seat::Attached { heard: false } | Seat::Replay(_));
        if unheard || self.snapshot.taken_over.is_some() || self.silent().is_some() {
            return taken;
        }
        let since = ((self.setup.boot)() - self.snapshot.taken_at).max(0);
        Now {
            instant: Instant(taken.instant.0.saturating_add(since)),
            wall: taken.wall + TimeDelta::milliseconds(since),
        }
    }

    /// The wall's time, by which things grow old: here it goes on though T stands, as long as somebody is watched.
    #[must_use]
    pub fn wall(&self) -> Wall {
        if matches!(self.snapshot.seat, Seat::Operator | Seat::Replay(_)) {
            return self.now().wall;
        }
        let since = ((self.setup.boot)() - self.snapshot.taken_at).max(0);
        self.snapshot.wall + TimeDelta::milliseconds(since)
    }

    /// Whether the bell rings just now; asked whenever something came in, and once a second.
    pub fn rings(&mut self) -> bool {
        let (now, boot) = (self.now().instant, (self.setup.boot)());
        // What rang in a launch that is replayed has rung.
        if matches!(self.snapshot.seat, Seat::Replay(_)) {
            return false;
        }
        // Where another console took over, it is that one's to ring; where nobody is heard, what calls still does.
        self.snapshot.taken_over.is_none() && self.bell.rings(&self.snapshot.board, now, boot)
    }

    /// What the desktop is to be told of the ring just now, where it is the first for its reason: the launch, and why.
    #[must_use]
    pub fn notice(&mut self) -> Option<(String, String)> {
        if !self.bell.is_first() {
            return None;
        }
        let news = self.bell.news();
        self.with(|_, view| {
            let band = || header::bands(view).into_iter().next().map(|band| band.text);
            let why = news.or_else(band).unwrap_or_else(|| "something wants a key".to_owned());
            Some((view.plan().title.clone(), why))
        })
    }

    /// What is asked of the terminal.
    #[must_use]
    pub fn asks(&self) -> look::Terminal {
        self.setup.terminal
    }

    /// The loop that drives it came round.
    pub fn looked(&mut self) {
        let now = (self.setup.boot)();
        (self.gap, self.looked_at) = (now - self.looked_at, now);
    }

    /// It may have stood still, and somebody else had the screen: all of it is drawn anew, with what that means.
    /// `asked` is where a key suspended it, `stopped` where it went on after a stop.
    ///
    /// # Errors
    /// The backend's own.
    pub fn back(&mut self, asked: bool, stopped: bool) -> Result<(), B::Error> {
        // `clear` would ask the terminal where its cursor is, and the answer comes among the keys.
        let size = self.terminal.size()?;
        self.terminal.resize((Position::ORIGIN, size).into())?;
        self.dirty = true;
        let away = u64::try_from(self.gap.max((self.setup.boot)() - self.looked_at)).unwrap_or(0);
        let away = span::stopwatch(Duration::from_millis(away));
        let attached = self.snapshot.seat != Seat::Operator;
        let brief = self.setup.keymap.label(Action::Brief).unwrap_or_default();
        let words = match (asked, stopped, attached) {
            (_, false, _) => "not suspended: no shell waits behind this console".to_owned(),
            (_, true, true) => format!("back after {away}"),
            (_, true, false) => {
                format!("back after {away}, in which nothing was watched from here: {brief} tells what happened")
            }
        };
        self.say(Role::Warned, &words);
        Ok(())
    }

    /// The seconds a frame would show now: of the countdown, of the launch, and of silence.
    fn seconds(&self) -> (i64, i64, Option<u64>) {
        let now = self.now().instant;
        let silent = self.silent().map(|silent| silent.as_secs());
        (self.snapshot.board.mark_at(now).0.div_euclid(1000), now.0.div_euclid(1000), silent)
    }

    /// Makes the frame stale where the visible second has changed.
    pub fn tick(&mut self) {
        let (t, instant, silent) = self.seconds();
        // While it counts, T and the launch's own time turn at different moments: one frame a second is enough.
        let counts = self.snapshot.board.clock.as_ref().is_some_and(|clock| {
            use crate::launch::countdown::Phase;
            matches!(clock.phase, Phase::Counting | Phase::Liftoff)
        });
        self.dirty |= if counts { t != self.shown.0 } else { instant != self.shown.1 };
        self.dirty |= silent != self.shown.2;
    }

    /// Milliseconds until the visible second changes.
    #[must_use]
    pub fn next_second(&self) -> u64 {
        // Its time stands between two pictures: no second turns by itself.
        if matches!(self.snapshot.seat, Seat::Replay(_)) {
            return 1000;
        }
        let now = self.now().instant;
        let t = self.snapshot.board.clock_at(now).map(|clock| clock.mark().0);
        let running = self.snapshot.board.clock_at(now).is_some_and(|clock| {
            use crate::launch::countdown::Phase;
            matches!(clock.phase, Phase::Counting | Phase::Liftoff)
        });
        // T runs downwards: what is left of its second is its remainder.
        let left = match t.filter(|_| running) {
            Some(t) => t.rem_euclid(1000) + 1,
            None => 1000 - now.0.rem_euclid(1000),
        };
        u64::try_from(left).unwrap_or(1000)
    }

    fn offset(&self) -> FixedOffset {
        if self.state.utc { FixedOffset::east_opt(0).unwrap_or(self.setup.offset) } else { self.setup.offset }
    }

    /// What becomes of a key.
    pub fn press(&mut self, event: KeyEvent) -> Option<Effect> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        self.dirty = true;
        self.with(|state, view| {
            let effect = Self::pressed(state, event, view);
            replaying::harmless(state, effect, view)
        })
    }

    fn pressed(state: &mut State, event: KeyEvent, view: &View<'_>) -> Option<Effect> {
        state.page = state.page.max(1);
        if state.overlay.is_some() {
            return dialog::press(state, event, view);
        }
        let key = Key::from(event);
        // A replay's own keys come first: what they mean elsewhere would act, and nothing does here.
        let own = replaying::action(key, view);
        match own.or_else(|| view.keymap.action(key, Place::Pane(state.focus))) {
            Some(action) => {
                let effect = update::update(state, action, view);
                if state.cramped && !matches!(state.overlay, None | Some(Overlay::Rollback(_))) {
                    state.say(Role::Warned, dialog::NO_ROOM);
                }
                effect
            }
            None => {
                let pane = state.focus.title();
                state.say(Role::Warned, format!("`{}` means nothing in {pane}: ? shows every key", Key::from(event)));
                None
            }
        }
    }

    /// What becomes of a click or of the wheel, where the last frame has something.
    pub fn point(&mut self, event: MouseEvent) -> Option<Effect> {
        let drawn = std::mem::take(&mut self.drawn);
        let done = self.with(|state, view| {
            let done = mouse::point(state, event, &drawn, view);
            done.map(|effect| replaying::harmless(state, effect, view))
        });
        self.drawn = drawn;
        self.dirty |= done.is_some();
        done.flatten()
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        self.dirty = true;
        dialog::paste(&mut self.state, text);
    }

    /// What the loop answered to `asked`.
    pub fn answer(&mut self, answer: Result<(), Refusal>) {
        match answer {
            Err(refusal) => self.say(Role::Failed, &refusal.0),
            // Another console decided it: its asker is told.
            Ok(()) if self.snapshot.seat != Seat::Operator => self.say(Role::Passed, "accepted"),
            Ok(()) => {}
        }
    }

    /// Says something in the footer.
    pub fn say(&mut self, role: Role, text: &str) {
        self.state.say(role, text);
        self.dirty = true;
    }

    /// The whole screen is drawn anew with the next frame.
    pub fn resized(&mut self) {
        self.dirty = true;
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut State, &View<'_>) -> T) -> T {
        let snapshot = Arc::clone(&self.snapshot);
        let (now, wall, offset, silent) = (self.now(), self.wall(), self.offset(), self.silent());
        let acting = self.state.acting.clone();
        let view = view(&self.setup, acting.as_ref(), &snapshot, (now, wall), offset, silent);
        act(&mut self.state, &view)
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// The backend's own.
    pub fn draw(&mut self) -> Result<(), B::Error> {
        let (now, wall, offset, silent) = (self.now(), self.wall(), self.offset(), self.silent());
        let view = view(&self.setup, self.state.acting.as_ref(), &self.snapshot, (now, wall), offset, silent);
        let state = &self.state;
        let (mut room, mut cramped, mut drawn) = (Room::default(), state.cramped, Drawn::default());
        self.terminal.draw(|screen| {
            let area = screen.area();
            room = frame::room(state, &view, area);
            cramped = layout::size(area) == Size::TooSmall;
            drawn = frame::draw(state, &view, area, screen.buffer_mut());
            if let Some(cursor) = drawn.cursor {
                screen.set_cursor_position(cursor);
            }
        })?;
        self.drawn = drawn;
        (self.state.page, self.state.columns, self.state.body) = (room.page, room.columns, room.body);
        self.state.cramped = cramped;
        self.dirty = false;
        self.frames += 1;
        self.shown = self.seconds();
        Ok(())
    }
}

fn view<'a>(
    setup: &'a Setup,
    acting: Option<&'a Actor>,
    snapshot: &'a Snapshot,
    (now, wall): (Now, Wall),
    offset: FixedOffset,
    silent: Option<Duration>,
) -> View<'a> {
    View {
        snapshot,
        now,
        wall,
        theme: &setup.theme,
        keymap: &setup.keymap,
        operator: acting.map_or(&setup.operator, |acting| &acting.name),
        role: acting.map_or(setup.role.as_ref(), |acting| acting.role.as_ref()),
        acting: acting.is_some(),
        offset,
        silent,
    }
}
