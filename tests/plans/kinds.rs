//! The example of every kind, tried as `tminus check` tries it: nothing of it is vacuous.

use tminus::plan::kinds;

use super::checked;

/// What an example may name.
const AROUND: &str = r#"
[vars]
api = "https://api.example.com"
[target.staging]
vars = { api = "https://staging.example.com" }
[roles.scribe]
title = "Scribe"
[[monitor]]
id = "api"
every = "1s"
http = { get = "{{ api }}/health" }
[[rollback]]
id = "frontend"
key = "1"
step = [{ id = "redeploy", class = "idempotent", run = { command = ["true"] } }]
verify = [{ id = "served", http = { get = "{{ api }}/version", expect = { json = ['.version == "v0"'] } } }]
"#;

/// What a soak stands on; nothing else does.
const OBJECTIVE: &str = r#"
[[objective]]
id = "errors"
signal = "monitor.api"
that = "error_rate <= 5%"
window = "30s"
min_samples = 20
"#;

#[tokio::test]
async fn the_example_of_each_kind_says_nothing_that_cannot_fail() {
    for kind in kinds::all() {
        let objective = if kind.name == "soak" { OBJECTIVE } else { "" };
        let class = if kind.family == "step" { "class = \"once\"\n" } else { "" };
        let text = format!(
            "[plan]\nschema = 1\nid = \"x\"\ntitle = \"X\"\n[[phase]]\nid = \"p\"\nat = \"T-1h\"\n[[phase.item]]\nid = \
             \"i\"\n{class}[phase.item.{}]\n{}\n{AROUND}{objective}",
            kind.name, kind.example
        );
        let (_, _, found) = checked(&text).await;
        // One whose good answer does not follow from it is not tried: its plan writes an example.
        let lines = found.lines().filter(|line| line.starts_with("error[") || line.starts_with("warning["));
        let other: Vec<_> = lines.filter(|line| !line.starts_with("warning[no-example]")).collect();
        assert!(other.is_empty(), "{}: {found}", kind.name);
    }
}
