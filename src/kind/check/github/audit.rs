//! What a workflow file says about when it runs by itself and what it may do: its triggers, the conditions of
//! its jobs, the permissions of its token. Read from the text; nothing is asked.

use std::collections::BTreeMap;

use super::expression::{Case, asks_status, lets_run};
use super::yaml::{Node, read};
use crate::base::table::Table;
use crate::launch::verdict::{Finding, Verdict};

/// Triggers by which a person, or another program by name, starts a workflow.
const ASKED_FOR: [&str; 3] = ["workflow_dispatch", "repository_dispatch", "workflow_call"];
const AFTER: &str = "workflow_run";
/// What stands for any other value.
const OTHER: &str = "tminus-other";

/// What is expected of a workflow file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Audit {
    /// No other event starts it.
    pub triggers_only: Vec<String>,
    pub automatic: Option<Automatic>,
    /// Of its token, in at least one job: `contents = "write"`.
    pub permissions: Vec<(String, String)>,
    /// The input whose value stands in the run's name.
    pub nonce_input: Option<String>,
}

/// What the run before it must have been, wherever it runs by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Automatic {
    pub conclusion: Option<String>,
    pub branch: Option<String>,
    pub event: Option<String>,
}

impl Audit {
    pub fn read(table: &Table<'_>) -> Self {
        let automatic = table.table("automatic").map(|table| {
            let text = |key| table.text(key).map(|text| text.value);
            let read = Automatic { conclusion: text("conclusion"), branch: text("branch"), event: text("event") };
            if read == Automatic::default() {
                table.missing("conclusion", "`conclusion = \"success\"`, `branch = \"main\"` or `event = \"push\"`");
            }
            table.finish();
            read
        });
        let permissions = table.named_templates("permissions").into_iter();
        let read = Self {
            triggers_only: table.texts("triggers_only").into_iter().map(|text| text.value).collect(),
            automatic,
            permissions: permissions.map(|(name, level)| (name.value, level.written())).collect(),
            nonce_input: table.text("nonce_input").map(|text| text.value),
        };
        if read == Self::default() {
            let what = "`triggers_only = [\"workflow_dispatch\"]`, `automatic`, `permissions` or `nonce_input`";
            table.missing("triggers_only", what);
        }
        read
    }

    pub fn words(&self) -> Vec<String> {
        self.wanted().into_iter().map(|(subject, expected)| format!("{subject}: {expected}")).collect()
    }

    /// Every expectation, in the order of the findings: subject and what is expected.
    fn wanted(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let mut add = |subject: &str, expected: String| all.push((subject.to_owned(), expected));
        if !self.triggers_only.is_empty() {
            add("triggers", format!("only {}", self.triggers_only.join(", ")));
        }
        if let Some(automatic) = &self.automatic {
            add("runs by itself", format!("only by `{AFTER}`"));
            add("runs by itself", format!("after {}", automatic.words()));
            for (name, value) in automatic.each() {
                add(&format!("without {name} {value}"), "no job runs by itself".to_owned());
            }
        }
        for (name, level) in &self.permissions {
            add(&format!("permission {name}"), format!("{level} in a job"));
        }
        if let Some(input) = &self.nonce_input {
            add(&format!("input {input}"), "stands in `run-name`".to_owned());
        }
        all
    }

    /// One finding an expectation.
    pub fn judge(&self, text: &str) -> Vec<Finding> {
        let wanted = self.wanted();
        if text.trim().is_empty() {
            let empty = |(subject, expected)| Finding::held(subject, expected, "an empty file", false);
            return wanted.into_iter().map(empty).collect();
        }
        let read = read(text);
        let file = match read.as_ref().map_err(Clone::clone).and_then(File::of) {
            Ok(file) => file,
            Err(why) => {
                let unknown = |(subject, expected)| Finding::unknown(subject, expected, why.clone());
                return wanted.into_iter().map(unknown).collect();
            }
        };
        let mut seen = self.seen(&file).into_iter();
        let finding = |(subject, expected): (String, String)| {
            let (verdict, seen) = seen.next().unwrap_or((Verdict::Unknown, "not looked at".to_owned()));
            Finding { verdict, ..Finding::unknown(subject, expected, seen) }
        };
        wanted.into_iter().map(finding).collect()
    }

