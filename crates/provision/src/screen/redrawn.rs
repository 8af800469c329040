//! Lines at the end of what a terminal shows, drawn anew in their place.

use console::Term;

/// The cursor rests in a row of its own below them: there the terminal's echo of a key (`^C`) leaves no trace.
/// A terminal that is gone never stops a run.
pub(super) struct Redrawn {
    term: Term,
    rows: usize,
}

impl Redrawn {
    pub(super) fn new() -> Self {
        Self {
            term: Term::buffered_stderr(),
            rows: 0,
        }
    }

    /// Shows `lines`, each of one row and all together fewer than the terminal has, in place of the last ones; above them
    /// comes `text`, which stays.
    pub(super) fn draw(&mut self, text: Option<&str>, lines: &[String]) {
        self.erase();
        for line in text.into_iter().chain(lines.iter().map(String::as_str)) {
            let _ = self.term.write_line(line);
        }
        self.rows = lines.len();
        let _ = self.term.flush();
    }

    fn erase(&mut self) {
        let _ = self.term.clear_line();
        if self.rows > 0 {
            let _ = self.term.move_cursor_up(self.rows);
            let _ = self.term.clear_to_end_of_screen();
        }
        self.rows = 0;
    }
}
