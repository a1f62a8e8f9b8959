//! The one table of actions: id, sentence, where it applies, danger. Keymap, footer, help, palette and
//! the manual are made from it; nothing else names an action's words.

use super::keymap::Keymap;
use super::look::SETTINGS;
use super::state::Pane;

/// Where an action can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In every pane and dialog; with a function key in text fields too.
    Everywhere,
    Panes,
    /// Checklist and detail.
    Items,
    /// Panes that are lists of text: checklist, streams, journal, monitors.
    Lists,
    Streams,
    /// Where some lines may be wrong: checklist, streams, monitors.
    Wrongs,
    Monitors,
    /// Poll and criteria.
    Poll,
    /// Checklist, detail, monitors, incidents.
    Selected,
    Journal,
    /// Checklist, detail and the recovery screen.
    Steps,
    /// The recovery screen alone.
    Recovery,
    Dialogs,
    /// In every pane of a replay, before anything else that a key means there.
    Replay,
}

/// Where a key was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Pane(Pane),
    Dialog,
    /// The dialog that lists what a crash left open: it has keys besides those of all dialogs.
    Recovery,
    /// A replay, whatever pane or dialog of it.
    Replay,
}

impl Where {
    #[must_use]
    pub fn covers(self, place: Place) -> bool {
        match (self, place) {
            (Self::Everywhere, _)
            | (Self::Dialogs, Place::Dialog | Place::Recovery)
            | (Self::Panes, Place::Pane(_))
            | (Self::Recovery | Self::Steps, Place::Recovery)
            | (Self::Replay, Place::Replay) => true,
            (Self::Items | Self::Steps, Place::Pane(pane)) => matches!(pane, Pane::Checklist | Pane::Detail),
            (Self::Selected, Place::Pane(pane)) => {
                matches!(pane, Pane::Checklist | Pane::Detail | Pane::Monitors | Pane::Incidents)
            }
            (Self::Lists, Place::Pane(pane)) => {
                matches!(pane, Pane::Checklist | Pane::Streams | Pane::Journal | Pane::Monitors)
            }
            (Self::Wrongs, Place::Pane(pane)) => matches!(pane, Pane::Checklist | Pane::Streams | Pane::Monitors),
            (Self::Monitors, Place::Pane(pane)) => pane == Pane::Monitors,
            (Self::Streams, Place::Pane(pane)) => pane == Pane::Streams,
            (Self::Poll, Place::Pane(pane)) => pane == Pane::Poll,
            (Self::Journal, Place::Pane(pane)) => pane == Pane::Journal,
            _ => false,
        }
    }

    /// True where some place belongs to both: one key cannot mean two things there.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        let panes = Pane::ALL.into_iter().map(Place::Pane);
        panes
            .chain([Place::Dialog, Place::Recovery, Place::Replay])
            .any(|place| self.covers(place) && other.covers(place))
    }

    /// What only some dialog or a replay understands is not looked for in the palette.
    #[must_use]
    pub fn in_palette(self) -> bool {
        !matches!(self, Self::Dialogs | Self::Recovery | Self::Replay)
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Panes => "panes",
            Self::Items => "checklist, detail",
            Self::Lists => "checklist, streams, journal, monitors",
            Self::Wrongs => "checklist, streams, monitors",
            Self::Monitors => "monitors",
            Self::Streams => "streams",
            Self::Poll => "poll",
            Self::Selected => "checklist, detail, monitors, incidents",
            Self::Journal => "journal",
            Self::Steps => "checklist, detail, recovery",
            Self::Recovery => "recovery",
            Self::Dialogs => "dialogs",
            Self::Replay => "replay",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Entry {
    pub action: Action,
    pub id: &'static str,
    /// A word or two for the footer.
    pub short: &'static str,
    pub sentence: &'static str,
    pub place: Where,
    /// Acts on the launch in a way that is not undone by another key.
    pub danger: bool,
}

macro_rules! actions {
    ($($name:ident, $id:literal, $short:literal, $place:ident, $danger:literal, $sentence:literal;)*) => {
        /// What a key can ask of the console.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Action {
            $($name,)*
        }

        /// Every action, in the order of help and manual.
        pub const TABLE: &[Entry] = &[
            $(Entry {
                action: Action::$name,
                id: $id,
                short: $short,
                sentence: $sentence,
                place: Where::$place,
                danger: $danger,
            },)*
        ];
    };
}

