//! `[secrets]`: where secret values come from, never the values themselves. They may stand in headers,
//! bodies, the environment and standard input of a command, never in its arguments.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;
use toml::de::DeValue;

use super::names::Stands;
use super::reader::{Reader, Unset};
use crate::base::secret::{Redactor, SHORTEST};
use crate::base::source::{Diagnostic, Span};
use crate::base::table::{Placed, Table};
use crate::base::template::Scope;
use crate::base::text::printable;

/// The largest file a secret is read from, in bytes.
const LARGEST_FILE: u64 = 64 << 10;

/// Where a secret comes from, as written.
#[derive(Debug, Clone)]
pub(super) enum Secret {
    Environment(Placed<String>),
    File(Placed<String>),
}

impl<'a> Reader<'a> {
    /// Reads `[secrets]`, and gives each the value it has where this launch is. Stands after the targets.
    pub(super) fn read_secrets(&mut self, root: &Table<'a>) {
        let Some(secrets) = root.table("secrets") else { return };
        let mut scope = std::mem::take(&mut self.scope);
        for (name, span) in secrets.keys() {
            self.names.bind(name, span, Stands::Secret, self.notes);
            let written = self.read_secret(name, &secrets);
            let own = self.secret_at(&self.plan.environment, name).cloned();
            match own.or(written.clone()) {
                Some(secret) => self.bind_secret(name, &secret, &mut scope),
                None => self.bind_stand_in(name, &mut scope),
            }
            self.secrets.extend(written.map(|secret| (name.to_owned(), secret)));
        }
        self.scope = scope;
        secrets.accept_all();
    }

    /// Where the secret `name` of this table comes from.
    pub(super) fn read_secret(&self, name: &'a str, secrets: &Table<'a>) -> Option<Secret> {
        match secrets.any(name)? {
            Placed { value: DeValue::Table(_), .. } => self.source_of(secrets.table_named(name)?),
            Placed { span, .. } => {
                let message = format!("the secret `{name}` stands in the plan: a plan is shown, sent and kept");
                let wrong = Diagnostic::error("literal-secret", span, message);
                let wrong = wrong.help("write `{ env = \"NAME\" }` or `{ file = \"path\" }`, and change this one");
                self.notes.report(wrong);
                None
            }
        }
    }

    fn source_of(&self, table: Table<'a>) -> Option<Secret> {
        let (env, file) = (table.text("env"), table.text("file"));
        if let Some(command) = table.text("command") {
            let message = "a secret from a command is part of the plan format, but this version does not run it";
            self.notes.report(Diagnostic::error("not-built-yet", command.span, message));
            return None;
        }
        let (span, path) = (table.span, table.path.clone());
        table.finish();
        match (env, file) {
            (Some(env), None) => Some(Secret::Environment(env)),
            (None, Some(file)) => Some(Secret::File(file)),
            _ => {
                let message = format!("{path} needs `env` or `file`, one of them");
                self.notes.report(Diagnostic::error("missing-key", span, message));
                None
            }
        }
    }

    pub(super) fn bind_secret(&mut self, name: &str, secret: &Secret, scope: &mut Scope) {
        let value = match secret {
            Secret::Environment(env) => self.secret_of_environment(name, env.clone()),
            Secret::File(file) => self.secret_of_file(name, file),
        };
        match value {
            Some(value) => scope.bind_secret(name, Value::String(value)),
            None => self.bind_stand_in(name, scope),
        }
    }

    /// Stands in for a wrong one, so that what uses it is not wrong too.
    fn bind_stand_in(&self, name: &str, scope: &mut Scope) {
        if !self.options.without_secrets {
            scope.bind_secret(name, Value::String(format!("rehearsal-{name}")));
        }
    }

    /// In a rehearsal the real value is not even read: a simulated target has no right to it.
    fn secret_of_environment(&mut self, name: &str, env: Placed<String>) -> Option<String> {
        self.secret.insert(env.value.clone());
        let set = self.environment.get(&env.value);
        if self.options.rehearsal {
            if set.is_none() {
                self.unset.push(Unset { variable: env.value, span: env.span });
            }
            return Some(format!("rehearsal-{name}"));
        }
        match set {
            Some(value) => self.long_enough(name, value, env.span),
            None if self.options.without_secrets => {
                self.unset.push(Unset { variable: env.value, span: env.span });
                None
            }
            None => {
                self.missing_variable(&env, &format!("the secret `{name}`"));
                None
            }
        }
    }

    fn secret_of_file(&self, name: &str, file: &Placed<String>) -> Option<String> {
        if self.options.rehearsal {
            return Some(format!("rehearsal-{name}"));
        }
        let folder = Path::new(&self.source.name).parent().unwrap_or(Path::new(""));
        match read_small(&folder.join(&file.value)) {
            Ok(text) => self.long_enough(name, text.trim_end_matches(['\n', '\r']), file.span),
            Err(why) => {
                let message = format!("the secret `{name}` cannot be read from its file: {}", printable(&why));
                self.notes.report(Diagnostic::error("missing-file", file.span, message));
                None
            }
        }
    }

    fn long_enough(&self, name: &str, value: &str, span: Span) -> Option<String> {
        if Redactor::check(value).is_ok() {
            self.redactor.learn(value);
            return Some(value.to_owned());
        }
        let message = format!("the secret `{name}` is shorter than {SHORTEST} characters");
        let wrong = Diagnostic::error("short-secret", span, message);
        self.notes.report(wrong.help("so short a value cannot be kept out of what is shown: use a longer one"));
        None
    }
}

/// A regular file of text, within the limit. A pipe or device would let a plan hang its reader.
fn read_small(path: &Path) -> Result<String, String> {
    let about = std::fs::metadata(path).map_err(|why| why.to_string())?;
    if !about.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|why| why.to_string())?;
    let read = file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(|why| why.to_string())?;
    if read as u64 > LARGEST_FILE {
        return Err(format!("it has more than {} KiB", LARGEST_FILE >> 10));
    }
    Ok(text)
}
