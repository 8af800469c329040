//! The steps of a run as a terminal shows them at one moment. Pure: nothing is drawn here.

use std::time::Duration;

use tokio::time::Instant;

use crate::paint::Paint;

/// Rows of the terminal and columns of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// One step by its id, with the text that names it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: String,
    /// The word of its action.
    pub(super) action: &'static str,
    /// Symbol, type and name.
    pub(super) text: String,
    pub(super) state: State,
    /// The reason of its wait.
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    NotRun,
    Running(Instant),
    Done(Duration),
    Failed(Duration),
    /// It has nothing to do, or goes along with another.
    Silent,
}

#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) rows: Vec<Row>,
    /// A wait that belongs to no step.
    pub(super) general: Option<String>,
}

/// "running   12.3 s", with what separates it.
const STATE_COLUMNS: usize = 17;

impl Board {
    pub(super) fn row_mut(&mut self, id: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == id)
    }

    /// The run is over: nothing is waited for any more, and what still runs is given up.
    pub(super) fn close(&mut self, now: Instant) {
        self.general = None;
        for row in &mut self.rows {
            row.state = match row.state {
                State::Waiting => State::NotRun,
                State::Running(since) => State::Failed(now.saturating_duration_since(since)),
                state => state,
            };
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.general.is_some()
            || self
                .rows
                .iter()
                .any(|row| matches!(row.state, State::Running(_)))
    }

    /// Lines that fit: all steps, or where there is no room for them those that run or have failed.
    pub(super) fn lines(&self, size: Size, now: Instant, paint: Paint) -> Vec<String> {
        let all = self.lines_of(|row| row.state != State::Silent, size, now, paint);
        if all.len() < size.rows {
            return all;
        }
        let is_busy = |row: &Row| matches!(row.state, State::Running(_) | State::Failed(_));
        let mut busy = self.lines_of(is_busy, size, now, paint);
        let count = |is_counted: fn(State) -> bool| {
            let states = self.rows.iter().map(|row| row.state);
            states.filter(|state| is_counted(*state)).count()
        };
        let done = count(|state| matches!(state, State::Done(_)));
        let waiting = count(|state| state == State::Waiting);
        busy.truncate(size.rows.saturating_sub(2));
        busy.push(fitted(
            &format!("  … {done} done, {waiting} waiting"),
            size.columns,
        ));
        busy
    }

    fn lines_of(
        &self,
        is_shown: impl Fn(&Row) -> bool,
        size: Size,
        now: Instant,
        paint: Paint,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        for row in self.rows.iter().filter(|row| is_shown(row)) {
            lines.push(row.line(size.columns, now, paint));
            if let (State::Running(_), Some(reason)) = (row.state, &row.reason) {
                lines.push(fitted(&format!("      {reason}"), size.columns));
            }
        }
        if let Some(reason) = &self.general {
            lines.push(fitted(&format!("  {reason}"), size.columns));
        }
        lines
    }
}

impl Row {
    fn line(&self, columns: usize, now: Instant, paint: Paint) -> String {
        let room = columns.saturating_sub(STATE_COLUMNS);
        let text = fitted(&format!("  {}", self.text), room);
        let gap = " ".repeat(room.saturating_sub(text.chars().count()));
        let (word, time) = match self.state {
            State::Waiting => ("waiting", None),
            State::NotRun => ("not run", None),
            State::Silent => ("", None),
            State::Running(since) => ("running", Some(now.saturating_duration_since(since))),
            State::Done(took) => ("done", Some(took)),
            State::Failed(took) => ("failed", Some(took)),
        };
        let time = time.map(|time| format!("{:.1} s", time.as_secs_f64()));
        let state = format!("  {word:<7}{:>8}", time.unwrap_or_default());
        let state = match self.state {
            State::Failed(_) => paint.error(&state),
            _ => state,
        };
        let line = format!("{}{gap}{state}", paint.action(self.action, &text));
        line.trim_end().to_owned()
    }
}

/// On one line, and no longer than it. What AWS answers may contain anything.
fn fitted(text: &str, columns: usize) -> String {
    let plain: Vec<char> = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if plain.len() <= columns {
        return plain.into_iter().collect();
    }
    let kept = plain.into_iter().take(columns.saturating_sub(1));
    kept.chain(['…']).take(columns).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        rows: 24,
        columns: 80,
    };

    fn row(text: &str, state: State, reason: Option<&str>) -> Row {
        Row {
            id: text.to_owned(),
            action: "create",
            text: text.to_owned(),
            state,
            reason: reason.map(str::to_owned),
        }
    }

    fn board(now: Instant) -> Board {
        let second = Duration::from_secs(1);
        Board {
            rows: vec![
                row(
                    "+ AWS::DynamoDB::Table         lambda-apigateway",
                    State::Done(second),
                    Some("old"),
                ),
                row(
                    "+ AWS::IAM::Role               lambda-apigateway-role",
                    State::Running(now.checked_sub(second * 12).expect("it is later")),
                    Some(
                        "waiting for Lambda to be able to assume the new role, 11 s of at most 60 s",
                    ),
                ),
                row(
                    "+ AWS::Lambda::Function        LambdaFunctionOverHttps",
                    State::Waiting,
                    None,
                ),
                row(
                    "+ AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps",
                    State::Failed(second / 4),
                    None,
                ),
            ],
            general: Some("waiting for the endpoint to answer,\nlast answer: 403".to_owned()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_step_has_its_state_and_each_wait_its_reason() {
        tokio::time::advance(Duration::from_mins(1)).await;
        let now = Instant::now();
        let lines = board(now).lines(SIZE, now, Paint(false));
        assert_eq!(
            lines,
            [
                "  + AWS::DynamoDB::Table         lambda-apigateway               done      1.0 s",
                "  + AWS::IAM::Role               lambda-apigateway-role          running  12.0 s",
                "      waiting for Lambda to be able to assume the new role, 11 s of at most 60 s",
                "  + AWS::Lambda::Function        LambdaFunctionOverHttps         waiting",
                "  + AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOve…  failed    0.2 s",
                "  waiting for the endpoint to answer, last answer: 403",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn it_fits_whatever_the_terminal() {
        tokio::time::advance(Duration::from_mins(1)).await;
        let now = Instant::now();
        for columns in [10, 20, 40, 79, 80, 200] {
            for rows in [2, 3, 5, 24] {
                let lines = board(now).lines(Size { rows, columns }, now, Paint(false));
                assert!(lines.len() < rows, "{rows}: {lines:#?}");
                for line in lines {
                    assert!(line.chars().count() <= columns.max(STATE_COLUMNS), "{line}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_room_what_runs_or_failed_is_shown() {
        tokio::time::advance(Duration::from_mins(1)).await;
        let now = Instant::now();
        let size = Size { rows: 6, ..SIZE };
        let lines = board(now).lines(size, now, Paint(false));
        let text = lines.join("\n");
        assert!(text.contains("AWS::IAM::Role"), "{text}");
        assert!(text.contains("AWS::Logs::LogGroup"), "{text}");
        assert!(text.ends_with("  … 1 done, 1 waiting"), "{text}");
    }
}
