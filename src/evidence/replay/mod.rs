//! A journal as a film: [`Reel`] has the board of any place in it, [`Playhead`] is where one stands and how it moves.
//! [`Film`] has what was sampled meanwhile. Pure: it reads no clock and no file, and nothing in it acts.

mod film;
mod playhead;
mod reel;

pub use film::{Film, Shot};
pub use playhead::Playhead;
pub use reel::Reel;

#[cfg(test)]
mod tests;
