//! The loop's part of an amendment: the plan is looked over and filed before it is decided, and the hands
//! are exchanged where its record stands, between what began under the one plan and under the other.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::Loop;
use crate::base::wire::Client;
use crate::engine::amending::{Amender, Moved, Prepared};
use crate::engine::revisions;
use crate::launch::amend::{Amendment, fits};
use crate::launch::board::Board;
use crate::launch::command::{Command, Input};
use crate::launch::event::{Event, Recorded};
use crate::launch::id::RequestId;
use crate::launch::port::{Ask, Proposal};

/// What a loop knows of plans that its launch may go by.
#[derive(Default)]
pub(super) struct Amending {
    amender: Option<Amender>,
    /// The last that was looked over at this console.
    proposed: Option<(Arc<Proposal>, Option<Prepared>)>,
    looks: u32,
    /// For the amendment that is being decided.
    ready: Option<(Prepared, Option<(Moved, Client)>)>,
    /// Why plain files lack what the journal has.
    unkept: Arc<Mutex<Option<String>>>,
}

impl Amending {
    pub fn proposal(&self) -> Option<Arc<Proposal>> {
        self.proposed.as_ref().map(|(proposal, _)| Arc::clone(proposal))
    }

    pub fn unkept(&self) -> Option<String> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Loop {
    /// The plan of this launch can be amended while it is flown.
    #[must_use]
    pub fn with_amender(mut self, amender: Amender) -> Self {
        self.amending.amender = Some(amender);
        self
    }

    /// Shows how a plan differs, where that is what is asked; everything else is left for the turn.
    pub(super) fn proposed(&mut self, ask: Ask) -> Option<Ask> {
        let Command::Propose { path } = &ask.command else { return Some(ask) };
        let board = self.dispatch.shown();
        let Some(amender) = &self.amending.amender else { return Some(ask) };
        self.amending.looks = self.amending.looks.wrapping_add(1);
        let now = self.parts.axis.now().instant;
        let (proposal, prepared) = amender.look_over(self.amending.looks, path, &board, now);
        let redactor = &self.parts.effects.world.redactor;
        let found = proposal.found.map(|found| self.clean(found)).map_err(|why| redactor.text(&why));
        let proposal = Proposal { found, ..proposal };
        self.amending.proposed = Some((Arc::new(proposal), prepared));
        let _ = ask.reply.send(Ok(()));
        self.publish();
        None
    }

    /// The difference without a secret that somebody wrote into a plan.
    fn clean(&self, mut amendment: Amendment) -> Amendment {
        let redactor = &self.parts.effects.world.redactor;
        amendment.changes.iter_mut().for_each(|line| *line = redactor.text(line));
        amendment
    }

    /// Makes ready what an amendment among `inputs` needs, and says in it why not where that cannot be. One a
    /// turn: a second is compared with a plan that is not in force any more.
    pub(super) async fn make_ready(&mut self, inputs: &mut [Input]) {
        for input in inputs {
            let (id, command) = match input {
                Input::Command { command, .. } => (None, command),
                Input::Request { id, command, .. } => (Some(id.clone()), command),
                _ => continue,
            };
            let Command::Amend { amendment, .. } = command else { continue };
            let Ok(asked) = amendment.clone() else { continue };
            *amendment = match self.ready(id.as_ref(), &asked).await {
                Ok(amendment) => Ok(self.clean(amendment)),
                Err(why) => Err(self.parts.effects.world.redactor.text(&why)),
            };
        }
    }

    async fn ready(&mut self, id: Option<&RequestId>, asked: &Amendment) -> Result<Amendment, String> {
        let board = Arc::clone(self.dispatch.published());
        let Some(amender) = &self.amending.amender else {
            return Err("the plan of this launch cannot be amended from here".to_owned());
        };
        let prepared = match id {
            Some(id) => amender.prepare(Path::new("plan.toml"), amender.handed_in(id)?, &board)?,
            None => {
                let proposed = self.amending.proposed.take().and_then(|(_, prepared)| prepared);
                proposed.filter(|prepared| prepared.plan.hash == asked.plan_hash).ok_or("name the plan first")?
            }
        };
        if prepared.plan.hash != asked.plan_hash {
            return Err("the plan that was handed in is not the one that was shown".to_owned());
        }
        let now = self.parts.axis.now().instant;
        // Nothing is filed, and no target made, for what is refused anyway.
        fits(&board, &prepared.plan, &prepared.amendment, now).map_err(|why| why.0)?;
        let moved = amender.moved(&prepared, &board).await?;
        let (folder, text, number) = (amender.folder().clone(), prepared.text.clone(), board.revisions.number);
        let before = revisions::text(&folder, number, &board.plan.hash)?;
        let filed = tokio::task::spawn_blocking(move || revisions::file(&folder, (number, &before), &text)).await;
        filed.map_err(|died| died.to_string())?.map_err(|why| why.to_string())?;
        self.dispatch.learn(&prepared.plan);
        let amendment = prepared.amendment.clone();
        self.amending.ready = Some((prepared, moved));
        Ok(amendment)
    }

    /// Where in a turn's records the launch goes over to another plan.
    pub(super) fn amended_at(records: &[Recorded]) -> Option<usize> {
        records.iter().position(|record| matches!(record.event, Event::PlanAmended { .. }))
    }

    /// An amendment that was said not to be recorded, and is: the disk answered late.
    pub(super) fn keep_up(&mut self, board: &Arc<Board>) {
        if board.plan.hash != self.parts.effects.world.plan.hash {
            self.refit(board, board);
        }
    }

    /// From here on everything is looked at and done by the plan of `board`; `before` went by the one before.
    pub(super) fn refit(&mut self, before: &Board, board: &Arc<Board>) {
        let Some((prepared, moved)) = self.amending.ready.take_if(|(ready, _)| ready.plan.hash == board.plan.hash)
        else {
            tracing::error!("a plan that was never made ready: this console goes on by the one before");
            return;
        };
        let Some(amender) = &mut self.amending.amender else { return };
        let effects = &mut self.parts.effects;
        for (id, state) in before.items.iter().filter(|(_, state)| state.is_running()) {
            // A look under the old plan that nobody waits for.
            if !board.item(id).is_some_and(|now| now.is_running())
                && let Some(attempt) = state.attempt
            {
                effects.world.cancel(id, attempt);
            }
        }
        let kept = amender.refit(&prepared, moved, effects);
        if let Some(watch) = &effects.watch {
            self.parts.live = watch.live();
        }
        if let Some(faults) = &mut effects.faults {
            faults.offer(&effects.world.plan, &effects.world.catalogue);
        }
        effects.begin_anew(board);
        effects.world.keep_baseline(board);
        let (folder, unkept) = (amender.folder().clone(), Arc::clone(&self.amending.unkept));
        tokio::task::spawn_blocking(move || {
            let Prepared { text, environment, hidden, .. } = &prepared;
            let written = revisions::put_in_force(&folder, text, environment, hidden).map_err(|why| why.to_string());
            let why = kept.and(written).err().map(|why| {
                tracing::error!("{why}");
                format!("the amended plan is not in plan.toml, a rollback goes by the one before: {why}")
            });
            *unkept.lock().unwrap_or_else(PoisonError::into_inner) = why;
        });
    }
}
