//! The loop's part of a closing: what was given as a file is looked for before it is decided.

use std::sync::Arc;

use super::Loop;
use crate::evidence::given;
use crate::launch::artifact::FOLDER;
use crate::launch::command::{Command, Input};

/// Longer files than this disk reads in so long are not waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

impl Loop {
    /// Says in each closing among `inputs` what of the evidence is gone.
    pub(super) async fn look_for_given(&self, inputs: &mut [Input]) {
        for input in inputs {
            let (Input::Command { command, .. } | Input::Request { command, .. }) = input else { continue };
            let (Command::Close { gone, .. }, Some(folder)) = (command, &self.parts.folder) else { continue };
            let (artifacts, board) = (folder.join(FOLDER), Arc::clone(self.dispatch.published()));
            let looked = tokio::task::spawn_blocking(move || given::gone(&artifacts, &board));
            *gone = match tokio::time::timeout(PATIENCE, looked).await {
                Ok(Ok(gone)) => gone,
                _ => vec!["the files given as evidence could not be looked at".to_owned()],
            };
        }
    }
}
