//! Keeps what a terminal shows in order while Ctrl-C is pressed.

#[cfg(unix)]
use rustix::termios::LocalModes;

/// While it lives, the terminal behind stderr does two things less when it makes a signal of a key (termios(3)): it does
/// not drop what it has not shown yet (`NOFLSH`), and echoes no `^C` into the middle of it (`ECHOCTL`). Rows that were
/// lost, or that became two, cannot be counted back over.
#[derive(Debug)]
pub(crate) struct Intact {
    /// How the two were before.
    #[cfg(unix)]
    before: LocalModes,
}

#[cfg(unix)]
const BOTH: LocalModes = LocalModes::NOFLSH.union(LocalModes::ECHOCTL);

#[cfg(unix)]
impl Intact {
    /// `None` if the terminal is for somebody else to set.
    pub(crate) fn keep() -> Option<Self> {
        let mut before = LocalModes::empty();
        let is_set = set(|modes| {
            before = modes & BOTH;
            (modes - BOTH) | LocalModes::NOFLSH
        });
        is_set.then_some(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Intact {
    fn drop(&mut self) {
        set(|modes| (modes - BOTH) | self.before);
    }
}

/// Whether it could be set. A process in the background does not try: it would be stopped for that.
#[cfg(unix)]
fn set(change: impl FnOnce(LocalModes) -> LocalModes) -> bool {
    use rustix::process::getpgrp;
    use rustix::termios::{OptionalActions, tcgetattr, tcgetpgrp, tcsetattr};

    let terminal = std::io::stderr();
    let is_in_front = tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp());
    let Ok(mut modes) = tcgetattr(&terminal) else {
        return false;
    };
    modes.local_modes = change(modes.local_modes);
    is_in_front && tcsetattr(&terminal, OptionalActions::Now, &modes).is_ok()
}

#[cfg(not(unix))]
impl Intact {
    pub(crate) fn keep() -> Option<Self> {
        None
    }
}
