//! Parts that panes and overlays are drawn with. They know roles and text, nothing of launches.

pub mod gauge;
pub mod list;
pub mod row;
pub mod sheet;
pub mod span;
