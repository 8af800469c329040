//! Lines at the end of what a terminal shows, drawn anew in their place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;

/// The cursor rests in a row of its own below them. A terminal that is gone never stops a run.
#[derive(Debug)]
pub(crate) struct LiveArea {
    term: Term,
    /// The lines: one row each, and fewer than the terminal has.
    lines: Vec<String>,
    /// Number of rows that are drawn.
    rows: usize,
    is_held: bool,
    /// Set by the signal itself when Ctrl-C is pressed, and when a stopped run goes on; from the first drawing on.
    is_disturbed: Option<Arc<AtomicBool>>,
}

impl LiveArea {
    pub(crate) fn new() -> Self {
        Self {
            term: Term::buffered_stderr(),
            lines: Vec::new(),
            rows: 0,
            is_held: false,
            is_disturbed: None,
        }
    }

    /// Shows `lines` in place of the last ones.
    pub(crate) fn show(&mut self, lines: Vec<String>) {
        self.lines = lines;
        self.erase();
        self.draw();
    }

    /// Writes `text`, which stays, above them.
    pub(crate) fn above(&mut self, text: &str) {
        self.erase();
        let _ = self.term.write_str(text);
        self.draw();
    }

    /// Hides them while something else needs the last row, such as a question.
    pub(crate) fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
        self.erase();
        self.draw();
    }

    /// Leaves them as they are; what follows goes below.
    pub(crate) fn let_go(&mut self) {
        if self.rows > 0 {
            let _ = self.term.clear_line();
            let _ = self.term.clear_to_end_of_screen();
            let _ = self.term.flush();
        }
        self.lines.clear();
        self.rows = 0;
    }

    fn draw(&mut self) {
        if !self.is_held {
            for line in &self.lines {
                let _ = self.term.write_line(line);
            }
            self.rows = self.lines.len();
        }
        let _ = self.term.flush();
    }

    fn erase(&mut self) {
        let is_disturbed = self.is_disturbed.get_or_insert_with(disturbances);
        let is_disturbed = is_disturbed.swap(false, Ordering::Relaxed);
        if self.rows > 0 {
            let _ = self.term.clear_line();
            // A terminal that makes a signal of a key drops what it has not shown yet (termios(3), `NOFLSH`), and echoes
            // the key into the middle; after a stop the shell has written below. Rows that may be elsewhere are not counted
            // back over.
            if !is_disturbed {
                let _ = self.term.move_cursor_up(self.rows);
            }
            let _ = self.term.clear_to_end_of_screen();
        }
        self.rows = 0;
    }
}

#[cfg(unix)]
fn disturbances() -> Arc<AtomicBool> {
    use signal_hook::consts::{SIGCONT, SIGINT};
    use signal_hook::flag;

    let is_disturbed = Arc::default();
    for signal in [SIGINT, SIGCONT] {
        // Without it the terminal may be drawn over, and the run goes on all the same.
        let _ = flag::register(signal, Arc::clone(&is_disturbed));
    }
    is_disturbed
}

#[cfg(not(unix))]
fn disturbances() -> Arc<AtomicBool> {
    Arc::default()
}
