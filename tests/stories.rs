//! Whole flights by a person's keys on a real terminal, as a crew would fly them: what stands on the screen on the way,
//! in words and in the colours of their roles, and what the journal tells at the end.

#[path = "stories/back.rs"]
mod back;
#[path = "stories/crash.rs"]
mod crash;
#[path = "stories/gate.rs"]
mod gate;
#[path = "stories/go.rs"]
mod go;
#[path = "stories/hold.rs"]
mod hold;
#[path = "stories/scribe.rs"]
mod scribe;
#[path = "stories/veto.rs"]
mod veto;

use std::path::PathBuf;

use ratatui::style::{Color, Modifier};
use tminus::launch::board::Board;
use tminus::launch::event::{Event, Recorded};
use tminus::ui::theme::{Depth, Palette, Role, Theme};

use crate::binary::Place;
use crate::pty::{Seat, WIDE};
use crate::{told, wait};

/// A plan in which nothing comes for half an hour, and `more`.
fn calm(id: &str, more: &str) -> String {
    format!(
        r#"
[plan]
schema = 1
id = "{id}"
title = "Calm"
environment = "test"

[clock]
start = "T-1h"

[[phase]]
id = "later"
title = "Later"
at = "T-30m"
[[phase.item]]
id = "look"
title = "Somebody looks"
manual = {{}}
{more}"#
    )
}

/// A plan, the folder of its launch, and people who sit down at it.
struct Stage {
    place: Place,
    folder: PathBuf,
}

impl Stage {
    fn new(plan: &str) -> Self {
        Self::of(Place::new(&[]), plan)
    }

    /// `PLACE` in the plan is the folder that all of it lies in.
    fn of(place: Place, plan: &str) -> Self {
        let at = place.path("").display().to_string();
        std::fs::write(place.path("plan.toml"), plan.replace("PLACE", at.trim_end_matches('/'))).expect("written");
        Self { folder: place.path("launch"), place }
    }

    /// `tminus WORD PLAN --launch FOLDER --name ana`, and more.
    fn opens(&self, word: &str, more: &[&str]) -> Seat {
        let plan = self.place.path("plan.toml").display().to_string();
        self.sits(WIDE, &[&[word, &plan, "--launch", &self.at(), "--name", "ana"], more].concat())
    }

    fn sits(&self, size: (u16, u16), arguments: &[&str]) -> Seat {
        Seat::start(&self.place.path(""), arguments, &[], size)
    }

    fn at(&self) -> String {
        self.folder.display().to_string()
    }

    fn records(&self) -> Vec<Recorded> {
        told::records(&self.folder)
    }

    fn board(&self) -> Board {
        told::board(&self.folder, &self.records())
    }

    /// The records that `wanted` picks, in their order.
    fn told<T>(&self, wanted: impl Fn(&Recorded) -> Option<T>) -> Vec<T> {
        self.records().iter().filter_map(wanted).collect()
    }

    fn comes(&self, what: &str, wanted: impl Fn(&Event) -> bool) {
        wait::wait(what, || self.records().iter().any(|record| wanted(&record.event)));
    }
}

/// Reads until these words stand on the screen and look as `role` does.
fn as_role(seat: &mut Seat, words: &str, role: Role) {
    let style = Theme::of(Palette::Ansi, Depth::Indexed, false).style(role);
    let [fg, bg] = [style.fg, style.bg].map(|colour| colour.map_or(vt100::Color::Default, on_a_terminal));
    let bold = style.add_modifier.contains(Modifier::BOLD);
    seat.until_cell(&format!("{words:?} as {role:?}"), words, |cell| {
        (cell.fgcolor(), cell.bgcolor(), cell.bold()) == (fg, bg, bold)
    });
}

/// One of the sixteen, by its number.
fn on_a_terminal(colour: Color) -> vt100::Color {
    use Color::{
        Black, Blue, Cyan, DarkGray, Gray, Green, LightBlue, LightCyan, LightGreen, LightMagenta, LightRed,
        LightYellow, Magenta, Red, White, Yellow,
    };
    let sixteen = [
        Black,
        Red,
        Green,
        Yellow,
        Blue,
        Magenta,
        Cyan,
        Gray,
        DarkGray,
        LightRed,
        LightGreen,
        LightYellow,
        LightBlue,
        LightMagenta,
        LightCyan,
        White,
    ];
    match (sixteen.iter().position(|known| *known == colour), colour) {
        (Some(number), _) => vt100::Color::Idx(u8::try_from(number).expect("sixteen")),
        (None, Color::Indexed(number)) => vt100::Color::Idx(number),
        _ => vt100::Color::Default,
    }
}

/// T as the header has it.
fn t(seat: &mut Seat) -> String {
    let shown = seat.shown();
    let line = shown.lines().find(|line| line.contains(" L-") || line.contains(" L+") || line.contains("T+"));
    line.unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned()
}
