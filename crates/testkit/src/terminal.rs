//! Runs a program on a terminal of its own, as a person sees it.

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

/// How long anything may take to appear.
const PATIENCE: Duration = Duration::from_mins(1);

/// A pseudo-terminal with a program on it, which ends with it.
pub struct Terminal {
    master: File,
    child: Child,
    shown: Arc<Shown>,
}

struct Shown {
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
    /// Runs `program` with exactly these variables on a terminal of `rows` × `columns`.
    ///
    /// # Panics
    ///
    /// If the system has no pseudo-terminals or no `setsid` (util-linux), which makes it the program's own.
    pub fn run(mut program: Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("the system has pseudo-terminals");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        tcsetwinsize(&master, size(rows, columns)).expect("it is a terminal");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = open(name, flags, Mode::empty()).expect("it is ours");
        let stream = || slave.try_clone().expect("a file can be shared");
        let child = program
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("the program can be run");
        drop(slave);
        let shown = Arc::new(Shown {
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
        let into = Arc::clone(&shown);
        std::thread::spawn(move || into.follow(reader));
        Self {
            master,
            child,
            shown,
        }
    }

    /// Waits until the screen, as text, is as `wanted`.
    #[track_caller]
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let by = Instant::now() + PATIENCE;
        let mut state = self.shown.lock();
        while !wanted(&state.rows()) {
            let left = by.saturating_duration_since(Instant::now());
            assert!(
                !state.is_closed && !left.is_zero(),
                "no {what} on the screen:\n{}",
                state.rows()
            );
            let waited = self.shown.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Types these bytes; 0x03 is Ctrl-C.
    pub fn type_in(&mut self, keys: &[u8]) {
        self.master.write_all(keys).expect("the terminal is there");
    }

    /// Sends its program a signal by name, past the terminal.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.expect("kill can be run").success());
    }

    /// From now on it shows some 8 kB a second, as over a poor line.
    pub fn slow_down(&self) {
        self.shown.is_slow.store(true, Ordering::Relaxed);
    }

    /// Gives it another size, as dragging a window's corner does.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let mut state = self.shown.lock();
        state.screen.screen_mut().set_size(rows, columns);
        tcsetwinsize(&self.master, size(rows, columns)).expect("it is a terminal");
    }

    /// Waits until the program has ended and all it wrote is shown; its exit code.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        let by = Instant::now() + PATIENCE;
        let mut state = self.shown.lock();
        while !state.is_closed {
            let left = by.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not end:\n{}", state.rows());
            let waited = self.shown.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        self.child.wait().expect("it is our child").code()
    }

    /// What is on the screen now.
    pub fn screen(&self) -> String {
        self.shown.lock().rows()
    }

    /// All that was ever written, as a screen of `columns` without a bottom shows it in the end; what did not fit into one
    /// row is one line.
    pub fn everything(&self, columns: u16) -> String {
        let mut screen = vt100::Parser::new(1000, columns, 0);
        screen.process(&self.shown.lock().raw);
        screen.screen().contents().trim_end().to_owned() + "\n"
    }

    /// The bytes it wrote so far.
    pub fn raw(&self) -> Vec<u8> {
        self.shown.lock().raw.clone()
    }
}

impl State {
    /// The screen as text, a line a row.
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

impl Shown {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what comes until the last writer is gone, which Linux tells by an error.
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