actions! {
    Rollback, "rollback", "ROLLBACK", Everywhere, true, "Choose and start a rollback, or watch the one that runs";
    Veto, "veto", "veto", Everywhere, true, "Say no to the trigger whose rollback starts next: at once, the reason follows";
    Approve, "approve", "approve", Everywhere, true, "Approve a step of the rollback that runs, as a second person";
    Open, "open", "run or open", Selected, true, "Run the selected item if it is due, else open its detail; fold a phase; change an incident; open a monitor or objective";
    RunAgain, "run-again", "run again", Panes, true, "Run the selected item again";
    RunPhase, "run-phase", "run phase", Panes, true, "Run every check of the selected phase that can run";
    Acknowledge, "acknowledge", "acknowledge", Panes, true, "Take on what rings: a trigger that fired, an incident; else the selected item's warning";
    Attest, "attest", "attest", Items, true, "Attest the selected manual item; sign, vote in a poll, or choose a branch";
    Judge, "judge", "judge", Poll, true, "Say whether the selected criterion is met, with how you know";
    Waive, "waive", "waive", Panes, true, "Waive what the selected item found, or in the poll a criterion, with a reason and for how long";
    Cancel, "cancel", "cancel", Panes, true, "Cancel the selected item while it runs";
    MarkDone, "mark-done", "mark done", Steps, true, "Say that a step of unknown outcome was done, with how you know";
    MarkFailed, "mark-failed", "mark failed", Steps, true, "Say that a step of unknown outcome failed, with how you know";
    Playbooks, "playbook", "playbook", Panes, false, "Show the playbooks for the selected item, and run one: it only looks";
    Recovery, "recovery", "recovery", Panes, false, "Show what was open when this console came back, and what settles it";
    Hold, "hold", "hold", Panes, true, "Hold the countdown; cut it off below the no-hold mark; freeze after T-0";
    Release, "release", "release", Panes, true, "Release holds, resume the countdown, or lift the freeze";
    Recycle, "recycle", "recycle", Panes, true, "Take the countdown back to a declared mark";
    Amend, "amend", "amend", Panes, true, "Go by another plan, once how it differs was shown";
    Slip, "slip", "slip", Panes, true, "Publish another T-0 while the countdown holds";
    Scrub, "scrub", "scrub", Panes, true, "Give this attempt at the launch up";
    Triggers, "triggers", "triggers", Panes, false, "Show the triggers: what each waits for, from when to when; and fire one by hand";
    Faults, "faults", "faults", Panes, false, "In a rehearsal: show what its target can do wrong, and switch it on and off";
    Countdown, "countdown", "countdown", Panes, false, "Show all of the countdown: T-0 published and projected, slip, latest resume, next mark";
    Poll, "poll", "poll", Panes, false, "Show the poll, the criteria, and what blocks GO";
    Why, "why", "why not GO", Panes, false, "Show what stands between now and GO, and what each of it waits for";
    Blocker, "blocker", "first blocker", Panes, false, "Go to the first thing in the way that somebody can do something about";
    NextDue, "next-due", "next due", Panes, false, "Go to the next thing that waits for a person: for the role carried here, where one is";
    NextWrong, "next-wrong", "next wrong", Panes, false, "Go to the next item that is not well";
    PreviousWrong, "previous-wrong", "wrong before", Panes, false, "Go to the item before that is not well";
    Vote, "vote", "vote", Panes, true, "Vote in the poll: GO, NO-GO, or GO WITH WAIVER";
    Sign, "sign", "sign", Items, true, "Put a role's name under the selected sign-off";
    ActAs, "act-as", "act as", Panes, false, "Act for a role under its holder's name from here on, or as the operator again";
    Brief, "brief", "brief", Panes, false, "Show what happened since you left, and what is due next";
    Evidence, "evidence", "evidence", Panes, false, "Show what must be archived, and give it";
    Artifacts, "artifacts", "evidence", Panes, false, "Show what the selected item stands on: request and answer, output, and the files that hold them";
    Close, "close", "close", Panes, true, "Close the launch for good, once everything asked for is there";
    Incident, "incident", "incident", Panes, true, "Open an incident: what is wrong, how bad, who noticed";
    ChangeIncident, "incident-change", "change", Panes, true, "Say more of the selected incident: severity, commander, impact, mitigation, follow-up, stage, note";
    Incidents, "incidents", "incidents", Panes, false, "Show the incidents, their deadlines and timelines";
    Note, "note", "note", Panes, false, "Write a note into the journal; it may begin with when it happened";
    AmendNote, "amend-note", "amend note", Journal, false, "Write what the selected note should have said; it stays as it is";
    Down, "down", "down", Everywhere, false, "Move down";
    Up, "up", "up", Everywhere, false, "Move up";
    PageDown, "page-down", "page down", Everywhere, false, "Move down a page";
    PageUp, "page-up", "page up", Everywhere, false, "Move up a page";
    First, "first", "first", Everywhere, false, "Move to the first line";
    Last, "last", "last", Everywhere, false, "Move to the last line";
    Fold, "fold", "fold", Items, false, "Fold the phase, or go to the phase of the item";
    Unfold, "unfold", "unfold", Items, false, "Unfold the phase or the item's rows";
    NextPane, "next-pane", "pane", Panes, false, "Go to the next pane";
    PreviousPane, "previous-pane", "pane back", Panes, false, "Go to the pane before";
    Zoom, "zoom", "zoom", Panes, false, "Give the whole screen to this pane, or take it back";
    Filter, "filter", "filter", Lists, false, "Show only the lines that hold a text";
    Pause, "pause", "pause", Streams, false, "Stop the lines to read them, and go on";
    Errors, "errors", "wrong only", Wrongs, false, "Show only the lines that are errors, the items and monitors that are not well; and all again";
    Sort, "sort", "sort", Monitors, false, "Order the monitors by the plan, by the worst first, or by name";
    PreviousStream, "previous-stream", "stream back", Streams, false, "Show the stream before";
    NextStream, "next-stream", "next stream", Streams, false, "Show the next stream";
    Copy, "copy", "copy", Panes, false, "Copy what is known of the selected item to the clipboard";
    Utc, "utc", "UTC", Panes, false, "Show times in UTC, and in the launch's zone again";
    Palette, "palette", "palette", Panes, false, "Find an action by its words";
    Help, "help", "help", Panes, false, "Show every key";
    Back, "back", "back", Panes, false, "Leave the zoom, drop the filter, clear the message";
    Suspend, "suspend", "suspend", Panes, true, "Stop this console and go back to the shell; the launch's watch stops with it until `fg`";
    Quit, "quit", "quit", Panes, false, "Leave the console; what runs goes on";
    Confirm, "confirm", "yes", Dialogs, false, "Say yes, or choose the selected line";
    Dismiss, "dismiss", "no", Dialogs, false, "Say no, close the dialog";
    Choice, "choice", "other answer", Dialogs, false, "Take the next of several answers";
    Speaker, "speaker", "who spoke", Dialogs, false, "Take the next of those whose word it may be";
    Repeat, "repeat", "repeat", Recovery, true, "Do a step of unknown outcome again, with why that is right";
    CatchUp, "catch-up", "catch up", Recovery, true, "After a crash: take T to where it would be now";
    Play, "replay-play", "play", Replay, false, "Let the replay run, or stop it";
    RecordOn, "replay-record-on", "step", Replay, false, "Go one record on";
    RecordBack, "replay-record-back", "back", Replay, false, "Go one record back";
    MinuteOn, "replay-minute-on", "+1m", Replay, false, "Go on by a minute of the launch";
    MinuteBack, "replay-minute-back", "-1m", Replay, false, "Go back by a minute of the launch";
    TenOn, "replay-ten-on", "+10m", Replay, false, "Go on by ten minutes of the launch";
    TenBack, "replay-ten-back", "-10m", Replay, false, "Go back by ten minutes of the launch";
    NextNotable, "replay-next-incident", "alarm", Replay, false, "Go to the next incident, trigger that fired, or rollback";
    PreviousNotable, "replay-previous-incident", "alarm back", Replay, false, "Go to the incident, trigger that fired, or rollback before";
    Faster, "replay-faster", "faster", Replay, false, "Let the replay run faster";
    Slower, "replay-slower", "slower", Replay, false, "Let the replay run slower";
    ReplayStart, "replay-start", "start", Replay, false, "Go to the first record";
    ReplayEnd, "replay-end", "end", Replay, false, "Go to the last record";
}

