//! A key is taken when it is pressed, also in a console in which nothing else happens.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

use super::*;

/// Keys as crossterm gives them: whoever finds none first is woken by the next, and nobody else.
#[derive(Clone, Default)]
struct Keys(Arc<Mutex<(VecDeque<Input>, Option<Waker>)>>);

impl Keys {
    fn press(&self, input: Input) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.0.push_back(input);
        if let Some(waker) = keys.1.take() {
            waker.wake();
        }
    }
}

impl Stream for Keys {
    type Item = std::io::Result<Input>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = keys.0.pop_front() {
            return Poll::Ready(Some(Ok(input)));
        }
        keys.1.get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_key_waits_for_no_second_to_turn() {
    let _ = boot();
    let (_told, watched) = watch::channel(under_way(Mode::Launch).snapshot(1810));
    let (asks, mut asked) = mpsc::channel(8);
    let mut port = Port { snapshots: watched, asks, by_files: None, wishes: None };
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a buffer");
    let setup = tminus::ui::Setup { boot, ..setup(Theme::default()) };
    let mut console = Console::new(terminal, setup, under_way(Mode::Launch).snapshot(1810));
    let keys = Keys::default();
    let pressing = async {
        for input in [key('!'), key('1'), Input::Key(KeyEvent::from(KeyCode::Enter))] {
            tokio::time::advance(Duration::from_millis(50)).await;
            keys.press(input);
        }
        let pressed = tokio::time::Instant::now();
        let ask: tminus::launch::port::Ask = asked.recv().await.expect("a rollback is asked for");
        assert!(matches!(ask.command, Command::Rollback { .. }), "{:?}", ask.command);
        pressed.elapsed()
    };
    let driving = drive(&mut console, &mut port, keys.clone(), std::future::pending(), |_| Ok(()));
    tokio::select! {
        took = pressing => assert!(took < Duration::from_millis(40), "{took:?} from the confirm key to the loop"),
        left = driving => panic!("it left: {left:?}"),
    }
}

/// In halves: it presses a key some ten thousand times.
#[test]
fn every_action_does_something_somewhere() {
    does_something(0);
}

#[test]
fn every_other_action_does_something_somewhere() {
    does_something(1);
}

fn does_something(half: usize) {
    let mut held = under_way(Mode::Launch);
    held.person(1805, Event::HoldCalled { who: "ana".into(), why: "odd".into() });
    // At the last, T is below the recycle mark.
    let under = || under_way(Mode::Launch);
    let mut incident = under();
    let detected_by = "smoke".to_owned();
    incident.person(1805, Event::IncidentOpened { incident: 1, title: "down".into(), severity: None, detected_by });
    let stories = [
        (crashed(), 2000),
        (under(), 1810),
        (held, 1810),
        (under(), 6_000),
        (incident, 1810),
        (polls::polled(), 1810),
        (playbooks::story(), 1810),
    ]
    .map(|(story, second)| story.snapshot(second));
    // A second key wants a role, and a rollback that runs: `approval` has it. Evidence wants a plan that asks for
    // some: `tests/crew` has one. What is for triggers `triggers` has, what is for rehearsals `faults`.
    let elsewhere = [Action::Approve, Action::Evidence, Action::Veto, Action::Triggers, Action::Faults];
    let here = |entry: &&Entry| entry.place.in_palette() && !elsewhere.contains(&entry.action);
    for entry in TABLE.iter().filter(here).skip(half).step_by(2) {
        // Every story before the next line: what one has nothing for, another mostly has near its ends.
        let lines = ["home".to_owned(), "end".to_owned()].into_iter();
        let lines = lines.chain((1..12).map(|down| format!("home {}", "j ".repeat(down))));
        let places = lines.flat_map(|line| (0..Pane::ALL.len()).map(move |tabs| (line.clone(), tabs)));
        let mut places = places.flat_map(|place| stories.iter().map(move |story| (story, place.clone())));
        let does = places.any(|(story, (line, tabs))| {
            let mut console = console(std::sync::Arc::clone(story), 80, 24);
            // The last phase is folded and the pane zoomed, so that there is something to take back.
            press(&mut console, "esc");
            press(&mut console, &format!("end k h {line} {} z", "tab ".repeat(tabs)));
            let before = told(&console);
            press(&mut console, ":");
            type_in(&mut console, entry.id);
            let effect = press(&mut console, "enter");
            effect.is_some() || (told(&console) != before && console.state().message.is_none())
        });
        assert!(does, "{} changes nothing anywhere", entry.id);
    }
}
