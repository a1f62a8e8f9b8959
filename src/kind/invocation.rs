//! A program as the plan writes it: arguments, or a script for bash. What a step runs and what a check runs
//! is read here alike. Values of the plan go into arguments or the environment, never into a script's text;
//! secrets go into the environment or standard input only. It starts nothing.

use std::path::Path;

use toml::de::DeValue;

use crate::base::proc::Program;
use crate::base::secret::Redactor;
use crate::base::source::{Diagnostic, Span, nearest};
use crate::base::table::{Placed, Table};
use crate::base::template::{Scope, Template, Unbound};
use crate::launch::verdict::Verdict;

/// What `shell` runs under: a script stops at its first command that fails, also inside a pipe.
const SHELL: [&str; 5] = ["bash", "-e", "-o", "pipefail", "-c"];

/// `command` or `shell`, with `cwd`, `env` and `stdin`.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    argv: Vec<Template>,
    cwd: Option<Template>,
    env: Vec<(String, Template)>,
    stdin: Option<Template>,
}

/// A command ready to be started. Secrets are in `env` or `stdin`, never in `argv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub argv: Vec<String>,
    pub cwd: Option<String>,
    pub env: Vec<(String, String)>,
    pub stdin: Option<String>,
}

/// A place where a secret would be in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposed {
    /// Of the text that holds it; empty for a script.
    pub span: Span,
    /// The secret stands there by its name; else by its value alone: a variable may be set to the same, or
    /// someone wrote it down.
    pub by_name: bool,
}

impl Invocation {
    /// Reads `command` or `shell`, `cwd`, `env`, `stdin`; reports every mistake to the table's notes.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let stdin = table.template("stdin");
        Some(Self { stdin, ..Self::without_input(table)? })
    }

    /// The same for a program that is given nothing to read.
    #[must_use]
    pub fn without_input(table: &Table<'_>) -> Option<Self> {
        let argv = read_argv(table);
        let cwd = table.template("cwd");
        let env = table.named_templates("env");
        for (name, _) in &env {
            if name.value.is_empty() || name.value.contains(['=', '\0']) {
                table.wrong_value(name.span, format!("`{}` cannot be a variable's name", name.value));
            }
        }
        let env = env.into_iter().map(|(name, value)| (name.value, value)).collect();
        Some(Self { argv: argv?, cwd, env, stdin: None })
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

    /// What every `ps` shows: the arguments and the folder.
    pub fn in_sight(&self) -> impl Iterator<Item = &Template> {
        self.argv.iter().chain(&self.cwd)
    }

    /// Places where a secret of `scope` would be in sight of `ps`.
    #[must_use]
    pub fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        exposed(self.in_sight(), scope)
    }

    /// Every argument as the plan writes it, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        self.argv.iter().map(Template::written).collect::<Vec<_>>().join(" ")
    }

    /// As the plan writes it, in one line; of a script its text alone.
    #[must_use]
    pub fn written(&self) -> String {
        self.words(Template::written)
    }

    /// The same with the values of `scope` that may be seen.
    #[must_use]
    pub fn open(&self, scope: &Scope) -> String {
        self.words(|template| template.open(scope))
    }

    fn words(&self, text: impl Fn(&Template) -> String) -> String {
        let scripted = SHELL.iter().zip(&self.argv).all(|(word, template)| *word == template.written());
        let from = if scripted && self.argv.len() > SHELL.len() { SHELL.len() } else { 0 };
        let words = self.argv.iter().skip(from).map(text).collect::<Vec<_>>().join(" ");
        // Two commands are never read as one.
        let lines = words.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
        lines.collect::<Vec<_>>().join(" ⏎ ")
    }
}

impl Command {
    /// What is run for a look; `base` is the plan's own folder, which `cwd` is relative to.
    #[must_use]
    pub fn program(self, base: &Path) -> Program {
        let Self { argv, cwd, env, stdin } = self;
        let cwd = Some(cwd.map_or_else(|| base.to_owned(), |cwd| base.join(cwd)));
        Program { argv, cwd, env, stdin }
    }
}

/// Those of `in_sight` that would show a secret of `scope`, by its name or by its value.
#[must_use]
pub fn exposed<'a>(in_sight: impl IntoIterator<Item = &'a Template>, scope: &Scope) -> Vec<Exposed> {
    let open = scope.without_secrets();
    let secrets: Vec<String> = scope.secrets().filter(|secret| Redactor::check(secret).is_ok()).collect();
    let exposed = in_sight.into_iter().filter_map(|template| {
        let by_name = template.is_secret(scope);
        let text = template.text(&open).unwrap_or_default();
        let by_value = secrets.iter().any(|secret| text.contains(secret.as_str()));
        (by_name || by_value).then_some(Exposed { span: template.span, by_name })
    });
    exposed.collect()
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

/// Reads `exit`: what codes mean, as the plan maps them.
#[must_use]
pub fn read_exits(table: &Table<'_>) -> Vec<(i32, Verdict)> {
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
