//! The holder's end of the inbox: a task that looks into the folder, hands what waits there to the loop a
//! few at a time, and answers once it was decided. The loop never waits for a disk of the inbox.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::form;
use super::plan;
use super::take::{self, Found, Taken, Untaken};
use crate::base::boundary::reach;
use crate::base::secret::Redactor;
use crate::base::text::printable;
use crate::clock;
use crate::engine::door;
use crate::engine::stir::Stir;
use crate::journal::Health;
use crate::launch::board::Board;
use crate::launch::command::{Command, Input};
use crate::launch::event::Actor;
use crate::launch::id::{CriterionId, EvidenceId, ItemId, RequestId, RoleId};

/// After a turn that could not be recorded, or a folder that could not be read.
const PATIENCE: Duration = Duration::from_secs(1);
/// Requests decided in one turn of the loop: a flood of them waits in its folder.
const TURN: usize = 32;
/// Requests that one look at the folder keeps in memory.
const KEPT: usize = 1_024;

/// A few requests for one turn of the loop.
#[derive(Debug)]
pub struct Handed {
    inputs: Vec<Input>,
    /// Boot time at which they were read.
    taken_at: i64,
    decided: oneshot::Sender<Arc<Board>>,
}

impl Handed {
    /// The requests as they are at boot time `now`, and who takes the board after the turn: what of them was
    /// decided is in there. However long they lay between their file and the turn, they are as old as that.
    #[must_use]
    pub fn at(self, now: i64) -> (Vec<Input>, oneshot::Sender<Arc<Board>>) {
        let Self { mut inputs, taken_at, decided } = self;
        let lay = Duration::from_millis(u64::try_from(now - taken_at).unwrap_or(0));
        for input in &mut inputs {
            if let Input::Request { age, .. } = input {
                *age = age.saturating_add(lay);
            }
        }
        (inputs, decided)
    }
}

/// The loop's end of the desk.
#[derive(Debug)]
pub struct Desk(Option<mpsc::Receiver<Handed>>);

impl Desk {
    /// Looks into `inbox` from now on, until the loop or the journal is gone.
    #[must_use]
    pub fn open(inbox: PathBuf, redactor: Redactor, health: watch::Receiver<Health>) -> Self {
        let (hand, handed) = mpsc::channel(1);
        let ours = rustix::process::geteuid().as_raw();
        tokio::spawn(attend(Clerk { inbox, redactor, ours, stuck: HashSet::new() }, hand, health));
        Self(Some(handed))
    }

    /// A launch without a folder has none.
    #[must_use]
    pub fn closed() -> Self {
        Self(None)
    }

    /// The next requests; never, where there is nobody to ask.
    pub async fn next(&mut self) -> Handed {
        if let Some(handed) = &mut self.0
            && let Some(next) = handed.recv().await
        {
            return next;
        }
        self.0 = None;
        std::future::pending().await
    }
}

struct Clerk {
    inbox: PathBuf,
    redactor: Redactor,
    /// The user whose files' own names stand.
    ours: u32,
    /// What could not even be moved aside: told once.
    stuck: HashSet<OsString>,
}

async fn attend(mut clerk: Clerk, hand: mpsc::Sender<Handed>, health: watch::Receiver<Health>) {
    let mut well = true;
    let mut stir = Stir::of(clerk.inbox.clone());
    // A journal that is lost is another console's: so is the inbox.
    while !hand.is_closed() && !matches!(*health.borrow(), Health::Lost(_) | Health::TakenOver(_)) {
        let (looked, back) = off_the_loop(clerk, Clerk::look).await;
        clerk = back;
        let (mut recorded, mut some_were) = (true, false);
        if let Err(wrong) = &looked
            && std::mem::replace(&mut well, false)
        {
            tracing::warn!("failed to look into the inbox: {wrong}");
        }
        well |= looked.is_ok();
        let looked = looked.unwrap_or_default();
        for some in looked.requests.chunks(TURN) {
            let (some, taken_at) = (some.to_vec(), clock::boot());
            let (inputs, back) = off_the_loop(clerk, move |clerk| clerk.take(&some)).await;
            clerk = back;
            if inputs.is_empty() {
                continue;
            }
            let ids: Vec<RequestId> = inputs.iter().filter_map(id_of).cloned().collect();
            let (decided, after) = oneshot::channel();
            let board = match hand.send(Handed { inputs, taken_at, decided }).await {
                Ok(()) => after.await.ok(),
                Err(_) => None,
            };
            let ((all, left), back) = off_the_loop(clerk, move |clerk| clerk.answer(&ids, board.as_deref())).await;
            clerk = back;
            if left {
                return;
            }
            (recorded, some_were) = (all, true);
            if !recorded {
                break;
            }
        }
        // A flood is gone on with at once, as long as it gets less.
        if !(looked.more && some_were && recorded) {
            match recorded && well {
                true => stir.next().await,
                false => tokio::time::sleep(PATIENCE).await,
            }
        }
    }
}

/// Files are looked at beside the runtime's own threads.
async fn off_the_loop<T: Send + 'static>(
    mut clerk: Clerk,
    act: impl FnOnce(&mut Clerk) -> T + Send + 'static,
) -> (T, Clerk) {
    let done = tokio::task::spawn_blocking(move || {
        let done = act(&mut clerk);
        (done, clerk)
    });
    match done.await {
        Ok(done) => done,
        Err(died) if died.is_panic() => std::panic::resume_unwind(died.into_panic()),
        // The runtime ends, and this task with it.
        Err(_) => std::future::pending().await,
    }
}

