//! The report of a launch, for whoever was not there: one HTML file that needs no network and no script, and the same
//! as Markdown. A pure function of the journal and of the samples that its blocks hold: the same launch, the same
//! bytes, on every machine and on any day.
//!
//! [`Story`] takes the journal in, record by record, and the samples; [`Story::told`] makes the [`Document`] of it.
//! [`html`] and [`markdown`] render that, and say the same. Reading a folder is its callers' own.

mod course;
mod crew;
mod document;
mod gates;
mod head;
mod html;
mod incidents;
mod markdown;
mod picture;
mod planned;
mod plots;
mod revised;
mod rollbacks;
mod say;
mod series;
mod soaks;
mod story;
mod strangers;
mod style;
mod svg;
mod timeline;
mod watched;

#[cfg(test)]
mod amended_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth_tests;

pub use document::Document;
pub use html::html;
pub use markdown::markdown;
pub use series::{Frame, Sample, Series};
pub use story::Story;
pub use strangers::Stranger;
