//! Processes: the shim that runs a step, its claim and outcome files, and the end of all descendants.
//! What belongs to one operating system stays here.