    /// What was seen of each of [`Self::wanted`].
    fn seen(&self, file: &File<'_>) -> Vec<(Verdict, String)> {
        let mut all = Vec::new();
        let held = |holds: bool, seen: String| (if holds { Verdict::Pass } else { Verdict::Fail }, seen);
        let triggers: Vec<&str> = file.triggers.keys().copied().collect();
        if !self.triggers_only.is_empty() {
            let only = triggers.iter().all(|there| self.triggers_only.iter().any(|known| known == there));
            all.push(held(only && !triggers.is_empty(), listed(&triggers)));
        }
        if let Some(automatic) = &self.automatic {
            let others: Vec<&str> =
                triggers.iter().copied().filter(|name| *name != AFTER && !ASKED_FOR.contains(name)).collect();
            all.push(match (others.is_empty(), triggers.contains(&AFTER)) {
                (false, _) => held(false, format!("also by {}", others.join(", "))),
                (true, true) => held(true, listed(&triggers)),
                (true, false) => held(false, format!("`{AFTER}` is no trigger: {}", listed(&triggers))),
            });
            all.push(automatic.right(file));
            all.extend(automatic.each().into_iter().map(|(name, _)| automatic.wrong(name, file)));
        }
        all.extend(self.permissions.iter().map(|(name, level)| file.permits(name, level)));
        all.extend(self.nonce_input.iter().map(|input| file.names_run_by(input)));
        all
    }
}

impl Automatic {
    fn each(&self) -> Vec<(&'static str, &str)> {
        let each = [("conclusion", &self.conclusion), ("branch", &self.branch), ("event", &self.event)];
        each.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }

    fn words(&self) -> String {
        let each = self.each().into_iter().map(|(name, value)| format!("{name} {value}"));
        each.collect::<Vec<_>>().join(", ")
    }

    /// A run before it that is as it must be; what the plan does not say is as it is most often.
    fn case(&self) -> Case<'_> {
        Case {
            conclusion: self.conclusion.as_deref().unwrap_or("success"),
            branch: self.branch.as_deref().unwrap_or("main"),
            event: self.event.as_deref().unwrap_or("push"),
        }
    }

    fn right(&self, file: &File<'_>) -> (Verdict, String) {
        let running = file.running(self.case());
        if !file.triggers.contains_key(AFTER) {
            return (Verdict::Fail, format!("`{AFTER}` is no trigger"));
        }
        let sure = || running.iter().filter(|(_, runs)| *runs == Some(true));
        match (sure().next(), running.iter().all(|(_, runs)| *runs == Some(false))) {
            (Some(_), _) => (Verdict::Pass, jobs(sure())),
            (None, true) => (Verdict::Fail, "no job would run".to_owned()),
            (None, false) => {
                let unclear = running.iter().filter(|(_, runs)| runs.is_none());
                (Verdict::Unknown, format!("not to be told from its `if`: {}", jobs(unclear)))
            }
        }
    }

    /// Whether no job runs where `name` is another than it must be.
    fn wrong(&self, name: &str, file: &File<'_>) -> (Verdict, String) {
        let right = self.case();
        // A conclusion that is none at all, and those that are.
        let cases: Vec<Case<'_>> = match name {
            "conclusion" => ["failure", "cancelled", "skipped", "timed_out", OTHER]
                .into_iter()
                .filter(|other| *other != right.conclusion)
                .map(|conclusion| Case { conclusion, ..right })
                .collect(),
            "branch" => vec![Case { branch: OTHER, ..right }],
            _ => ["pull_request", "schedule", "workflow_dispatch", OTHER]
                .into_iter()
                .filter(|other| *other != right.event)
                .map(|event| Case { event, ..right })
                .collect(),
        };
        if !file.triggers.contains_key(AFTER) {
            return (Verdict::Fail, format!("`{AFTER}` is no trigger"));
        }
        let mut open = None;
        for case in cases {
            let running = file.running(case);
            let sure = || running.iter().filter(|(_, runs)| *runs == Some(true));
            let value = match name {
                "conclusion" => case.conclusion,
                "branch" => "another branch",
                _ => case.event,
            };
            let value = if value == OTHER { "another" } else { value };
            if sure().next().is_some() {
                return (Verdict::Fail, format!("runs with {value}: {}", jobs(sure())));
            }
            let unclear = || running.iter().filter(|(_, runs)| runs.is_none());
            if unclear().next().is_some() {
                open = open.or_else(|| Some(format!("not to be told from its `if`: {}", jobs(unclear()))));
            }
        }
        match open {
            Some(open) => (Verdict::Unknown, open),
            None => (Verdict::Pass, "no job".to_owned()),
        }
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "no trigger".to_owned() } else { names.join(", ") }
}