fn id_of(input: &Input) -> Option<&RequestId> {
    if let Input::Request { id, .. } = input { Some(id) } else { None }
}

impl Clerk {
    fn look(&mut self) -> std::io::Result<take::Looked> {
        let looked = take::look(&self.inbox, KEPT, clock::wall())?;
        for name in &looked.misfits {
            self.set_aside(name, "it is no request");
        }
        Ok(looked)
    }

    fn take(&mut self, found: &[Found]) -> Vec<Input> {
        let mut taken = Vec::with_capacity(found.len());
        for found in found {
            match take::take(&self.inbox, found, self.ours, clock::wall()) {
                Ok(request) => taken.push(self.clean(request)),
                Err(Untaken::Gone) => {}
                Err(Untaken::No(why)) => {
                    self.set_aside(&take::name_of(&found.id), &why.to_string());
                    let answer = form::encode_refusal(&found.id, &why);
                    let _ = answer.map(|bytes| take::answer(&self.inbox, &found.id, &bytes));
                    plan::clear(&self.inbox, &found.id);
                }
                Err(Untaken::Failed(wrong)) => tracing::warn!("failed to read request {}: {wrong}", found.id),
            }
        }
        if !taken.is_empty() {
            reach("request-taken");
        }
        // By what they say themselves: files of one batch may share their time.
        taken.sort_by_key(|input| if let Input::Request { asked_at, .. } = input { *asked_at } else { clock::wall() });
        taken
    }

    /// A request without the secrets that someone pasted anywhere into it.
    fn clean(&self, taken: Taken) -> Input {
        let Taken { request: form::Request { id, name, role, asked_at, command }, age } = taken;
        let text = |text: &str| self.redactor.text(text);
        let role = role.map(|role| RoleId::new(text(role.as_str())));
        let command = match door::clean(command, &self.redactor) {
            Command::ReleaseHold { who } => Command::ReleaseHold { who: text(&who) },
            Command::Vote { poll, role, vote } => Command::Vote {
                poll: poll.map(|poll| ItemId::new(text(poll.as_str()))),
                role: RoleId::new(text(role.as_str())),
                vote,
            },
            Command::Sign { item, role, note } => {
                Command::Sign { item: ItemId::new(text(item.as_str())), role: RoleId::new(text(role.as_str())), note }
            }
            Command::Judge { criterion, met, note } => {
                Command::Judge { criterion: CriterionId::new(text(criterion.as_str())), met, note }
            }
            Command::WaiveCriterion { criterion, reason, lasts } => {
                Command::WaiveCriterion { criterion: CriterionId::new(text(criterion.as_str())), reason, lasts }
            }
            Command::Acknowledge { item } => Command::Acknowledge { item: ItemId::new(text(item.as_str())) },
            Command::Attest { item, note, passed } => {
                Command::Attest { item: ItemId::new(text(item.as_str())), note, passed }
            }
            Command::GiveEvidence { evidence, what } => {
                Command::GiveEvidence { evidence: EvidenceId::new(text(evidence.as_str())), what }
            }
            Command::WaiveHole { item, hole, reason } => {
                Command::WaiveHole { item: ItemId::new(text(item.as_str())), hole, reason }
            }
            Command::Waive { item, reason, lasts } => {
                Command::Waive { item: ItemId::new(text(item.as_str())), reason, lasts }
            }
            Command::Choose { item, option, reason } => {
                Command::Choose { item: ItemId::new(text(item.as_str())), option: text(&option), reason }
            }
            command => command,
        };
        Input::Request { id, by: Actor::person(text(&name), role), command, asked_at, age }
    }

    /// Answers what the board says was decided. Whether all of it was, and whether the loop has gone.
    fn answer(&mut self, ids: &[RequestId], board: Option<&Board>) -> (bool, bool) {
        let mut all = true;
        if board.is_some() {
            reach("request-decided");
        }
        for id in ids {
            let Some(decided) = board.and_then(|board| board.requests.get(id)) else {
                all = false;
                take::put_back(&self.inbox, id);
                continue;
            };
            let answered = form::encode_answer(id, decided)
                .map_err(std::io::Error::from)
                .and_then(|bytes| take::answer(&self.inbox, id, &bytes));
            plan::clear(&self.inbox, id);
            if let Err(wrong) = answered {
                all = false;
                tracing::warn!("failed to answer request {id}: {wrong}");
            }
        }
        (all, board.is_none())
    }

    fn set_aside(&mut self, name: &std::ffi::OsStr, why: &str) {
        if self.stuck.contains(name) {
            return;
        }
        let shown = printable(&name.to_string_lossy());
        match take::set_aside(&self.inbox, name) {
            Ok(()) => tracing::warn!("inbox: {shown} was set aside: {why}"),
            Err(wrong) => {
                tracing::warn!("inbox: {shown} cannot be set aside: {wrong} ({why})");
                // However many there are, they cost bounded memory.
                if self.stuck.len() < KEPT {
                    self.stuck.insert(name.to_owned());
                }
            }
        }
    }
}

/// The inbox of the launch in `folder`.
#[must_use]
pub fn of(folder: &Path) -> PathBuf {
    folder.join("inbox")
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
