//! The rehearsal's target: one listener on loopback that answers every request of a plan with that
//! plan's own good examples, and its faults. It owns the simulated world's state and what it handed
//! out; it must never know more than the plan does, and it judges nothing.
//!
//! | file | is |
//! |---|---|
//! | `fault` | the faults by name |
//! | `expected` | which triggers of a plan are there for a fault |
//! | `possible` | which faults a plan's target can have |
//! | `failing` | what the one thing that is made to fail answers |
//! | `switchboard` | what is on, and since when |
//! | `traffic` | the numbers of signals, and looks in time that a rehearsal skips |
//! | `pattern` | texts and addresses with `{{ name }}` in them, matched against a request |
//! | `routes` | what the plan says may be asked, and the answer to each |
//! | `world` | state, memory of what was handed out, which answer a request gets |
//! | `memory` | values for the names in an answer, and what of them must come back |
//! | `reply` | an answer ready for the wire, and the faults that bend it |
//! | `pace` | how late an answer must come to be too late |
//! | `certificate` | the certificate made on the spot |
//! | `target` | the listener: plain or TLS by the first byte, HTTP/1.1, streams |
//! | `line` | one connection that can be broken off in the middle |

pub mod certificate;
mod expected;
mod failing;
pub mod fault;
mod line;
mod memory;
mod pace;
mod pattern;
mod possible;
mod reply;
mod routes;
mod switchboard;
pub mod target;
pub mod traffic;
mod world;

pub use expected::caught_by;
pub use failing::able;
pub use fault::{Fault, Injection, Size};
pub use possible::possible;
pub use switchboard::{Episode, Faults};
pub use target::Target;
pub use traffic::Traffic;

/// Why there is no simulated target.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("failed to open a listener on loopback")]
    Listen(#[source] std::io::Error),
    #[error("failed to make a certificate for the plan's hosts")]
    Certificate(#[from] rcgen::Error),
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}
