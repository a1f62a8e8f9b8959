//! What says of itself that it skipped something: a passing report with `skipped: true` at a place the plan
//! names is skipped, not pass (rules.md, "Verdicts"). It makes nothing better: what fails, fails.

use serde_json::Value;

use super::program;
use crate::base::jq::{Jq, Program, Said};
use crate::base::table::Table;
use crate::base::template::Scope;
use crate::launch::verdict::{Finding, Verdict};

/// Reads `skipped`: a jq program, or a list of them.
#[must_use]
pub fn read(table: &Table<'_>) -> Vec<Program> {
    table.texts("skipped").iter().filter_map(|text| program(table, &text.value, text.span)).collect()
}

/// Where a good answer says that nothing was skipped, for derived examples.
///
/// # Errors
/// Which program is more than a plain path.
pub fn derived(programs: &[Program]) -> Result<Vec<(Vec<Value>, Value)>, String> {
    let place = |program: &Program| match (program.is_bare(), program.paths().as_slice()) {
        (true, [path]) => Ok((path.clone(), Value::Bool(false))),
        _ => Err(format!("`{}` is more than a plain path: write an example", program.text)),
    };
    programs.iter().map(place).collect()
}

/// One finding a program: skipped where it comes to `true`. A bare path may be absent or null: then nothing
/// was skipped. `Err`: why there is no document.
pub async fn judge(programs: &[Program], document: Result<&Value, &str>, scope: &Scope, jq: &Jq) -> Vec<Finding> {
    let mut findings = Vec::new();
    for program in programs {
        findings.push(match document {
            Ok(document) => one(program, document, scope, jq).await,
            Err(why) => Finding::unknown(&program.text, EXPECTED, why),
        });
    }
    findings
}

const EXPECTED: &str = "nothing skipped";

async fn one(program: &Program, document: &Value, scope: &Scope, jq: &Jq) -> Finding {
    if program.is_bare()
        && let [path] = program.paths().as_slice()
        && let None | Some(Value::Null) = at(document, path)
    {
        return Finding::held(&program.text, EXPECTED, "not said", true);
    }
    match jq.holds(program, document, scope).await {
        Said::True => {
            Finding { verdict: Verdict::Skipped, ..Finding::held(&program.text, EXPECTED, "said to be skipped", false) }
        }
        Said::False { .. } => Finding::held(&program.text, EXPECTED, "false", true),
        Said::Unknown { why } => Finding::unknown(&program.text, EXPECTED, why),
    }
}

fn at<'a>(document: &'a Value, path: &[Value]) -> Option<&'a Value> {
    path.iter().try_fold(document, |value, step| match step {
        Value::String(key) => value.get(key),
        index => value.get(usize::try_from(index.as_u64()?).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn verdict(program: &str, document: Result<&Value, &str>) -> Verdict {
        let programs = [Program::parse(program).expect("a program")];
        judge(&programs, document, &Scope::default(), &Jq::default()).await[0].verdict
    }

    #[tokio::test]
    async fn only_true_is_skipped_and_what_is_neither_true_nor_false_is_unknown() {
        let path = ".checks.egress.skipped";
        for (document, wanted) in [
            (json!({ "checks": { "egress": { "pass": true, "skipped": true } } }), Verdict::Skipped),
            (json!({ "checks": { "egress": { "pass": true, "skipped": false } } }), Verdict::Pass),
            (json!({ "checks": { "egress": { "pass": true, "skipped": null } } }), Verdict::Pass),
            (json!({ "checks": { "egress": { "pass": true } } }), Verdict::Pass),
            (json!({}), Verdict::Pass),
            (json!({ "checks": { "egress": { "skipped": "yes" } } }), Verdict::Unknown),
            (json!({ "checks": { "egress": { "skipped": 1 } } }), Verdict::Unknown),
        ] {
            assert_eq!(verdict(path, Ok(&document)).await, wanted, "{document}");
        }
        assert_eq!(verdict(path, Err("no JSON")).await, Verdict::Unknown);
    }
}