fn jobs<'a>(running: impl Iterator<Item = &'a (&'a str, Option<bool>)>) -> String {
    let names: Vec<String> = running.map(|(name, _)| format!("job `{name}`")).collect();
    names.join(", ")
}

/// A workflow file, as far as it is looked at.
struct File<'a> {
    triggers: BTreeMap<&'a str, Option<&'a Node>>,
    permissions: Option<&'a Node>,
    jobs: Vec<(&'a str, &'a Node)>,
    run_name: Option<&'a str>,
}

impl<'a> File<'a> {
    fn of(file: &'a Node) -> Result<Self, String> {
        let Node::Map(_) = file else { return Err("no workflow: its top is no table".to_owned()) };
        let on = file.get("on").ok_or("no workflow: it has no `on`")?;
        let triggers = match on {
            Node::Map(entries) => entries.iter().map(|(name, node)| (name.as_str(), Some(node))).collect(),
            other => other.names().into_iter().map(|name| (name, None)).collect(),
        };
        let jobs = match file.get("jobs") {
            Some(Node::Map(jobs)) if !jobs.is_empty() => jobs.iter().map(|(name, job)| (name.as_str(), job)).collect(),
            _ => return Err("no workflow: it has no `jobs`".to_owned()),
        };
        let run_name = file.get("run-name").and_then(Node::text);
        Ok(Self { triggers, permissions: file.get("permissions"), jobs, run_name })
    }

    /// For each job whether it runs after a run like `case`; none where that cannot be told.
    fn running(&self, case: Case<'_>) -> Vec<(&'a str, Option<bool>)> {
        let let_in = self.lets_in(case.branch);
        let all = self.jobs.iter().map(|(name, _)| {
            let runs = match let_in {
                Some(false) => Some(false),
                let_in => both(let_in, self.job_runs(name, case, self.jobs.len())),
            };
            (*name, runs)
        });
        all.collect()
    }

    /// Whether the trigger's own filter of branches lets `branch` in.
    fn lets_in(&self, branch: &str) -> Option<bool> {
        let Some(Some(trigger)) = self.triggers.get(AFTER) else { return Some(true) };
        let Some(patterns) = trigger.get("branches") else { return Some(true) };
        let names = patterns.names();
        if names.contains(&branch) {
            return Some(true);
        }
        let open = names.iter().any(|name| name.contains(['*', '?', '+', '[', '!']));
        if open { None } else { Some(false) }
    }

    fn job_runs(&self, name: &str, case: Case<'_>, depth: usize) -> Option<bool> {
        let (_, job) = self.jobs.iter().find(|(known, _)| *known == name)?;
        let text = job.get("if").and_then(Node::text);
        let own = text.map_or(Some(true), |text| lets_run(text, case));
        if own == Some(false) {
            return own;
        }
        // One that waits for a job which does not run is skipped with it, unless it asks for its own word.
        let needs = job.get("needs").map(Node::names).unwrap_or_default();
        if needs.is_empty() {
            return own;
        }
        if depth == 0 || text.is_some_and(asks_status) {
            return None;
        }
        needs.into_iter().fold(own, |runs, need| both(runs, self.job_runs(need, case, depth - 1)))
    }

