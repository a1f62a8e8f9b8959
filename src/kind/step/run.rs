//! The `run` step: a command as arguments, or a script for bash. Values of the plan go into arguments or
//! the environment, never into a script's text; secrets go into the environment or standard input only.

use super::{Command, Exposed, How, Step};
use crate::base::secret::Redactor;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template, Unbound};
use crate::kind::Kind;
use crate::launch::verdict::Verdict;

use toml::de::DeValue;

/// What `shell` runs under: a script stops at its first command that fails, also inside a pipe.
const SHELL: [&str; 5] = ["bash", "-e", "-o", "pipefail", "-c"];

#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    argv: Vec<Template>,
    cwd: Option<Template>,
    env: Vec<(String, Template)>,
    stdin: Option<Template>,
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
        let program = Self::program(table);
        let (stdin, exits) = (table.template("stdin"), read_exits(table));
        Some(Self { stdin, exits, ..program? })
    }

    fn expects(&self, _scope: &Scope) -> Vec<String> {
        let mapped = self.exits.iter().filter(|(code, _)| *code != 0);
        let zero = self.exits.iter().find(|(code, _)| *code == 0).map_or(Verdict::Pass, |(_, verdict)| *verdict);
        let zero = match zero {
            Verdict::Pass => "exit 0".to_owned(),
            other => format!("exit 0 is {other}"),
        };
        std::iter::once(zero).chain(mapped.map(|(code, verdict)| format!("exit {code} is {verdict}"))).collect()
    }

    fn how(&self, scope: &Scope) -> Result<How, Unbound> {
        self.command(scope).map(How::Command)
    }

    fn exits(&self) -> &[(i32, Verdict)] {
        &self.exits
    }

    fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        let open = scope.without_secrets();
        let secrets: Vec<String> = scope.secrets().filter(|secret| Redactor::check(secret).is_ok()).collect();
        let in_sight = self.argv.iter().chain(&self.cwd);
        let exposed = in_sight.filter_map(|template| {
            let by_name = template.is_secret(scope);
            let text = template.text(&open).unwrap_or_default();
            let by_value = secrets.iter().any(|secret| text.contains(secret.as_str()));
            (by_name || by_value).then_some(Exposed { span: template.span, by_name })
        });
        exposed.collect()
    }
}

impl Run {
    /// What names the program: its arguments, its folder, its environment.
    #[must_use]
    pub fn program(table: &Table<'_>) -> Option<Self> {
        let argv = read_argv(table);
        let cwd = table.template("cwd");
        let env = table.named_templates("env");
        for (name, _) in &env {
            if name.value.is_empty() || name.value.contains(['=', '\0']) {
                table.wrong_value(name.span, format!("`{}` cannot be a variable's name", name.value));
            }
        }
        let env = env.into_iter().map(|(name, value)| (name.value, value)).collect();
        Some(Self { argv: argv?, cwd, env, stdin: None, exits: Vec::new() })
    }

    /// The command with the values of `scope` in it.
    ///
    /// # Errors
    /// A name without a value: a secret has none where `ps` would show it.
    pub fn command(&self, scope: &Scope) -> Result<Command, Unbound> {
        // Secrets have no value where `ps` would show it.
        let open = scope.without_secrets();
        let argv = self.argv.iter().map(|template| template.text(&open)).collect::<Result<_, _>>()?;
        let env = |(name, value): &(String, Template)| Ok((name.clone(), value.text(scope)?));
        Ok(Command {
            argv,
            cwd: self.cwd.as_ref().map(|cwd| cwd.text(&open)).transpose()?,
            env: self.env.iter().map(env).collect::<Result<_, _>>()?,
            stdin: self.stdin.as_ref().map(|stdin| stdin.text(scope)).transpose()?,
        })
    }
}

fn read_argv(table: &Table<'_>) -> Option<Vec<Template>> {
    let (command, shell) = (table.has("command"), table.has("shell"));
    let argv = table.templates("command");
    let script = table.text("shell");
    match (command, shell) {
        (false, false) => {
            table.missing("command", "`command = [\"program\", \"argument\"]` or `shell = \"script\"`");
            None
        }
        (true, true) => {
            table.wrong_value(script?.span, "`command` and `shell` exclude each other");
            None
        }
        (true, false) => {
            if argv.is_empty() || argv.first().is_some_and(|program| program.written().is_empty()) {
                table.missing("command", "the program's name");
                return None;
            }
            Some(argv)
        }
        (false, true) => {
            let Placed { value, span } = script?;
            if value.contains("{{") {
                let wrong = Diagnostic::error("value-in-script", span, "a value would become part of a script's text")
                    .label("`shell` takes no `{{ name }}`")
                    .help("put it in the environment: `env = { NAME = \"{{ name }}\" }`, and write \"$NAME\" here");
                table.notes().report(wrong);
                return None;
            }
            Some(SHELL.into_iter().chain([value.as_str()]).map(Template::literal).collect())
        }
    }
}

fn read_exits(table: &Table<'_>) -> Vec<(i32, Verdict)> {
    let Some(map) = table.table("exit") else { return Vec::new() };
    let mut exits = Vec::new();
    for (key, span) in map.keys() {
        let code = key.parse::<i32>().ok().filter(|code| (0..=255).contains(code));
        if code.is_none() {
            map.wrong_value(span, format!("`{key}` is no exit code: they are 0 to 255"));
        }
        let verdict = match map.any(key) {
            Some(Placed { value: DeValue::String(word), span }) => read_verdict(&map, word, span),
            Some(Placed { span, .. }) => read_verdict(&map, "", span),
            None => None,
        };
        exits.extend(code.zip(verdict));
    }
    map.accept_all();
    exits
}

fn read_verdict(table: &Table<'_>, word: &str, span: Span) -> Option<Verdict> {
    let found = Verdict::ALL.into_iter().find(|verdict| verdict.word() == word);
    if found.is_none() {
        let words = || Verdict::ALL.into_iter().map(Verdict::word);
        let wrong = Diagnostic::error("wrong-value", span, format!("`{word}` is no verdict"));
        let near = nearest(word, words()).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
        let known = words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        table.notes().report(wrong.label(near).help(format!("one of {known}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use toml::de::DeTable;

    use super::*;
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
        assert_eq!(run.expects(&scope()), ["exit 0 is skipped", "exit 2 is warn"]);
        assert_eq!(sound("command = 'x'").expects(&scope()), ["exit 0"]);
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
