//! The terminal itself: taken over on the way in, given back on every way out. Frames go out whole, in
//! one write, as synchronised updates.

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
        whole.append(&mut self.frame);
        whole.extend_from_slice(END);
        self.out.write_all(&whole)?;
        self.out.flush()
    }
}

/// The terminal while it is ours; dropping it gives it back.
#[derive(Debug)]
pub struct Taken {
    _private: (),
}

impl Taken {
    /// Takes the terminal over: raw mode, alternate screen, bracketed paste.
    ///
    /// # Errors
    /// The terminal's own; it is given back first.
    pub fn new() -> io::Result<Self> {
        restore_on_panic(restore);
        enable_raw_mode()?;
        *TAKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        TAKEN.store(true, Ordering::SeqCst);
        let taken = Self { _private: () };
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        Ok(taken)
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