    fn permits(&self, name: &str, level: &str) -> (Verdict, String) {
        let mut told = Vec::new();
        let mut by_default = false;
        for (job, node) in &self.jobs {
            let Some(permissions) = node.get("permissions").or(self.permissions) else {
                by_default = true;
                continue;
            };
            let has = match permissions {
                Node::Scalar(all) if all == "write-all" => "write",
                Node::Scalar(all) if all == "read-all" => "read",
                other => other.get(name).and_then(Node::text).unwrap_or("none"),
            };
            if has == level || has == "write" && level == "read" {
                return (Verdict::Pass, format!("{has} in job `{job}`"));
            }
            told.push(format!("{has} in job `{job}`"));
        }
        match by_default {
            true => (Verdict::Unknown, "not written: the repository's default applies".to_owned()),
            false => (Verdict::Fail, told.join(", ")),
        }
    }

    fn names_run_by(&self, input: &str) -> (Verdict, String) {
        let dispatch = self.triggers.get("workflow_dispatch").copied().flatten();
        let known = dispatch.and_then(|on| on.get("inputs")).is_some_and(|inputs| inputs.get(input).is_some());
        let Some(name) = self.run_name else { return (Verdict::Fail, "no `run-name`".to_owned()) };
        let paths = [format!("inputs.{input}"), format!("github.event.inputs.{input}")];
        match (known, paths.iter().any(|path| name.contains(path.as_str()))) {
            (true, true) => (Verdict::Pass, name.to_owned()),
            (false, _) => (Verdict::Fail, "no such input of `workflow_dispatch`".to_owned()),
            (true, false) => (Verdict::Fail, name.to_owned()),
        }
    }
}

fn both(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// A file that is as expected.
pub(crate) fn example(audit: &Audit) -> String {
    let mut text = String::new();
    if let Some(input) = &audit.nonce_input {
        text.push_str(&format!("run-name: release ${{{{ inputs.{input} }}}}\n"));
    }
    text.push_str("on:\n");
    let mut triggers: Vec<&str> = audit.triggers_only.iter().map(String::as_str).collect();
    let mut also = |name: &'static str, wanted: bool| {
        if wanted && !triggers.contains(&name) {
            triggers.push(name);
        }
    };
    also(AFTER, audit.automatic.is_some());
    also("workflow_dispatch", audit.nonce_input.is_some() || audit.triggers_only.is_empty());
    for name in triggers {
        match (name, &audit.nonce_input) {
            (AFTER, _) => text.push_str("  workflow_run: { workflows: [CI], types: [completed] }\n"),
            ("workflow_dispatch", Some(input)) => {
                text.push_str(&format!("  workflow_dispatch: {{ inputs: {{ {input}: {{ type: string }} }} }}\n"));
            }
            (name, _) => text.push_str(&format!("  {name}:\n")),
        }
    }
    let permissions = audit.permissions.iter().map(|(name, level)| format!("{name}: {level}"));
    let permissions = permissions.collect::<Vec<_>>().join(", ");
    text.push_str(&format!("permissions: {{ {permissions} }}\njobs:\n  release:\n    runs-on: ubuntu-latest\n"));
    if let Some(automatic) = &audit.automatic {
        let paths = [("conclusion", "conclusion"), ("branch", "head_branch"), ("event", "event")];
        let path = |name: &str| paths.into_iter().find(|(known, _)| *known == name).map_or("", |(_, path)| path);
        let each = automatic.each().into_iter();
        let guard = each.map(|(name, value)| format!("github.event.workflow_run.{} == '{value}'", path(name)));
        let guard = guard.collect::<Vec<_>>().join(" && ");
        text.push_str(&format!("    if: github.event_name == 'workflow_dispatch' || ({guard})\n"));
    }
    text.push_str("    steps: [{ run: make release }]\n");
    text
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
