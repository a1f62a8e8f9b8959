//! The terminal itself: taken over on the way in, given back on every way out and while the console is suspended.
//! Frames go out whole, in one write, as synchronised updates.

use std::io::{self, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{cursor, execute};

use crate::base::secret::last_words;

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// Clicks and the wheel, in coordinates of any size; no movements, which would come by the hundred.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const NO_MOUSE: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// True while the terminal is ours: what the panic hook asks.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Who draws: the others' panics do not end the console.
static TAKER: Mutex<Option<ThreadId>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// A writer that keeps a frame until it is whole.
#[derive(Debug)]
pub struct Frames<W: Write> {
    out: W,
    frame: Vec<u8>,
}

impl<W: Write> Frames<W> {
    #[must_use]
    pub fn new(out: W) -> Self {
        Self { out, frame: Vec::with_capacity(16 * 1024) }
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(self.frame.len() + BEGIN.len() + END.len());
        whole.extend_from_slice(BEGIN);
        by_own_codes(&self.frame, &mut whole);
        self.frame.clear();
        whole.extend_from_slice(END);
        self.out.write_all(&whole)?;
        self.out.flush()
    }
}

/// Adds `frame` with the sixteen colours by codes of their own: terminals that know no more understand these alone,
/// and they are shorter.
fn by_own_codes(frame: &[u8], out: &mut Vec<u8>) {
    let mut rest = frame;
    while let Some(at) = rest.windows(2).position(|two| two == b"\x1b[") {
        let (before, sequence) = rest.split_at(at + 2);
        out.extend_from_slice(before);
        let end = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)).unwrap_or(sequence.len());
        let (parameters, after) = sequence.split_at(end);
        match after.first() {
            Some(b'm') => colours(parameters, out),
            _ => out.extend_from_slice(parameters),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

fn colours(parameters: &[u8], out: &mut Vec<u8>) {
    let parts: Vec<&[u8]> = parameters.split(|byte| *byte == b';').collect();
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        if at > 0 {
            out.push(b';');
        }
        let index = parts.get(at + 2).and_then(|index| std::str::from_utf8(index).ok()?.parse::<u8>().ok());
        let base = match *part {
            b"38" => Some((30, 90)),
            b"48" => Some((40, 100)),
            _ => None,
        };
        match (base, parts.get(at + 1), index) {
            (Some((dark, bright)), Some(&b"5"), Some(index @ 0..16)) => {
                let code = if index < 8 { dark + index } else { bright + index - 8 };
                out.extend_from_slice(code.to_string().as_bytes());
                at += 3;
            }
            // An index is no code, nor is a part of a colour of its own.
            (Some(_), Some(&kind), _) if kind == b"5" || kind == b"2" => {
                let end = parts.len().min(at + if kind == b"5" { 3 } else { 5 });
                out.extend_from_slice(&parts[at..end].join(&b';'));
                at = end;
            }
            _ => {
                out.extend_from_slice(part);
                at += 1;
            }
        }
    }
}

/// The terminal while it is ours; dropping it gives it back.
#[derive(Debug)]
pub struct Taken {
    mouse: bool,
}

impl Taken {
    /// Takes the terminal over: raw mode, alternate screen, bracketed paste, and its mouse where that is wanted.
    ///
    /// # Errors
    /// The terminal's own; it is given back first.
    pub fn new(mouse: bool) -> io::Result<Self> {
        restore_on_panic(restore);
        *TAKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        let taken = Self { mouse };
        taken.again()?;
        Ok(taken)
    }

    /// Takes it over once more, after somebody else had it.
    ///
    /// # Errors
    /// The terminal's own.
    pub fn again(&self) -> io::Result<()> {
        // Whoever had it may have left it in another mode than the one we remember to be in.
        disable_raw_mode()?;
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if self.mouse {
            out.write_all(MOUSE)?;
        }
        out.flush()
    }

    /// A ratatui terminal over standard output.
    ///
    /// # Errors
    /// Where the size cannot be asked.
    pub fn screen(&self) -> io::Result<Terminal<CrosstermBackend<Frames<Stdout>>>> {
        Terminal::new(CrosstermBackend::new(Frames::new(io::stdout())))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once; does nothing while it is not ours.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Nothing could be done about a terminal that refuses; the mode is set back all the same.
        let _ = io::stdout().write_all(NO_MOUSE);
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// Puts `restore` before the panic hook that is there, once: the message is then read on the usual
/// screen. What breaks beside the screen is told in the console's log: the console goes on, and with it the
/// key that rolls back.
fn restore_on_panic(restore: fn()) {
    HOOK.call_once(|| hook(restore));
}

fn hook(restore: fn()) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if beside_the_screen() {
            tracing::error!("{}", last_words(panic));
            return;
        }
        restore();
        before(panic);
    }));
}

/// Whether the terminal is ours and this is not the thread that draws on it.
fn beside_the_screen() -> bool {
    let draws = |taker: std::sync::MutexGuard<'_, Option<ThreadId>>| *taker == Some(thread::current().id());
    TAKEN.load(Ordering::SeqCst) && !TAKER.try_lock().map_or(true, draws)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_goes_out_whole_and_an_empty_one_not_at_all() {
        let mut frames = Frames::new(Vec::new());
        frames.flush().expect("a vector");
        assert!(frames.out.is_empty());
        frames.write_all(b"ab").expect("a vector");
        assert!(frames.out.is_empty());
        frames.write_all(b"c").expect("a vector");
        frames.flush().expect("a vector");
        assert_eq!(frames.out, [BEGIN, b"abc", END].concat());
    }

    #[test]
    fn the_sixteen_colours_go_out_by_their_own_codes_and_others_as_they_are() {
        for (drawn, out) in [
            ("a\x1b[38;5;2mb\x1b[39;49mc", "a\x1b[32mb\x1b[39;49mc"),
            ("\x1b[38;5;15;48;5;1mx", "\x1b[97;41mx"),
            ("\x1b[38;5;12;49m\x1b[48;5;11m", "\x1b[94;49m\x1b[103m"),
            ("\x1b[38;5;33;48;5;220m", "\x1b[38;5;33;48;5;220m"),
            ("\x1b[38;5;38;1m\x1b[38;5;48;48;5;5m", "\x1b[38;5;38;1m\x1b[38;5;48;45m"),
            ("\x1b[38;2;38;5;1m", "\x1b[38;2;38;5;1m"),
            ("\x1b[3;38H[38;5;2m\x1b[", "\x1b[3;38H[38;5;2m\x1b["),
        ] {
            let mut seen = Vec::new();
            by_own_codes(drawn.as_bytes(), &mut seen);
            assert_eq!(String::from_utf8_lossy(&seen), out, "{drawn:?}");
        }
    }

    static RESTORED: AtomicBool = AtomicBool::new(false);

    #[test]
    fn the_hook_restores_before_the_message_is_written() {
        // Other tests' panics pass through here too while this one runs; they only restore what is not taken.
        let original = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {
            assert!(RESTORED.load(Ordering::SeqCst), "the message came first");
        }));
        hook(|| RESTORED.store(true, Ordering::SeqCst));
        let caught = std::panic::catch_unwind(|| panic!("on purpose"));
        std::panic::set_hook(original);
        assert!(caught.is_err());
        assert!(RESTORED.load(Ordering::SeqCst));
    }
}
