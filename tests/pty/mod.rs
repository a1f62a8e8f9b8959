//! The whole program on a real pseudo-terminal: keys in, screen out. No wait here outlasts our patience,
//! whatever the program draws meanwhile.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::wait::{LOOK, PATIENCE, wait};

/// No output for so long, and a key has been taken.
const QUIET: Duration = Duration::from_millis(40);
const ENTER_ALTERNATE: &[u8] = b"\x1b[?1049h";
const LEAVE_ALTERNATE: &[u8] = b"\x1b[?1049l";
/// Columns and rows that show every pane.
pub const WIDE: (u16, u16) = (120, 36);

type Look = Box<dyn FnMut(&str) + Send>;

/// Somebody at a terminal with the program on it.
pub struct Seat {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    /// The terminal's mode before the program had it.
    before: String,
    /// Told of every screen as it comes.
    beside: Option<Look>,
}

fn size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn lines(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("not zero")
}

impl Seat {
    /// `tminus` with these arguments, at home in `home`, on a terminal of these columns and rows. Its
    /// environment is these variables and nothing of ours but `PATH`.
    pub fn start(home: &Path, arguments: &[&str], env: &[(&str, &str)], size: (u16, u16)) -> Self {
        Self::of(env!("CARGO_BIN_EXE_tminus"), home, arguments, env, size)
    }

