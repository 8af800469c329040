//! The capabilities of the three standard streams, by what they are connected to and by the environment.

use std::io::{self, IsTerminal};

use crate::args::{Color, Global, Progress};
use crate::environment::Environment;
use crate::paint::Paint;

/// The streams that are terminals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminals {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Terminals {
    pub(crate) fn of_this_process() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

/// The capabilities of the streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TerminalSettings {
    pub(crate) stdout: Paint,
    pub(crate) stderr: Paint,
    /// True if questions may be asked.
    pub(crate) interactive: bool,
    /// True if lines may be redrawn.
    pub(crate) live: bool,
    /// True if a result goes to nobody but the person at the terminal.
    pub(crate) private: bool,
}

impl TerminalSettings {
    /// Of `terminals` under variables with these values.
    pub(crate) fn new(global: &Global, terminals: Terminals, environment: &Environment) -> Self {
        let value = |name: &str| environment.get(name);
        let is_on = |name: &str| value(name).is_some_and(|value| value != "0");
        let is_ci = value("CI").is_some_and(|value| value != "0" && value != "false");
        let is_dumb = value("TERM").is_some_and(|term| term == "dumb");
        let paint = |is_terminal: bool| match global.color {
            Color::Always => Paint(true),
            Color::Never => Paint(false),
            Color::Auto if value("NO_COLOR").is_some() => Paint(false),
            Color::Auto => Paint(is_on("CLICOLOR_FORCE") || (is_terminal && !is_dumb)),
        };
        let can_redraw = terminals.stderr && !is_dumb;
        let interactive = terminals.stdin && terminals.stderr && !is_ci;
        Self {
            stdout: paint(terminals.stdout),
            stderr: paint(terminals.stderr),
            interactive,
            live: match global.progress {
                Progress::Auto => can_redraw && !is_ci,
                Progress::Plain => false,
                Progress::Live => can_redraw,
            },
            private: interactive && terminals.stdout && !global.json,
        }
    }

    /// Those of a run that prints to nobody.
    pub(crate) fn none() -> Self {
        Self {
            stdout: Paint(false),
            stderr: Paint(false),
            interactive: false,
            live: false,
            private: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    const ALL: Terminals = Terminals {
        stdin: true,
        stdout: true,
        stderr: true,
    };

    fn seen(
        arguments: &[&str],
        terminals: Terminals,
        variables: &[(&str, &str)],
    ) -> TerminalSettings {
        let line = ["provision", "up"].iter().chain(arguments);
        let cli = Cli::try_parse_from(line).expect("the arguments are right");
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        TerminalSettings::new(&cli.global, terminals, &variables.collect())
    }

    #[test]
    fn a_secret_is_for_a_person_who_alone_reads_the_result() {
        assert!(seen(&[], ALL, &[]).private);
        let redirected = Terminals {
            stdout: false,
            ..ALL
        };
        assert!(!seen(&[], redirected, &[]).private);
        assert!(!seen(&["--json"], ALL, &[]).private);
        assert!(!seen(&[], ALL, &[("CI", "true")]).private);
    }

    #[test]
    fn who_sits_at_a_terminal_is_asked() {
        for variables in [
            &[][..],
            &[("TERM", "dumb")],
            &[("CI", "")],
            &[("CI", "0")],
            &[("CI", "false")],
        ] {
            assert!(seen(&[], ALL, variables).interactive, "{variables:?}");
        }
        assert!(!seen(&[], ALL, &[("CI", "true")]).interactive);
        assert!(!seen(&[], ALL, &[("CI", "1")]).interactive);
        let piped = Terminals {
            stdin: false,
            ..ALL
        };
        assert!(!seen(&[], piped, &[]).interactive);
    }

    #[test]
    fn a_dumb_terminal_is_neither_redrawn_nor_coloured() {
        let dumb = seen(&[], ALL, &[("TERM", "dumb")]);
        assert!(!dumb.live);
        assert_eq!(dumb.stdout, Paint(false));
    }

    #[test]
    fn colour_is_forced_by_anything_but_zero() {
        let nowhere = Terminals {
            stdin: false,
            stdout: false,
            stderr: false,
        };
        let forced = |value| seen(&[], nowhere, &[("CLICOLOR_FORCE", value)]).stdout;
        assert_eq!(forced("1"), Paint(true));
        assert_eq!(forced("0"), Paint(false));
        assert_eq!(forced(""), Paint(false));
    }
}