impl Action {
    /// Its row of the table.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        // The table is generated in the order of the enum.
        &TABLE[self as usize]
    }

    #[must_use]
    pub fn by_id(id: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.id == id).map(|entry| entry.action)
    }
}

/// The page of keys, from the table and `keymap`: docs/keys.md for the default one, else with the keys of the user's
/// `own` file over it.
#[must_use]
pub fn keys_page(keymap: &Keymap, own: Option<&str>) -> String {
    let from = match own {
        None => {
            "Made from the table of actions and `config/keymap.toml`; a test holds this page to them. A file of your \
                 own, `~/.config/tminus/keymap.toml`, overrides keys by action id."
                .to_owned()
        }
        Some(own) => format!("The built-in keys, with those of {own} over them."),
    };
    let mut page = format!(
        "# Keys\n\n{from} Actions without a key are found with `:`.\n\n| key | action | where | what it does \
         |\n|---|---|---|---|\n"
    );
    for entry in TABLE {
        let keys: Vec<String> = keymap.keys(entry.action).iter().map(|key| format!("`{key}`")).collect();
        let keys = if keys.is_empty() { "`:`".to_owned() } else { keys.join(" ") };
        let line = format!("| {keys} | `{}` | {} | {} |\n", entry.id, entry.place.word(), entry.sentence);
        page.push_str(&line);
    }
    page.push_str(MOUSE);
    for (setting, words) in SETTINGS {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let variable = setting.to_uppercase();
        page.push_str(&format!("| `--{setting}` | `TMINUS_{variable}` | {} |\n", words.join(" ")));
    }
    page.push_str(LOOKS);
    page
}

