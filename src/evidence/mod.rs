//! What a launch leaves for people who were not there: documents made from the board. Pure rendering; who
//! writes them where is the engine's and the command line's to say.

pub mod incident;
