//! The `snapshot` step: what an address answers, a command prints or a file holds, kept as evidence by its hash,
//! without the secrets of the plan. What is too large is refused, not cut; what is empty is no snapshot.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{Acting, Exposed, Step};
use crate::base::jq::Program;
use crate::base::proc::{self, Ended, create_private_dir, write_whole};
use crate::base::secret::Redactor;
use crate::base::table::Table;
use crate::base::template::{Scope, Template};
use crate::base::text::hex;
use crate::base::wire::{Cause, Client, Limits, Request};
use crate::kind::Kind;
use crate::kind::invocation::Invocation;
use crate::launch::verdict::{Finding, Report, Verdict};

/// The largest snapshot, in bytes; as large as a file that is given as evidence.
const LARGEST: usize = 64 << 20;
/// Folders above an attempt's, to the launch's own.
const PARENTS: usize = 6;
/// What lies in a launch's folder once it has begun.
const LAUNCH: &str = "launch.json";
/// Columns of a program's last words that are told.
const WORDS: usize = 300;

/// The table of a `snapshot` step.
#[derive(Debug, Clone)]
pub struct Snapshot {
    from: From,
    /// What it is called, for people: the content's hash names the file.
    name: Template,
    jq: Option<Program>,
}

#[derive(Debug, Clone)]
enum From {
    /// A GET, with these headers.
    Http(Template, Vec<(String, Template)>),
    Command(Invocation),
    File(Template),
}

/// Why there is nothing to keep, and what that comes to.
struct Nothing {
    verdict: Verdict,
    why: String,
}

fn nothing(verdict: Verdict, why: impl Into<String>) -> Nothing {
    Nothing { verdict, why: why.into() }
}

impl Step for Snapshot {
    const KIND: Kind = Kind {
        name: "snapshot",
        family: "step",
        line: "keeps what an address answers, a command prints or a file holds as evidence, by its SHA-256",
        example: concat!(
            "http = \"https://metrics.example.com/api/v1/query?query=up\"\n",
            "as = \"metrics-before.json\"\n",
            "jq = \".data\"\n",
        ),
    };

    fn read(table: &Table<'_>) -> Option<Self> {
        let from = from(table);
        let name = table.need_template("as", "`as = \"metrics.json\"`: what it is called");
        if let Some(empty) = name.as_ref().filter(|name| name.written().trim().is_empty()) {
            table.wrong_value(empty.span, "what is it called? `as = \"metrics.json\"`");
        }
        let jq = table.text("jq").and_then(|text| match Program::parse(&text.value) {
            Ok(program) => {
                program.variables().iter().for_each(|name| table.notes().uses(name, text.span));
                Some(program)
            }
            Err(why) => {
                table.wrong_value(text.span, format!("this is no jq program: {why}"));
                None
            }
        });
        Some(Self { from: from?, name: name?, jq })
    }

    fn expects(&self, _scope: &Scope) -> Vec<String> {
        let what = match &self.from {
            From::Http(address, _) => address.written(),
            From::Command(invocation) => invocation.written(),
            From::File(path) => path.written(),
        };
        vec![format!("{what} kept as {}", self.name.written())]
    }

    fn address(&self) -> Option<&Template> {
        match &self.from {
            From::Http(address, _) => Some(address),
            From::Command(_) | From::File(_) => None,
        }
    }

    fn exposed(&self, scope: &Scope) -> Vec<Exposed> {
        let From::Command(invocation) = &self.from else { return Vec::new() };
        invocation.exposed(scope)
    }

    async fn act(&self, cx: &Acting) -> Report {
        let began = Instant::now();
        let kept = async {
            let bytes = self.taken(cx).await?;
            let bytes = self.chosen(bytes, cx).await?;
            let name =
                self.name.text(&cx.look.scope).map_err(|unbound| nothing(Verdict::Unknown, unbound.to_string()))?;
            keep(&cx.dir, &name, &bytes, &cx.look.redactor).map_err(|why| nothing(Verdict::Unknown, why))
        };
        let (verdict, seen) = match kept.await {
            Ok(kept) => (Verdict::Pass, kept),
            Err(nothing) => (nothing.verdict, nothing.why),
        };
        let finding = Finding { verdict, ..Finding::held("snapshot", "kept", seen.clone(), true) };
        Report { summary: seen, ..Report::of(vec![finding], began.elapsed()) }
    }
}

