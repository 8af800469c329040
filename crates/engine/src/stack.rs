//! A stack while it is declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::Location;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use serde::Serialize;

use crate::asset::{Asset, Code};
use crate::env::{Architecture, Env};
use crate::fault;
use crate::input::{Expr, Handle, Input, TARGET};
use crate::package::CodeSha256;
use crate::resource::{AnyResource, Resource};

/// Number of stacks that this process has begun.
static STACKS: AtomicU32 = AtomicU32::new(0);

/// A value that can be added to a stack: a resource, or several that belong together.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be added to a stack",
    label = "neither a resource nor a construct",
    note = "`Stack::add` takes a resource of a kind, or a construct, by value"
)]
pub trait Construct {
    /// The type by which others refer to it.
    type Handle;

    /// Declares it under `id`.
    fn declare(self, id: &str, stack: &mut Stack) -> Self::Handle;
}

#[diagnostic::do_not_recommend]
impl<R: Resource> Construct for R {
    type Handle = Handle<R>;

    fn declare(self, id: &str, stack: &mut Stack) -> Handle<R> {
        stack.put(id, self.into());
        Handle::new(stack.number, id)
    }
}

/// A named set of resources that are deployed together, while it is declared. Mistakes are collected, and
/// [`finish`](Stack::finish) returns all of them.
#[derive(Debug)]
pub struct Stack {
    /// Tells this stack's handles from those of another one.
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) env: Env,
    pub(crate) declared: Vec<Declared>,
    pub(crate) outputs: Vec<(String, Output, &'static Location<'static>)>,
    pub(crate) checks: Vec<(Check, &'static Location<'static>)>,
    pub(crate) assets: Vec<Asset>,
    pub(crate) renamed: BTreeMap<String, String>,
    /// The line that began the stack.
    pub(crate) begun_at: &'static Location<'static>,
    /// The line that renamed something last.
    pub(crate) renamed_at: &'static Location<'static>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) mistakes: Vec<Mistake>,
    /// Pairs of a resource's id and a warning's.
    pub(crate) acknowledged: BTreeMap<(String, String), &'static Location<'static>>,
    /// The line of the application that is at work.
    pub(crate) at: &'static Location<'static>,
    depth: u32,
}

/// One resource of a stack.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its id within the stack.
    pub id: String,
    /// Its desired state.
    pub resource: AnyResource,
    /// Ids of resources that it needs although it uses none of their outputs.
    pub after: BTreeSet<String>,
    /// The line that declares it.
    pub(crate) at: &'static Location<'static>,
}

/// A value that a stack outputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A text.
    Text(Input<String>),
    /// The secret of the resource with this id, which is hidden unless asked for.
    Secret(String),
}

/// A request that tells whether a stack answers: with 200, and without its key with 403.
#[derive(Clone, Debug)]
pub struct Check {
    /// The HTTP method.
    pub method: String,
    /// The URL.
    pub url: Input<String>,
    /// The body, in JSON; empty for none.
    pub body: String,
    /// The id of the API key that the request is sent with.
    pub key: Option<Input<String>>,
    /// Ids of resources that must work for such an answer.
    pub proves: Vec<String>,
}

/// A value that makes a [`Check`].
pub trait IntoCheck {
    /// Makes it, and notes what is wrong with it in `stack`.
    fn into_check(self, stack: &mut Stack) -> Check;
}

impl IntoCheck for Check {
    fn into_check(self, _stack: &mut Stack) -> Check {
        self
    }
}

/// What a stack function returns: a stack, or the reason why there is none.
pub trait IntoStack {
    /// Returns the stack.
    ///
    /// # Errors
    ///
    /// The stack function's own.
    fn into_stack(self) -> Result<Stack>;
}

impl IntoStack for Stack {
    fn into_stack(self) -> Result<Stack> {
        Ok(self)
    }
}

impl IntoStack for Result<Stack> {
    fn into_stack(self) -> Result<Stack> {
        self
    }
}

/// The rest of a sentence about a resource of another stack.
pub(crate) const ANOTHER_STACK: &str =
    "another stack's: let that stack output it, and refer here to what exists already";

/// A mistake in a declaration, and the line of the application that made it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{at}: {text}")]
pub struct Mistake {
    /// The mistake.
    pub text: String,
    /// `Code::Argument` where a parameter on the command line is wrong, else `Code::Limit`.
    pub code: fault::Code,
    /// The line.
    pub at: &'static Location<'static>,
}

/// All mistakes in a declaration.
#[derive(Clone, Debug)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

impl Mistakes {
    /// The code of all together: the command line's mistakes come first.
    pub fn code(&self) -> fault::Code {
        let is_argument = |mistake: &Mistake| mistake.code == fault::Code::Argument;
        if self.0.iter().any(is_argument) {
            fault::Code::Argument
        } else {
            fault::Code::Limit
        }
    }
}

impl<T: Serialize> From<&Input<T>> for Output {
    fn from(input: &Input<T>) -> Self {
        Self::Text(input.text())
    }
}

impl<T: Serialize> From<Input<T>> for Output {
    fn from(input: Input<T>) -> Self {
        Self::Text(input.text())
    }
}

