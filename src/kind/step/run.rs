//! The `run` step: a command as arguments, or a script for bash, under the shim.

use super::{Command, Exposed, How, Step};
use crate::base::table::Table;
use crate::base::template::{Scope, Unbound};
use crate::kind::Kind;
use crate::kind::invocation::{Invocation, read_exits};
use crate::launch::verdict::Verdict;

#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    invocation: Invocation,
    exits: Vec<(i32, Verdict)>,
}

impl Step for Run {
    const KIND: Kind = Kind {
        name: "run",
        family: "step",
        line: "runs a command (`command = [..]`, or a bash script as `shell`) under the shim; \
               exit 0 passes, others fail unless `exit` maps them",
        example: "command = [\"bash\", \"scripts/deploy.sh\", \"--wait\"]\n\
                  cwd = \"deploy\"\n\
                  env = { REGION = \"eu-central-1\" }\n\
                  exit = { 2 = \"warn\" }\n",
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        let invocation = Invocation::read(table);
        let exits = read_exits(table);
        Some(Self { invocation: invocation?, exits })
    }

    fn expects(&self, scope: &Scope) -> Vec<String> {
        let mapped = self.exits.iter().filter(|(code, _)| *code != 0);
        let zero = self.exits.iter().find(|(code, _)| *code == 0).map_or(Verdict::Pass, |(_, verdict)| *verdict);
        let zero = match zero {
            Verdict::Pass => "exit 0".to_owned(),
            other => format!("exit 0 is {other}"),
        };
        let runs = format!("runs: {}", self.invocation.open(scope));
        [runs, zero].into_iter().chain(mapped.map(|(code, verdict)| format!("exit {code} is {verdict}"))).collect()
    }

    fn how(&self, scope: &Scope) -> Result<How, Unbound> {
        self.command(scope).map(How::Command)
    }

    fn exits(&self) -> &[(i32, Verdict)] {
        &self.exits
    }

    fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        self.invocation.exposed(scope)
    }
}

impl Run {
    /// The command with the values of `scope` in it.
    ///
    /// # Errors
    /// As those of [`Invocation::command`].
    pub fn command(&self, scope: &Scope) -> Result<Command, Unbound> {
        self.invocation.command(scope)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use toml::de::DeTable;

    use super::*;
    use crate::base::source::Diagnostic;
    use crate::base::table::Notes;

    fn read(text: &str) -> (Option<Run>, Vec<Diagnostic>) {
        let (parsed, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty(), "{errors:?}");
        let notes = Notes::default();
        let table = Table::new("[run]", parsed.span().into(), parsed.get_ref(), &notes);
        let run = Run::read(&table);
        table.finish();
        (run, notes.take_diagnostics())
    }

    fn sound(text: &str) -> Run {
        let (run, found) = read(text);
        assert!(found.is_empty(), "{found:?}");
        run.expect("a step")
    }

    fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.bind("version", json!("1.4.1"));
        scope.bind_secret("token", json!("hunter22"));
        scope
    }

    #[test]
    fn values_reach_arguments_environment_and_input() {
        let run = sound(
            "command = ['deploy', '{{ version }}']\ncwd = 'x'\nenv = { TOKEN = '{{ token }}' }\nstdin = '{{ token }}'",
        );
        let command = run.command(&scope()).expect("bound");
        assert_eq!(command.argv, ["deploy", "1.4.1"]);
        assert_eq!(command.cwd.as_deref(), Some("x"));
        assert_eq!(command.env, [("TOKEN".to_owned(), "hunter22".to_owned())]);
        assert_eq!(command.stdin.as_deref(), Some("hunter22"));
        assert!(run.exposed(&scope()).is_empty());
        assert_eq!(run.command(&Scope::default()), Err(Unbound("version".into())));
    }

    #[test]
    fn a_secret_never_gets_into_the_arguments() {
        let text = "command = ['deploy', '--token={{ token }}']";
        let run = sound(text);
        assert_eq!(run.command(&scope()), Err(Unbound("token".into())));
        let spans: Vec<_> = run.exposed(&scope()).iter().map(|found| &text[found.span.start..found.span.end]).collect();
        assert_eq!(spans, ["'--token={{ token }}'"]);
    }

    #[test]
    fn a_secret_is_in_sight_by_its_value_too() {
        let mut scope = scope();
        scope.bind("same", json!("hunter22"));
        for text in [
            "command = ['deploy', '--token={{ same }}']",
            "command = ['deploy', '--token=hunter22']",
            "shell = 'deploy --token=hunter22'",
            "command = ['deploy']\ncwd = '/x/{{ same }}'",
        ] {
            assert_eq!(sound(text).exposed(&scope).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_script_stops_at_its_first_failure_and_takes_no_values() {
        let run = sound(r#"shell = "make | tee log\nmake install""#);
        let argv = run.command(&scope()).expect("bound").argv;
        assert_eq!(argv, ["bash", "-e", "-o", "pipefail", "-c", "make | tee log\nmake install"]);
        let (run, found) = read("shell = 'deploy {{ version }}'");
        assert!(run.is_none());
        assert_eq!(found[0].code, "value-in-script");
    }

    #[test]
    fn exit_codes_are_mapped_and_said_in_words() {
        let run = sound("command = 'x'\nexit = { 2 = 'warn', 0 = 'skipped' }");
        assert_eq!(run.expects(&scope())[1..], ["exit 0 is skipped", "exit 2 is warn"]);
        assert_eq!(sound("command = 'x'").expects(&scope()), ["runs: x", "exit 0"]);
        let told = sound("command = ['deploy', '{{ version }}', '{{ token }}', '{{ later }}']").expects(&scope());
        assert_eq!(told[0], "runs: deploy 1.4.1 {{ token }} {{ later }}");
    }

    #[test]
    fn every_mistake_is_reported_at_its_place() {
        for (text, code, at) in [
            ("cwd = 'x'", "missing-key", ""),
            ("command = []", "missing-key", ""),
            ("command = 'x'\nshell = 'y'", "wrong-value", "'y'"),
            ("command = 'x'\nexit = { 2 = 'wran' }", "wrong-value", "'wran'"),
            ("command = 'x'\nexit = { 2 = 3 }", "wrong-value", "3"),
            ("command = 'x'\nexit = { 300 = 'warn' }", "wrong-value", "300"),
            ("command = 'x'\nenv = { 'A=B' = 'c' }", "wrong-value", "'A=B'"),
            ("command = 'x'\nenvironment = {}", "unknown-key", "environment"),
        ] {
            let (_, found) = read(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].code, &text[found[0].span.start..found[0].span.end]), (code, at), "{text}");
        }
    }

    #[test]
    fn the_example_of_the_kind_is_sound() {
        sound(Run::KIND.example);
    }

    proptest! {
        #[test]
        fn no_table_panics(text in "(command|shell|exit|env|cwd|stdin) = (\\['?[a-z{} ]*'?\\]|'[a-z{} ]*'|\\{ [0-9a-z]{1,4} = '[a-z]*' \\}|[0-9])") {
            let (parsed, errors) = DeTable::parse_recoverable(&text);
            if errors.is_empty() {
                let notes = Notes::default();
                let _ = Run::read(&Table::new("[run]", parsed.span().into(), parsed.get_ref(), &notes));
            }
        }
    }
}