fn from(table: &Table<'_>) -> Option<From> {
    let written = ["http", "command", "shell", "file"].map(|key| (key, table.has(key)));
    let http = table.template("http");
    let headers = table.named_templates("headers").into_iter().map(|(name, value)| (name.value, value)).collect();
    let file = table.template("file");
    let mut there = written.iter().filter(|(_, there)| *there).map(|(key, _)| *key);
    match (there.next(), there.next()) {
        (None, _) => {
            table.missing("http", "`http = \"https://…\"`, `command = [\"program\"]` or `file = \"path\"`");
            None
        }
        (Some(one), Some(other)) => {
            table.wrong_value(table.span, format!("{} takes one thing: `{one}` or `{other}`", table.path));
            None
        }
        (Some("http"), None) => http.map(|address| From::Http(address, headers)),
        (Some("file"), None) => file.map(From::File),
        (Some(_), None) => Invocation::without_input(table).map(From::Command),
    }
}

impl Snapshot {
    async fn taken(&self, cx: &Acting) -> Result<Vec<u8>, Nothing> {
        let scope = &cx.look.scope;
        let text = |template: &Template, scope: &Scope| {
            template.text(scope).map_err(|unbound| nothing(Verdict::Unknown, unbound.to_string()))
        };
        let texts = |all: &[(String, Template)]| -> Result<Vec<(String, String)>, Nothing> {
            all.iter().map(|(name, value)| Ok((name.clone(), text(value, scope)?))).collect()
        };
        match &self.from {
            From::Http(address, headers) => {
                let request = Request {
                    method: "GET".to_owned(),
                    url: text(address, scope)?,
                    headers: texts(headers)?,
                    body: None,
                };
                answered(&cx.look.client, request, cx.look.timeout).await
            }
            From::Command(invocation) => {
                let command = invocation.command(scope);
                let command = command.map_err(|unbound| nothing(Verdict::Unknown, unbound.to_string()))?;
                printed(proc::run(&command.program(&cx.look.base), cx.look.timeout, LARGEST).await, &cx.look.redactor)
            }
            From::File(path) => {
                let path = cx.look.base.join(text(path, scope)?);
                let read = tokio::task::spawn_blocking(move || held(&path)).await;
                read.unwrap_or_else(|error| Err(nothing(Verdict::Unknown, error.to_string())))
            }
        }
    }

    /// What jq takes of it; all of it where there is no program.
    async fn chosen(&self, bytes: Vec<u8>, cx: &Acting) -> Result<Vec<u8>, Nothing> {
        if is_empty(&bytes) {
            return Err(empty("it"));
        }
        let Some(program) = &self.jq else { return Ok(bytes) };
        let unclear = |why: String| nothing(Verdict::Unknown, why);
        let json: Value = serde_json::from_slice(&bytes)
            .map_err(|why| unclear(format!("it is no JSON for `{}`: {why}", program.text)))?;
        match cx.look.jq.value(program, &json, &cx.look.scope).await.map_err(unclear)? {
            Value::Null => Err(unclear(format!("`{}` finds nothing in it", program.text))),
            value => match serde_json::to_vec_pretty(&value) {
                Ok(bytes) if is_empty(&bytes) => Err(empty(&format!("`{}`", program.text))),
                bytes => bytes.map_err(|error| unclear(error.to_string())),
            },
        }
    }
}

/// True where nothing stands there, or JSON that holds nothing.
fn is_empty(bytes: &[u8]) -> bool {
    let written: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(5).collect();
    matches!(written.as_slice(), b"" | b"\"\"" | b"[]" | b"{}" | b"null")
}

fn empty(what: &str) -> Nothing {
    nothing(Verdict::Fail, format!("there is nothing in {what}: an empty answer is no snapshot"))
}

/// More than may be kept: what it is, and the limit.
fn too_large(what: &str, limit: u64) -> Nothing {
    nothing(Verdict::Fail, format!("{what} is larger than the {} MiB that are kept, and is not cut", limit >> 20))
}

async fn answered(client: &Client, request: Request, timeout: Duration) -> Result<Vec<u8>, Nothing> {
    // A client of its own: a snapshot may be larger than an answer that is judged.
    let client = Client::new(client.network(), Limits { body: LARGEST as u64, ..Limits::default() });
    let client = client.map_err(|why| nothing(Verdict::Unknown, why))?;
    match client.send(request, timeout).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.body.to_vec()),
        Ok(answer) => Err(nothing(Verdict::Fail, crate::kind::exchange::status_words(answer.status))),
        Err(Cause::BodyTooLarge { limit }) => Err(too_large("the answer", limit)),
        Err(cause) => Err(nothing(Verdict::of_silence(&cause, false), cause.words())),
    }
}