impl Stack {
    /// An empty stack, whose name carries the environment's.
    #[track_caller]
    pub fn new(name: &str, env: &Env) -> Self {
        Self {
            number: STACKS.fetch_add(1, Ordering::Relaxed),
            name: env.named(name),
            env: env.clone(),
            declared: Vec::new(),
            outputs: Vec::new(),
            checks: Vec::new(),
            assets: Vec::new(),
            renamed: BTreeMap::new(),
            begun_at: Location::caller(),
            renamed_at: Location::caller(),
            parameters: BTreeMap::new(),
            mistakes: Vec::new(),
            acknowledged: BTreeMap::new(),
            at: Location::caller(),
            depth: 0,
        }
    }

    /// The stack's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The environment it is declared for.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Returns the value of `--set name=VALUE`, else `default`. A text that is no `T` is a mistake.
    #[track_caller]
    pub fn parameter<T: FromStr + ToString>(&mut self, name: &str, default: T) -> T {
        self.enter(Location::caller());
        self.parameters.insert(name.to_owned(), default.to_string());
        let Some(text) = self.env.parameters().get(name).cloned() else {
            return default;
        };
        if let Ok(value) = text.parse() {
            return value;
        }
        self.mistakes.push(Mistake {
            text: format!(
                "the parameter `{name}` takes a value like `{}`, not `{text}`",
                default.to_string()
            ),
            code: fault::Code::Argument,
            at: self.at,
        });
        default
    }

    /// Returns the value of `--set name=VALUE`. A stack that is declared without it is a mistake; a text that is no `T` as well.
    #[track_caller]
    pub fn required<T: FromStr + Default>(&mut self, name: &str) -> T {
        self.enter(Location::caller());
        self.parameters.insert(name.to_owned(), String::new());
        let given = self.env.parameters().get(name).cloned();
        let text = match &given {
            None if self.env.is_pattern() => return T::default(),
            None => format!("the stack needs a value for `{name}`: `--set {name}=VALUE`"),
            Some(text) => match text.parse() {
                Ok(value) => return value,
                Err(_) => format!("the parameter `{name}` does not take `{text}`"),
            },
        };
        self.mistakes.push(Mistake {
            text,
            code: fault::Code::Argument,
            at: self.at,
        });
        T::default()
    }

    /// Declares `construct` under an id that is its own within the stack.
    #[track_caller]
    pub fn add<C: Construct>(&mut self, id: &str, construct: C) -> C::Handle {
        self.enter(Location::caller());
        self.depth += 1;
        let handle = construct.declare(id, self);
        self.depth -= 1;
        handle
    }

    fn put(&mut self, id: &str, resource: AnyResource) {
        let is_part =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        // The root's route is `api/GET/`.
        let parts = id.strip_suffix('/').unwrap_or(id);
        if id.is_empty()
            || id.contains('#')
            || !parts.trim_start_matches('/').split('/').all(is_part)
        {
            self.mistake(format!(
                "`{id}` cannot be an id: use ASCII letters, digits and signs, with `/` between parts"
            ));
            return;
        }
        if id == TARGET {
            self.mistake(format!("`{id}` cannot be an id: it stands for the account"));
            return;
        }
        if let Some(first) = self.declared.iter().find(|declared| declared.id == id) {
            let (noun, at) = (first.resource.noun(), first.at);
            self.mistake(format!(
                "`{id}` is declared twice: it is the {noun} of {at}"
            ));
            return;
        }
        self.declared.push(Declared {
            id: id.to_owned(),
            resource,
            after: BTreeSet::new(),
            at: self.at,
        });
    }

    /// Creates `dependent` after `dependency`, although it uses none of its outputs.
    #[track_caller]
    pub fn add_dependency<A, B>(&mut self, dependent: &Handle<A>, dependency: &Handle<B>) {
        self.enter(Location::caller());
        if dependent.is_existing() {
            self.mistake(format!(
                "`{}` exists already: it cannot wait for anything",
                dependent.id()
            ));
            return;
        }
        if dependency.is_existing() || !self.owns(dependent) || !self.owns(dependency) {
            return;
        }
        let mut declared = self.declared.iter_mut();
        let found = declared.find(|declared| declared.id == dependent.id());
        match found {
            Some(found) => {
                found.after.insert(dependency.id().to_owned());
            }
            None => self.mistake(format!(
                "`{}` is not declared in this stack",
                dependent.id()
            )),
        }
    }

    /// Returns false, and notes the mistake, if the resource is another stack's.
    fn owns<R>(&mut self, handle: &Handle<R>) -> bool {
        let is_own = handle.stack().is_none_or(|number| number == self.number);
        if !is_own {
            self.mistake(format!("`{}` is {ANOTHER_STACK}", handle.id()));
        }
        is_own
    }

