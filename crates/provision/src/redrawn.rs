//! Lines at the end of what a terminal shows, drawn anew in their place.

use console::Term;

use crate::intact::Intact;

/// The cursor rests in a row of its own below them: there the terminal's echo of a key (`^C`) leaves no trace.
/// A terminal that is gone never stops a run.
#[derive(Debug)]
pub(crate) struct Redrawn {
    term: Term,
    /// What is to be seen, each of one row and all together fewer than the terminal has.
    lines: Vec<String>,
    /// How many rows of it are.
    rows: usize,
    is_held: bool,
    intact: Option<Intact>,
}

impl Redrawn {
    pub(crate) fn new() -> Self {
        Self {
            term: Term::buffered_stderr(),
            lines: Vec::new(),
            rows: 0,
            is_held: false,
            intact: None,
        }
    }

    /// Shows `lines` in place of the last ones.
    pub(crate) fn show(&mut self, lines: Vec<String>) {
        if self.lines.is_empty() {
            self.intact = Intact::keep();
        }
        self.lines = lines;
        self.erase();
        self.draw();
        if self.lines.is_empty() {
            self.intact = None;
        }
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
    pub(crate) fn leave(&mut self) {
        if self.rows > 0 {
            let _ = self.term.clear_line();
            let _ = self.term.flush();
        }
        self.lines.clear();
        self.rows = 0;
        self.intact = None;
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
        if self.rows > 0 {
            let _ = self.term.clear_line();
            let _ = self.term.move_cursor_up(self.rows);
            let _ = self.term.clear_to_end_of_screen();
        }
        self.rows = 0;
    }
}