const MOUSE: &str = "
## Mouse

A click goes to a pane and selects the line it is on; on a key at the foot of the screen it does what the key says,
unless that acts on the launch: a click never does. The wheel scrolls what is under it. Everything works without a
mouse. To select text as ever hold Shift while dragging (Option in iTerm2, Fn in Terminal.app), or switch the mouse off.

## Looks

By flag, by variable, or by a line `theme = \"light\"` in `console.toml` beside `keymap.toml`, in this order.

| flag | variable | words |
|---|---|---|
";

const LOOKS: &str = "
Unless chosen: no colour where `NO_COLOR` is set; `light` where `COLORFGBG` tells of a white background, else `ansi`;
ASCII on the kernel's own console (`TERM=linux`), on terminals named `vt…`, and where the locale names another
character set than UTF-8. `colour-blind` and `light` use 256 colours where `TERM` or `COLORTERM` says that there are.
On a white background that the terminal does not tell of, choose `light`. `--ascii` is `--glyphs ascii`.

The bell rings once for news, and every minute for what needs a key soon. `--notify` has the desktop told of it too,
once: `osc9` for iTerm2, kitty, WezTerm and Windows Terminal, `osc777` for urxvt, foot and VTE. Inside tmux that needs
`set -g allow-passthrough on` (tmux 3.3), which is asked at the start. Copying inside tmux goes through a buffer of
tmux and needs no setting from tmux 3.2 on; elsewhere the terminal is asked to by OSC 52, and does not tell whether it
did.

Suspending the console that flies a launch stops what it does: it asks first, and `fg` shows what was missed. `bg` does
not let it go on. One that only watches is suspended at once.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_actions_and_ids_are_unique() {
        for entry in TABLE {
            assert_eq!(entry.action.entry().id, entry.id);
            assert_eq!(Action::by_id(entry.id), Some(entry.action));
        }
    }

    #[test]
    fn the_page_has_the_keys_of_ones_own_file_and_says_whose_they_are() {
        let user = crate::base::source::Source::new("mine.toml", "note = [\"Y\"]\n");
        let keymap = Keymap::load(Some(&user)).expect("sound");
        let page = keys_page(&keymap, Some("mine.toml"));
        assert!(page.contains("| `Y` | `note` |") && page.contains("with those of mine.toml over them"), "{page}");
    }

    #[test]
    fn every_action_has_a_key_or_is_found_in_the_palette() {
        let keymap = Keymap::default();
        for entry in TABLE {
            let by_key = !keymap.keys(entry.action).is_empty();
            let by_palette = entry.place.in_palette();
            assert!(by_key || by_palette, "{}", entry.id);
        }
    }
}
