//! What the audit promises, on workflow files written by hand.

use super::*;
use Verdict::{Fail, Pass, Unknown};

fn audit() -> Audit {
    Audit {
        triggers_only: vec!["workflow_dispatch".into(), "workflow_run".into()],
        automatic: Some(Automatic {
            conclusion: Some("success".into()),
            branch: Some("main".into()),
            event: Some("push".into()),
        }),
        permissions: vec![("contents".into(), "write".into())],
        nonce_input: Some("launch_nonce".into()),
    }
}

/// Verdicts in the order of the findings: triggers, only by, after, conclusion, branch, event, permission, input.
fn verdicts(text: &str) -> Vec<Verdict> {
    audit().judge(text).iter().map(|finding| finding.verdict).collect()
}

const HEAD: &str = "run-name: release ${{ inputs.launch_nonce }}\npermissions: { contents: write }\n";
const DISPATCH: &str = "  workflow_dispatch: { inputs: { launch_nonce: { type: string } } }\n";
const GUARD: &str = "github.event.workflow_run.conclusion == 'success' && github.event.workflow_run.event == 'push'";

fn file(after: &str, jobs: &str) -> String {
    format!("{HEAD}on:\n{DISPATCH}  workflow_run: {after}\njobs:\n{jobs}")
}

#[test]
fn the_made_up_file_is_as_expected() {
    assert_eq!(verdicts(&example(&audit())), [Pass; 8]);
}

#[test]
fn a_guard_by_filter_and_expression_is_understood() {
    let jobs = format!("  gate:\n    if: {GUARD}\n    steps: []\n  tag:\n    needs: [gate]\n    steps: []\n");
    assert_eq!(verdicts(&file("{ workflows: [CI], branches: [main] }", &jobs)), [Pass; 8]);
    let open = verdicts(&file("{ workflows: [CI] }", &jobs));
    assert_eq!(open, [Pass, Pass, Pass, Pass, Fail, Pass, Pass, Pass]);
    let wild = verdicts(&file("{ workflows: [CI], branches: ['ma*'] }", &jobs));
    // What the filter lets through is not told: neither that it runs, nor that it runs where it must not.
    assert_eq!(wild, [Pass, Pass, Unknown, Pass, Unknown, Pass, Pass, Pass]);
}

#[test]
fn a_job_that_asks_for_its_own_word_is_not_guarded_by_what_it_needs() {
    let jobs = format!("  gate:\n    if: {GUARD}\n  tag:\n    needs: gate\n    if: always()\n");
    let seen = verdicts(&file("{ workflows: [CI], branches: [main] }", &jobs));
    assert_eq!((seen[3], seen[4], seen[5]), (Unknown, Pass, Unknown));
}

#[test]
fn a_workflow_that_runs_by_itself_wrongly_fails() {
    let bare = "  tag:\n    steps: []\n";
    assert_eq!(verdicts(&file("{ workflows: [CI] }", bare))[3..6], [Fail, Fail, Fail]);
    // A text around the expression: always true.
    let text = "  tag:\n    if: ${{ github.event.workflow_run.conclusion }} == 'success'\n";
    assert_eq!(verdicts(&file("{ workflows: [CI] }", text))[3], Fail);
    let tags = format!("{HEAD}on:\n{DISPATCH}  push: {{ tags: ['v*'] }}\njobs:\n{bare}");
    assert_eq!(verdicts(&tags)[..3], [Fail, Fail, Fail]);
    let negated = "  tag:\n    if: github.event.workflow_run.conclusion != 'failure'\n";
    assert_eq!(verdicts(&file("{ workflows: [CI] }", negated))[3], Fail);
}

#[test]
fn what_cannot_be_read_is_unknown_and_what_is_empty_fails() {
    assert!(verdicts("").iter().all(|verdict| *verdict == Fail));
    for text in ["on: [", "on: push\non: push\njobs: { a: {} }", "[a]", "jobs: { a: {} }", "on: push"] {
        assert!(verdicts(text).iter().all(|verdict| *verdict == Unknown), "{text}");
    }
}

#[test]
fn permissions_are_the_jobs_own_or_the_files() {
    let permits = |text: &str| {
        let audit = Audit { permissions: vec![("contents".into(), "write".into())], ..Audit::default() };
        audit.judge(&format!("on: workflow_dispatch\n{text}"))[0].verdict
    };
    assert_eq!(permits("permissions: write-all\njobs: { a: {} }"), Pass);
    assert_eq!(permits("permissions: { contents: read }\njobs: { a: { permissions: { contents: write } } }"), Pass);
    assert_eq!(permits("permissions: { contents: write }\njobs: { a: { permissions: { issues: write } } }"), Fail);
    assert_eq!(permits("permissions: read-all\njobs: { a: {} }"), Fail);
    assert_eq!(permits("jobs: { a: {} }"), Unknown);
}

#[test]
fn the_nonce_stands_in_the_runs_name() {
    let shown = |text: &str| {
        let audit = Audit { nonce_input: Some("nonce".into()), ..Audit::default() };
        audit.judge(&format!("{text}\njobs: {{ a: {{}} }}"))[0].verdict
    };
    let on = "on: { workflow_dispatch: { inputs: { nonce: {} } } }";
    assert_eq!(shown(&format!("run-name: x ${{{{ inputs.nonce }}}}\n{on}")), Pass);
    assert_eq!(shown(on), Fail);
    assert_eq!(shown(&format!("run-name: x\n{on}")), Fail);
    assert_eq!(shown("run-name: x ${{ inputs.nonce }}\non: workflow_dispatch"), Fail);
}
