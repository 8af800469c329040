//! An application: a stack function with a name, its own flags, and the whole command line.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use provision_engine::declaration::Declaration;
use provision_engine::env::Env;
use provision_engine::fault::Code;
use provision_engine::resource::{Kinds, Resource};
use provision_engine::stack::{IntoStack, Stack};

/// A function that declares a stack.
type StackFunction = dyn Fn(&Env) -> Result<Stack>;

/// A program that deploys a stack.
pub struct App {
    name: &'static str,
    about: &'static str,
    stack: Box<StackFunction>,
    kinds: Kinds,
    flags: Vec<Flag>,
    folder: Option<PathBuf>,
}

/// A flag of the application's own, which sets a parameter of the stack: `--rate 50` for `--set rate=50`.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// The parameter, and the flag behind `--`.
    pub name: &'static str,
    /// The placeholder of its value in the help: `N`.
    pub value_name: &'static str,
    /// The line in the help.
    pub help: &'static str,
}

impl App {
    /// Creates an application whose program is called `name`, with the kinds of `provision-aws` and an empty stack.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            about: "Deploys a stack straight through the AWS SDK. The account is the only state.",
            stack: Box::new(|env| Ok(Stack::new("empty", env))),
            kinds: provision_aws::kinds(),
            flags: Vec::new(),
            folder: None,
        }
    }

    /// Sets the sentence that the help begins with.
    #[must_use]
    pub fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// Sets the function that declares the stack: it returns a [`Stack`], or a `Result` of one.
    #[must_use]
    pub fn stack<S: IntoStack>(self, stack: impl Fn(&Env) -> S + 'static) -> Self {
        Self {
            stack: Box::new(move |env| stack(env).into_stack()),
            ..self
        }
    }

    /// Adds a kind of another crate that the stack once had, so that what is left of it is found and deleted, and stored plans
    /// can be read. Kinds that the stack declares are known.
    #[must_use]
    pub fn kind<R: Resource>(self) -> Self {
        Self {
            kinds: self.kinds.with::<R>(),
            ..self
        }
    }

    /// Adds a flag that sets a parameter of the stack.
    #[must_use]
    pub fn flag(mut self, flag: Flag) -> Self {
        self.flags.push(flag);
        self
    }

    /// Sets a folder of the cargo workspace that the functions are built from: `env!("CARGO_MANIFEST_DIR")`. Where it does not
    /// exist any more, the current folder counts.
    #[must_use]
    pub fn workspace(self, folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: Some(folder.into()),
            ..self
        }
    }

    /// Returns the name of the program.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn about_text(&self) -> &'static str {
        self.about
    }

    pub(crate) fn flags(&self) -> &[Flag] {
        &self.flags
    }

    /// Declares the stack for `env`.
    ///
    /// # Errors
    ///
    /// All mistakes of the declaration, under `Code::Argument` if the command line has one of them and under `Code::Limit` if not,
    /// or the stack function's own error.
    pub fn declare(&self, env: &Env) -> Result<Declaration> {
        let declared = (self.stack)(env)?.finish();
        declared.map_err(|mistakes| {
            let text = match mistakes.code() {
                Code::Argument => "the parameters do not fit the stack",
                _ => "the stack's declaration has mistakes",
            };
            let code = mistakes.code();
            Error::new(mistakes).context(code.fault(text))
        })
    }

    /// Returns the name of the stack in `env`.
    ///
    /// # Errors
    ///
    /// The stack function's own error.
    pub(crate) fn stack_name(&self, env: &Env) -> Result<String> {
        Ok((self.stack)(env)?.name().to_owned())
    }

    /// Returns the kinds of this application, including those of `declaration`.
    pub fn kinds(&self, declaration: &Declaration) -> Kinds {
        declaration.kinds(self.kinds.clone())
    }

    /// The folder whose workspace functions are built from.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        match &self.folder {
            Some(folder) if folder.is_dir() => Ok(folder.clone()),
            _ => std::env::current_dir().context("finding the current folder"),
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