    /// Declares code under an id of its own, and returns the hash of its package, which is known once it is built.
    #[track_caller]
    pub fn asset(&mut self, id: &str, code: Code, architecture: Architecture) -> Input<CodeSha256> {
        self.enter(Location::caller());
        let asset = Asset {
            id: id.to_owned(),
            code,
            architecture,
        };
        match self.assets.iter().find(|known| known.id == id) {
            // Several functions may run one asset.
            Some(known) if *known == asset => {}
            Some(_) => self.mistake(format!("the asset `{id}` is declared twice")),
            None => self.assets.push(asset),
        }
        Input::Expr(Expr::Ref(format!("{id}.sha256")))
    }

    /// Changes a declared resource.
    #[track_caller]
    pub fn edit<R: Resource>(&mut self, handle: &Handle<R>, change: impl FnOnce(&mut R)) {
        self.enter(Location::caller());
        if handle.is_existing() {
            self.mistake(format!(
                "the {} `{}` exists already, and is not this stack's to change",
                R::KIND.noun,
                handle.id()
            ));
        } else if self.owns(handle) {
            self.change(handle.id(), change);
        }
    }

    /// Changes a resource that a construct declared, by its id.
    #[track_caller]
    pub fn edit_by_id<R: Resource>(&mut self, id: &str, change: impl FnOnce(&mut R)) {
        self.enter(Location::caller());
        self.change(id, change);
    }

    /// Changes all resources of a kind that are declared so far; `change` gets the id of each.
    #[track_caller]
    pub fn edit_all<R: Resource>(&mut self, mut change: impl FnMut(&str, &mut R)) {
        self.enter(Location::caller());
        for declared in &mut self.declared {
            if let Some(resource) = declared.resource.get_mut::<R>() {
                change(&declared.id, resource);
            }
        }
    }

    fn change<R: Resource>(&mut self, id: &str, change: impl FnOnce(&mut R)) {
        let mut declared = self.declared.iter_mut();
        let found = declared.find(|declared| declared.id == id);
        if let Some(resource) = found.and_then(|found| found.resource.get_mut::<R>()) {
            return change(resource);
        }
        self.mistake(format!("there is no {} `{id}`", R::KIND.noun));
    }

    /// Keeps the ids, and with them the default names, that resources had before they were renamed in the code: pairs of the
    /// new and the old id. Comes before the resources are added. Renames the parts of a construct as well.
    #[track_caller]
    pub fn rename_ids<'a>(&mut self, renamed: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.enter(Location::caller());
        for (new, old) in renamed {
            let part = format!("{new}/");
            let is_late = |id: &str| id == new || id.starts_with(&part);
            if self.declared.iter().any(|declared| is_late(&declared.id)) {
                self.mistake(format!(
                    "`rename_ids` of `{new}` comes after it was added: its name on AWS follows from the id"
                ));
            }
            self.renamed.insert(new.to_owned(), old.to_owned());
            self.renamed_at = self.at;
        }
    }

    /// Returns the name on AWS of a resource that was given none: the stack's name and the id, as it was before a renaming.
    pub fn default_name(&self, id: &str) -> String {
        let id = kept_id(&self.renamed, id);
        format!("{}-{}", self.name, id.replace('/', "-"))
    }

    /// Outputs a value under `name`.
    #[track_caller]
    pub fn output(&mut self, name: &str, value: impl Into<Output>) {
        self.enter(Location::caller());
        if self.outputs.iter().any(|(known, ..)| known == name) {
            self.mistake(format!("the output `{name}` is declared twice"));
        }
        self.outputs.push((name.to_owned(), value.into(), self.at));
    }

    /// Outputs the secret of a resource, such as an API key's value.
    #[track_caller]
    pub fn output_secret<R: Resource>(&mut self, name: &str, of: &Handle<R>) {
        self.enter(Location::caller());
        if self.owns(of) {
            self.output(name, Output::Secret(of.id().to_owned()));
        }
    }

    /// Adds a request that tells whether the stack answers.
    #[track_caller]
    pub fn check(&mut self, check: impl IntoCheck) {
        self.enter(Location::caller());
        let check = check.into_check(self);
        self.checks.push((check, self.at));
    }

    /// Says that what a warning tells of the resource `id` is meant: the warning is not given any more. `warning` is the text in
    /// its parentheses.
    #[track_caller]
    pub fn acknowledge(&mut self, id: &str, warning: &str) {
        self.enter(Location::caller());
        self.acknowledged
            .insert((id.to_owned(), warning.to_owned()), self.at);
    }

    /// Notes a mistake at the line of the application that is at work.
    pub fn mistake(&mut self, text: impl Into<String>) {
        self.mistakes.push(Mistake {
            text: text.into(),
            code: fault::Code::Limit,
            at: self.at,
        });
    }

    /// Within a construct, the application's own line counts.
    fn enter(&mut self, caller: &'static Location<'static>) {
        if self.depth == 0 {
            self.at = caller;
        }
    }
}

/// Returns the id that a resource had before it, or the construct it is part of, was renamed.
pub(crate) fn kept_id(renamed: &BTreeMap<String, String>, id: &str) -> String {
    let mut end = id.len();
    loop {
        if let Some(old) = renamed.get(&id[..end]) {
            return format!("{old}{}", &id[end..]);
        }
        match id[..end].rfind('/') {
            Some(at) => end = at,
            None => return id.to_owned(),
        }
    }
}
