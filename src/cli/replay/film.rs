//! The samples that a launch's folder or its bundle keeps, as a film: those alone that a record vouches for.

use crate::evidence::replay::{Film, Shot};
use crate::launch::event::{Event, Recorded};
use crate::watch::kept::{Files, Vouched, history};
use crate::watch::point::{Point, Taken};

/// With what a person should know of it.
pub fn of(files: &dyn Files, records: &[Recorded]) -> (Film, Vec<String>) {
    let mut vouched = Vouched::default();
    for record in records {
        if let Event::SamplesKept { minute, blocks } = &record.event {
            vouched.take(*minute, blocks);
        }
    }
    let (mut film, mut doubts) = (Film::default(), Vec::new());
    for signal in vouched.signals() {
        let told = history(files, &signal, &vouched, &mut |point, came| {
            if let Some(shot) = shot(point) {
                film.take(&signal, came, shot);
            }
        });
        doubts.extend(told);
    }
    if film.left_out() > 0 {
        doubts.push(format!("{} samples are too many to be shown: they are left out", film.left_out()));
    }
    (film, doubts)
}

/// None for a look that a rehearsal made up for time it skipped: nobody saw one.
fn shot(Point { at, taken, generated }: Point) -> Option<Shot> {
    match taken {
        Taken::Look { .. } if generated => None,
        Taken::Look { verdict, took } => Some(Shot::Look { verdict, took }),
        Taken::Number { value, .. } => Some(Shot::Number { at, value, generated }),
        // What it counted in all, as the console has it.
        Taken::Histogram { upto, .. } => {
            Some(Shot::Number { at, value: upto.last().map_or(0.0, |(_, count)| *count), generated })
        }
        Taken::Nothing => Some(Shot::Nothing),
    }
}
