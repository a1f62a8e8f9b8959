//! Who is told while a launch runs. `telling` makes messages of records, purely: the journal is the outbox, and what
//! was told of it stands in a ledger of its own for each target. Nothing here holds a launch up, or decides
//! anything of it.
//!
//! | file | is |
//! |---|---|
//! | `message` | what is told, before it has a form |
//! | `telling` | from records to messages: a pure fold |
//! | `cdevents`, `slack`, `pagerduty` | the forms |
//! | `request` | a form and an address: what goes out |
//! | `answer` | what came back: there, never, or again |
//! | `queue` | what waits for one target, when it goes, what is folded and dropped |
//! | `ledger` | what was told to one target, in a chained file |
//! | `writer` | writes one of them, a line after the other |
//! | `post` | the task of one target |
//! | `outbox` | all of them |
//! | `standing` | who is not being told, for whoever looks |

pub mod answer;
pub mod cdevents;
pub mod ledger;
pub mod message;
pub mod outbox;
pub mod pagerduty;
mod post;
pub mod queue;
pub mod request;
pub mod slack;
pub mod standing;
pub mod telling;
mod writer;
