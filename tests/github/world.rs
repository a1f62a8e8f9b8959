//! The state of the repository that the stub stands for, and what goes wrong with it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub const COMMIT: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";
pub const OTHER: &str = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";
pub const TOKEN: &str = "ghp_kept_out_of_sight";

/// What becomes of a request to start a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// 200 with the run's id, where it is asked for.
    Told,
    /// 204, as before there were details; a key that asks for them is refused.
    Untold,
    /// 204 although details were asked for.
    Silent,
    /// A run begins, and the answer is lost.
    BegunUnanswered,
    /// The answer is lost, and no run begins.
    LostBefore,
    /// 204, and two runs begin.
    Twice,
    /// 204, and none begins.
    Swallowed,
}

/// An answer instead of the right one.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub method: &'static str,
    /// Part of the path.
    pub at: &'static str,
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
    /// How often.
    pub times: usize,
}

pub struct World {
    pub start: Start,
    pub troubles: Vec<Trouble>,
    pub runs: Vec<Value>,
    /// Looks at a run until it has ended.
    pub looks: usize,
    pub conclusion: &'static str,
    /// What the branch stands at.
    pub head: String,
    pub workflow_state: &'static str,
    pub workflow_text: String,
    /// Names and what they stand for: `commit` or `tag`, and its id.
    pub refs: Vec<(String, &'static str, String)>,
    /// Annotated tags by their id.
    pub tag_objects: BTreeMap<String, (&'static str, String)>,
    /// Tags and ids of releases.
    pub releases: Vec<(u64, String, bool)>,
    pub statuses: Vec<(&'static str, &'static str)>,
    pub checks: Vec<(&'static str, &'static str, Option<&'static str>)>,
    pub permissions: Value,
    pub scopes: Option<&'static str>,
    /// Entries a page, whatever is asked for.
    pub page: usize,
    /// A rerun makes this tag: what must not be.
    pub tag_by_rerun: Option<&'static str>,
    /// Method and path of every request, in order.
    pub asked: Vec<(String, String)>,
    pub wrong: Vec<String>,
    pub next_run: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            start: Start::Told,
            troubles: Vec::new(),
            runs: Vec::new(),
            looks: 2,
            conclusion: "success",
            head: COMMIT.to_owned(),
            workflow_state: "active",
            workflow_text: String::new(),
            refs: Vec::new(),
            tag_objects: BTreeMap::new(),
            releases: Vec::new(),
            statuses: Vec::new(),
            checks: Vec::new(),
            permissions: json!({ "admin": false, "maintain": false, "push": true, "triage": true, "pull": true }),
            scopes: Some("repo, workflow"),
            page: 100,
            tag_by_rerun: None,
            asked: Vec::new(),
            wrong: Vec::new(),
            next_run: 30_433_642,
        }
    }
}
