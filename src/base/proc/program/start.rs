//! The start of a program, or in words why there was none. The system says "no such file" for three
//! different things, and whoever reads it in the worst minute needs to know which.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::process::Command;

use super::Program;
use super::left::Tree;
use super::output::{Pipe, Sink, Tail};
use super::watch::Running;
use crate::base::proc::pump::Input;
use crate::base::proc::tree;
use crate::base::secret::HANDED;

/// The variable by which what a program started is found: this process's id and a number.
const MARK: &str = "TMINUS_PROGRAM";

pub fn start(program: &Program, sink: Sink) -> Result<Running, String> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let (name, arguments) = program.argv.split_first().filter(|(name, _)| !name.is_empty()).ok_or("no program")?;
    if let Some(cwd) = program.cwd.as_deref().filter(|cwd| !cwd.is_dir()) {
        return Err(format!("failed to start `{name}`: there is no folder {}", cwd.display()));
    }
    let mark = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut command = Command::new(name);
    command.args(arguments).process_group(0);
    command.envs(program.env.iter().map(|(name, value)| (name, value))).env_remove(HANDED).env(MARK, &mark);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if program.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    if let Some(cwd) = &program.cwd {
        command.current_dir(cwd);
    }
    let mut child = command.spawn().map_err(|error| format!("failed to start `{name}`: {}", why(program, &error)))?;
    let group = child.id().unwrap_or_default();
    let session = tree::own().map_or(0, |own| own.session);
    let tree = Tree { group, session, mark: format!("{MARK}={mark}").into_bytes() };
    let (out, err) = (Pipe::new(child.stdout.take()), Pipe::new(child.stderr.take()));
    let pipe = child.stdin.take().map(tokio::process::ChildStdin::into_owned_fd).transpose();
    match pipe.and_then(|pipe| Input::new(pipe, program.stdin.clone())) {
        Ok(input) => Ok(Running { child, tree, input, out, err, sink, stderr: Tail::default(), over: false }),
        Err(error) => {
            tree.kill();
            Err(format!("failed to write to `{name}`: {error}"))
        }
    }
}

/// What is behind the system's word.
fn why(program: &Program, error: &io::Error) -> String {
    let name = program.argv.first().map(String::as_str).unwrap_or_default();
    match (error.kind(), found(program, name)) {
        (io::ErrorKind::NotFound, None) if name.contains('/') => "there is no such file".to_owned(),
        (io::ErrorKind::NotFound, None) => "there is no such program on the PATH".to_owned(),
        (io::ErrorKind::NotFound, Some(path)) => match interpreter(&path) {
            Some(interpreter) => format!("bad interpreter: {} asks for `{interpreter}`", path.display()),
            None => format!("{} cannot be run here: what it is to be loaded by is missing", path.display()),
        },
        (io::ErrorKind::PermissionDenied, Some(path)) => format!("{} is not executable", path.display()),
        (_, Some(path)) if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            format!("{} is no program: it does not begin with `#!`", path.display())
        }
        _ => error.to_string(),
    }
}

/// The file that `name` means to the system.
fn found(program: &Program, name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        let path = program.cwd.as_deref().unwrap_or(Path::new("")).join(name);
        return path.exists().then_some(path);
    }
    let given = program.env.iter().rev().find(|(variable, _)| variable == "PATH").map(|(_, value)| value.into());
    let path: OsString = given.or_else(|| env::var_os("PATH"))?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// What stands behind `#!`.
fn interpreter(path: &Path) -> Option<String> {
    // A file that is no regular one could make us wait.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut head = Vec::new();
    File::open(path).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).trim().escape_debug().to_string())
}