    /// As [`Seat::start`], of any program: a shell, or tmux, that has `tminus` in it.
    pub fn of(program: &str, home: &Path, arguments: &[&str], env: &[(&str, &str)], (cols, rows): (u16, u16)) -> Self {
        let pty = native_pty_system().openpty(size((cols, rows))).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home);
        command.env("XDG_STATE_HOME", home);
        command.env("USER", "ada");
        command.env("TERM", "xterm-256color");
        env.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home);
        let before = mode(&*pty.master);
        let child = pty.slave.spawn_command(command).expect("the program starts");
        drop(pty.slave);
        let mut from = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let (to, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                if to.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(lines(rows), lines(cols), 0);
        Self { child, master: pty.master, keys, output, screen, raw: Vec::new(), before, beside: None }
    }

    /// Has every screen looked at from now on, as it comes.
    pub fn beside(&mut self, look: impl FnMut(&str) + Send + 'static) {
        self.beside = Some(Box::new(look));
    }

    pub fn id(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    pub fn press(&mut self, keys: &str) {
        self.try_press(keys).expect("the program reads");
    }

    /// As [`Seat::press`], of a program that may be gone.
    pub fn try_press(&mut self, keys: &str) -> std::io::Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        self.keys.flush()
    }

    /// Reads until the screen has been quiet for a moment: a lone escape is one only where nothing follows
    /// at once.
    pub fn rests(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(chunk) = self.output.recv_timeout(QUIET) {
            self.take(&chunk);
            assert!(Instant::now() < deadline, "it never rests:\n{}", self.contents());
        }
    }

    pub fn resize(&mut self, (cols, rows): (u16, u16)) {
        self.screen.screen_mut().set_size(lines(rows), lines(cols));
        self.master.resize(size((cols, rows))).expect("a resize");
    }

    /// The screen as far as it has come.
    pub fn shown(&mut self) -> String {
        while let Ok(chunk) = self.output.try_recv() {
            self.take(&chunk);
        }
        self.contents()
    }

    /// Whether this was written to the terminal, as far as it was read.
    pub fn wrote(&self, part: &str) -> bool {
        self.raw.windows(part.len()).any(|there| there == part.as_bytes())
    }

    /// Reads until this was written to the terminal, shown or not.
    pub fn until_wrote(&mut self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.wrote(part) {
            assert!(Instant::now() < deadline, "it never wrote {part:?}:\n{}", self.contents());
            assert!(self.reads(), "ended before it wrote {part:?}");
        }
    }

    /// Presses the left button over the first place where this is shown.
    pub fn clicks(&mut self, wanted: &str) {
        let shown = self.sees(wanted);
        let found = shown.lines().enumerate().find_map(|(y, line)| {
            let before = line.split_once(wanted)?.0;
            // The screens of these tests have nothing of two columns.
            Some((before.chars().count() + 1, y + 1))
        });
        let (x, y) = found.expect("it is shown");
        self.press(&format!("\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m"));
    }

    fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Everything it wrote to the terminal, as far as it was read.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Reads until the screen holds `wanted`; the screen.
    pub fn sees(&mut self, wanted: &str) -> String {
        self.until(wanted, |shown| shown.contains(wanted))
    }

    /// Reads until `done`, which is told the screen and may look elsewhere too; the screen.
    pub fn until(&mut self, what: &str, done: impl Fn(&str) -> bool) -> String {
        // A screen that only counts the seconds is no answer.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            if done(&shown) {
                return shown;
            }
            assert!(Instant::now() < deadline, "no {what} in\n{shown}");
            assert!(self.reads(), "ended before {what}:\n{shown}");
        }
    }

    /// Reads until the first cell of one of the places where `wanted` stands is as it should be.
    pub fn until_cell(&mut self, what: &str, wanted: &str, is: impl Fn(&vt100::Cell) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            let screen = self.screen.screen();
            let places = shown.lines().zip(0..).flat_map(|(line, y)| {
                // The screens of these tests have nothing of two columns.
                line.match_indices(wanted).map(move |(at, _)| (y, line[..at].chars().count()))
            });
            let mut cells = places.filter_map(|(y, x)| screen.cell(y, u16::try_from(x).ok()?));
            if cells.any(&is) {
                return;
            }
            assert!(Instant::now() < deadline, "no {what} in\n{shown}");
            assert!(self.reads(), "ended before {what}:\n{shown}");
        }
    }

    /// Reads on for a moment, as what is waited for may show elsewhere; whether there can be more.
    fn reads(&mut self) -> bool {
        match self.output.recv_timeout(LOOK) {
            Ok(chunk) => self.take(&chunk),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    fn take(&mut self, chunk: &[u8]) {
        self.screen.process(chunk);
        self.raw.extend_from_slice(chunk);
        if let Some(beside) = &mut self.beside {
            beside(&self.screen.screen().contents());
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, signal).expect("it runs");
    }

    /// SIGKILL: nothing is said and nothing written any more. (`Child::kill` asks with SIGHUP first, and a
    /// console that is asked leaves by itself.)
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.over();
    }

    pub fn is_gone(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for the program's end; its exit code.
    pub fn ends(&mut self) -> u32 {
        self.over().exit_code()
    }

    /// Waits for the program's end and reads all it said; how it ended.
    pub fn over(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while self.reads() {
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.contents());
        }
        // Nobody has the terminal any more: it has ended, or is about to.
        wait("end of a program without its terminal", || self.is_gone());
        self.child.wait().expect("it ended")
    }

    /// Asks it to end; its exit code, and what it said after it gave the screen back.
    pub fn leave(mut self) -> (u32, String) {
        self.signal(Signal::TERM);
        let code = self.ends();
        (code, self.contents())
    }

    /// The terminal is as it was before the program had it.
    pub fn gave_back(&self) {
        let screen = self.screen.screen();
        let wrote = |part: &[u8]| self.raw.windows(part.len()).any(|there| there == part);
        assert!(wrote(ENTER_ALTERNATE), "it never took the screen");
        assert!(wrote(LEAVE_ALTERNATE), "it never gave it back");
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(mode(&*self.master), self.before, "the terminal's mode is as it was");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A test that failed leaves nothing running. The number of one that is gone may be another's by now.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The terminal's mode as text: raw or not, echo or not.
fn mode(master: &dyn MasterPty) -> String {
    let fields = master.get_termios().expect("a terminal");
    format!("{:?} {:?} {:?}", fields.input_flags, fields.output_flags, fields.local_flags)
}
