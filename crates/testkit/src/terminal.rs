//! Runs of a program on a pseudo-terminal.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Longest time to wait for the screen to change.
const PATIENCE: Duration = Duration::from_mins(1);

/// A pseudo-terminal with a program, which ends when this is dropped.
pub struct Terminal {
    master: File,
    child: Child,
    output: Arc<Output>,
}

struct Output {
    state: Mutex<State>,
    changed: Condvar,
    is_slow: AtomicBool,
}

struct State {
    screen: vt100::Parser,
    raw: Vec<u8>,
    is_closed: bool,
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.screen())
    }
}

impl Terminal {
    /// Runs `program` on a terminal of `rows` × `columns`.
    ///
    /// # Panics
    ///
    /// If the system has no pseudo-terminals, or the program cannot be run.
    pub fn run(mut program: Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("the system has pseudo-terminals");
        grantpt(&master).expect("the terminal belongs to this process");
        unlockpt(&master).expect("the terminal belongs to this process");
        tcsetwinsize(&master, size(rows, columns)).expect("it is a terminal");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = open(name, flags, Mode::empty()).expect("the terminal belongs to this process");
        let stream = || slave.try_clone().expect("a file can be shared");
        let child = program
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("the program can be run");
        drop(slave);
        let output = Arc::new(Output {
            state: Mutex::new(State {
                screen: vt100::Parser::new(rows, columns, 0),
                raw: Vec::new(),
                is_closed: false,
            }),
            changed: Condvar::new(),
            is_slow: AtomicBool::new(false),
        });
        let master = File::from(master);
        let reader = master.try_clone().expect("a file can be shared");
        let into = Arc::clone(&output);
        std::thread::spawn(move || into.follow(reader));
        Self {
            master,
            child,
            output,
        }
    }

    /// Waits until `wanted` returns true for the text of the screen; panics with it after a minute.
    #[track_caller]
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let by = Instant::now() + PATIENCE;
        let mut state = self.output.lock();
        while !wanted(&state.rows()) {
            let left = by.saturating_duration_since(Instant::now());
            assert!(
                !state.is_closed && !left.is_zero(),
                "no {what} on the screen:\n{}",
                state.rows()
            );
            let waited = self.output.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Types bytes; 0x03 is Ctrl-C.
    pub fn type_in(&mut self, keys: &[u8]) {
        self.master.write_all(keys).expect("the terminal is there");
    }

    /// Sends a signal to the program by name, without the terminal.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.expect("kill can be run").success());
    }

    /// Limits the terminal to about 8 kB a second from now on.
    pub fn slow_down(&self) {
        self.output.is_slow.store(true, Ordering::Relaxed);
    }

    /// Resizes the terminal.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let mut state = self.output.lock();
        state.screen.screen_mut().set_size(rows, columns);
        tcsetwinsize(&self.master, size(rows, columns)).expect("it is a terminal");
    }

    /// Waits until the program has ended and its output is on the screen; returns the exit code.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        let by = Instant::now() + PATIENCE;
        let mut state = self.output.lock();
        while !state.is_closed {
            let left = by.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not end:\n{}", state.rows());
            let waited = self.output.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        self.child.wait().expect("it is our child").code()
    }

    /// Returns the text of the screen.
    pub fn screen(&self) -> String {
        self.output.lock().rows()
    }

    /// Returns the whole output, as an endless screen of `columns` shows it; wrapped rows are joined.
    pub fn everything(&self, columns: u16) -> String {
        let mut screen = vt100::Parser::new(1000, columns, 0);
        screen.process(&self.output.lock().raw);
        screen.screen().contents().trim_end().to_owned() + "\n"
    }

    /// Returns the bytes written so far.
    pub fn raw(&self) -> Vec<u8> {
        self.output.lock().raw.clone()
    }
}

impl State {
    /// Returns the text of the screen, one line for each row.
    fn rows(&self) -> String {
        let screen = self.screen.screen();
        let (_, columns) = screen.size();
        let rows = screen.rows(0, columns).map(|row| row.trim_end().to_owned());
        rows.collect::<Vec<String>>().join("\n")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies output to the screen until the last writer has closed the terminal, which Linux reports as an error.
    fn follow(&self, mut reader: File) {
        let mut bytes = [0; 4096];
        loop {
            let is_slow = self.is_slow.load(Ordering::Relaxed);
            let most = if is_slow { 16 } else { bytes.len() };
            let read = reader.read(&mut bytes[..most]).unwrap_or_default();
            if is_slow {
                std::thread::sleep(Duration::from_millis(2));
            }
            let mut state = self.lock();
            state.screen.process(&bytes[..read]);
            state.raw.extend_from_slice(&bytes[..read]);
            state.is_closed = read == 0;
            self.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