fn printed(ended: Ended, redactor: &Redactor) -> Result<Vec<u8>, Nothing> {
    let stderr = String::from_utf8_lossy(ended.stderr_lines());
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).map(|line| format!(": {line}"));
    let last = crate::kind::exchange::shown(&last.unwrap_or_default(), WORDS, redactor);
    if let Some(error) = ended.error {
        return Err(nothing(Verdict::Unknown, error));
    }
    if ended.timed_out {
        return Err(nothing(Verdict::Fail, format!("the command was not done in time{last}")));
    }
    match ended.exit {
        Some(0) if ended.stdout_bytes > ended.stdout.len() as u64 => Err(too_large("its output", LARGEST as u64)),
        Some(0) => Ok(ended.stdout.to_vec()),
        Some(code @ (126 | 127)) => {
            Err(nothing(Verdict::Unknown, format!("the command cannot run: exit {code}{last}")))
        }
        Some(code) => Err(nothing(Verdict::Fail, format!("the command ended with exit {code}{last}"))),
        None => Err(nothing(
            Verdict::Unknown,
            format!("the command was ended by signal {}{last}", ended.signal.unwrap_or(0)),
        )),
    }
}

fn held(path: &Path) -> Result<Vec<u8>, Nothing> {
    let told = |verdict, why: std::io::Error| nothing(verdict, format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|why| match why.kind() {
        std::io::ErrorKind::NotFound => told(Verdict::Fail, why),
        _ => told(Verdict::Unknown, why),
    })?;
    let about = file.metadata().map_err(|why| told(Verdict::Unknown, why))?;
    if !about.is_file() {
        return Err(nothing(Verdict::Fail, format!("{} is no file", path.display())));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(|why| told(Verdict::Unknown, why))?;
    if bytes.len() > LARGEST { Err(too_large("the file", LARGEST as u64)) } else { Ok(bytes) }
}

/// Keeps `bytes`, without secrets, under its hash in the launch whose attempt is in `dir`. The line that tells
/// it: name, size and SHA-256 as it is kept.
fn keep(dir: &Path, name: &str, bytes: &[u8], redactor: &Redactor) -> Result<String, String> {
    let launch = launch_of(dir).ok_or("the launch's folder is not found above the attempt's")?;
    let clean = redactor.bytes(bytes);
    let removed = if clean == bytes { "" } else { ", secrets removed" };
    let hash = hex(&Sha256::digest(&clean));
    let folder = launch.join("artifacts");
    let path = folder.join(&hash);
    // The same content is kept once; a file of that name which is not that content is replaced.
    let there = std::fs::read(&path).is_ok_and(|there| there == clean);
    if !there {
        create_private_dir(&folder).and_then(|()| write_whole(&path, &clean)).map_err(|why| format!("{why}"))?;
    }
    Ok(format!("{name} ({} bytes, sha256 {hash}{removed})", clean.len()))
}

fn launch_of(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().take(PARENTS).find(|folder| folder.join(LAUNCH).is_file()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use toml::de::DeTable;

    use super::*;
    use crate::base::source::Diagnostic;
    use crate::base::table::Notes;

    fn read(text: &str) -> (Option<Snapshot>, Vec<Diagnostic>) {
        let (parsed, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty(), "{errors:?}");
        let notes = Notes::default();
        let table = Table::new("[snapshot]", parsed.span().into(), parsed.get_ref(), &notes);
        let step = Snapshot::read(&table);
        table.finish();
        (step, notes.take_diagnostics())
    }

    #[test]
    fn it_takes_one_thing_and_says_what() {
        for text in [Snapshot::KIND.example, "command = ['date']\nas = 'x'", "file = 'report.json'\nas = 'x'"] {
            let (step, found) = read(text);
            assert!(step.is_some() && found.is_empty(), "{found:?}");
        }
        for (text, code) in [
            ("as = 'x'", "missing-key"),
            ("file = 'a'", "missing-key"),
            ("command = []\nas = 'x'", "missing-key"),
            ("file = 'a'\nhttp = 'https://b'\nas = 'x'", "wrong-value"),
            ("file = 'a'\nas = 'x'\njq = '.['", "wrong-value"),
            ("file = 'a'\nas = ' '", "wrong-value"),
            ("file = 'a'\nas = 'x'\nurl = 'b'", "unknown-key"),
        ] {
            let (_, found) = read(text);
            assert_eq!(found.iter().map(|wrong| wrong.code).collect::<Vec<_>>(), [code], "{text}");
        }
    }

    #[test]
    fn a_secret_never_gets_into_the_arguments() {
        let mut scope = Scope::default();
        scope.bind_secret("token", serde_json::json!("hunter22"));
        let (step, _) = read("command = ['get', '{{ token }}']\nas = 'x'");
        assert_eq!(step.expect("a step").exposed(&scope).len(), 1);
        let (step, _) = read("command = ['get']\nenv = { TOKEN = '{{ token }}' }\nas = 'x'");
        assert!(step.expect("a step").exposed(&scope).is_empty());
    }

    #[test]
    fn it_is_kept_by_its_hash_without_secrets_for_its_owner_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let attempt = place.path().join("steps/before/1");
        std::fs::create_dir_all(&attempt).expect("made");
        let redactor = Redactor::new(["hunter22-long".to_owned()]);
        assert!(keep(&attempt, "x", b"a", &redactor).is_err(), "a folder of no launch");
        std::fs::write(place.path().join(LAUNCH), "{}").expect("written");
        let told = keep(&attempt, "login.json", b"{\"token\":\"hunter22-long\"}", &redactor).expect("kept");
        assert!(told.starts_with("login.json (") && told.ends_with(", secrets removed)"), "{told}");
        let hash = told.split("sha256 ").nth(1).and_then(|rest| rest.get(..64)).expect("a hash");
        let path = place.path().join("artifacts").join(hash);
        let bytes = std::fs::read(&path).expect("kept");
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter22"));
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "spoilt").expect("written");
        keep(&attempt, "login.json", b"{\"token\":\"hunter22-long\"}", &redactor).expect("kept");
        assert_eq!(std::fs::read(&path).expect("kept"), bytes, "what is not that content is replaced");
    }

    #[tokio::test]
    async fn what_holds_nothing_is_no_snapshot() {
        let network = crate::base::wire::Network::Outside;
        let client = Client::new(&network, Limits::default()).expect("a client");
        let cx = Acting { look: crate::kind::check::Context::new(client), dir: PathBuf::new() };
        let chosen = async |jq: &str, text: &str| {
            let (step, _) = read(&format!("file = 'a'\nas = 'x'\n{jq}"));
            let chosen = step.expect("a step").chosen(text.as_bytes().to_vec(), &cx).await;
            chosen.map_err(|nothing| nothing.verdict)
        };
        for text in ["", " \n", "[]", "{ }\n", "\"\"", "null"] {
            assert_eq!(chosen("", text).await, Err(Verdict::Fail), "{text}");
        }
        for held in ["\"\"", "\"  \"", "[]", "{}"] {
            let text = format!("{{\"data\":{held}}}");
            assert_eq!(chosen("jq = '.data'", &text).await, Err(Verdict::Fail), "{text}");
            assert_eq!(chosen("", &text).await, Ok(text.clone().into_bytes()));
        }
        assert_eq!(chosen("jq = '.data'", "{\"data\":null}").await, Err(Verdict::Unknown));
        // A truth value and a number are something.
        for held in ["false", "0", "[0]", "\"a\""] {
            let kept = chosen("jq = '.data'", &format!("{{\"data\":{held}}}")).await.expect(held);
            assert_eq!(String::from_utf8_lossy(&kept).split_whitespace().collect::<String>(), held);
        }
    }

    #[test]
    fn what_a_command_comes_to_is_told_by_its_end() {
        let of = |ended: Ended| printed(ended, &Redactor::default()).map_err(|nothing| nothing.verdict);
        let ended = |exit| Ended { exit, stdout: "x".into(), stdout_bytes: 1, ..Ended::default() };
        assert_eq!(of(ended(Some(0))), Ok(b"x".to_vec()));
        assert_eq!(of(ended(Some(1))), Err(Verdict::Fail));
        assert_eq!(of(ended(Some(127))), Err(Verdict::Unknown));
        assert_eq!(of(ended(None)), Err(Verdict::Unknown));
        assert_eq!(of(Ended { stdout_bytes: 2, ..ended(Some(0)) }), Err(Verdict::Fail));
        assert_eq!(of(Ended { timed_out: true, ..ended(None) }), Err(Verdict::Fail));
        assert_eq!(of(Ended { error: Some("no such file".into()), ..ended(None) }), Err(Verdict::Unknown));
    }
}
