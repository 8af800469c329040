//! A finished stack: plain data that the engine works on, checked as far as it can be without AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::asset::Asset;
use crate::fault::Code;
use crate::input::{
    Handle, Input, Outputs, TARGET, TARGET_OUTPUTS, hex, is_resolved, map_references, references,
};
use crate::owner::Mark;
use crate::refusals::Refusals;
use crate::resource::{AnyResource, Kinds, Resource};
use crate::stack::{ANOTHER_STACK, Check, Declared, Mistake, Mistakes, Output, Stack, kept_id};
use crate::target::Target;
use crate::warning::{Remark, Warning};

/// A finished stack.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The stack's name.
    pub name: String,
    /// The resources; each comes after those it waits for.
    pub resources: Vec<Declared>,
    /// The outputs, in the order they are printed.
    pub outputs: Vec<(String, Output)>,
    /// The requests that tell whether the stack answers.
    pub checks: Vec<Check>,
    /// The code that functions run.
    pub assets: Vec<Asset>,
    /// The parameters that the stack asked for, with their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Remarks on what is most likely not meant.
    pub warnings: Vec<Remark>,
}

impl Stack {
    /// Checks and completes the declaration.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with the line of the application.
    pub fn finish(self) -> Result<Declaration, Mistakes> {
        let names = Names::of(&self);
        let mut mistakes = self.mistakes.clone();
        let given = self.env.parameters().keys();
        for name in given.filter(|name| !self.parameters.contains_key(*name)) {
            let known = listed(self.parameters.keys());
            mistakes.push(Mistake {
                text: if known.is_empty() {
                    format!("the stack has no parameter `{name}`")
                } else {
                    format!("the stack has no parameter `{name}`; there is {known}")
                },
                code: Code::Argument,
                at: self.begun_at,
            });
        }
        let mut note = |at, text| {
            mistakes.push(Mistake {
                text,
                code: Code::Limit,
                at,
            });
        };
        for text in names.unused_renamings() {
            note(self.renamed_at, text);
        }
        for (at, text) in names.unknown_acknowledged(&self) {
            note(at, text);
        }
        for (at, text) in names.repeated_ids(&self) {
            note(at, text);
        }
        for asset in &self.assets {
            let id = &asset.id;
            if let Some(same) = self.declared.iter().find(|declared| declared.id == *id) {
                let noun = same.resource.noun();
                note(
                    same.at,
                    format!("`{id}` is declared twice: it is an asset and a {noun}"),
                );
            }
        }
        let mut resources = Vec::new();
        for declared in &self.declared {
            match names.finished(declared, &self.name) {
                Ok(finished) => resources.push(finished),
                Err(text) => {
                    let noun = declared.resource.noun();
                    note(declared.at, format!("{noun} `{}`: {text}", declared.id));
                }
            }
        }
        let mut outputs = Vec::new();
        for (name, output, at) in &self.outputs {
            match names.output(output) {
                Ok(output) => outputs.push((name.clone(), output)),
                Err(text) => note(at, format!("output `{name}`: {text}")),
            }
        }
        let mut checks = Vec::new();
        for (check, at) in &self.checks {
            match names.check(check) {
                Ok(check) => checks.push(check),
                Err(text) => note(at, format!("check: {text}")),
            }
        }
        let assets = self.assets.iter().map(|asset| Asset {
            id: names.id(&asset.id),
            ..asset.clone()
        });
        let mut declaration = Declaration {
            name: self.name.clone(),
            resources,
            outputs,
            checks,
            assets: assets.collect(),
            parameters: self.parameters.clone(),
            warnings: Vec::new(),
        };
        // What does not refer to what is there cannot be looked at any further.
        if declaration.resources.len() == self.declared.len() {
            declaration.find_mistakes(self.env.is_pattern(), &mut mistakes);
        }
        if mistakes.is_empty() {
            declaration.warnings = self.warnings(&declaration);
            Ok(declaration.sorted())
        } else {
            Err(Mistakes(mistakes))
        }
    }
}

impl Stack {
    /// Returns what is most likely not meant, and was not acknowledged.
    fn warnings(&self, declaration: &Declaration) -> Vec<Remark> {
        let names = Names::of(self);
        let acknowledged: BTreeSet<(String, &str)> = self
            .acknowledged
            .keys()
            .map(|(id, warning)| (names.id(id), warning.as_str()))
            .collect();
        let mut found = Vec::new();
        if declaration.resources.is_empty() {
            let text = "the stack declares nothing: `up` deletes what it had";
            found.push(Remark {
                warning: Warning::new("empty-stack", text),
                at: self.at,
            });
        }
        for declared in &declaration.resources {
            for mut warning in declared.resource.warnings(declaration) {
                if !acknowledged.contains(&(declared.id.clone(), warning.id)) {
                    let noun = declared.resource.noun();
                    warning.text = format!("{noun} `{}`: {}", declared.id, warning.text);
                    found.push(Remark {
                        warning,
                        at: declared.at,
                    });
                }
            }
        }
        found
    }
}

/// The ids and outputs of a stack, and what its references are called after renaming.
struct Names<'a> {
    /// The stack's number.
    stack: u32,
    /// By id: the outputs that others can refer to.
    outputs: BTreeMap<&'a str, BTreeSet<String>>,
    renamed: &'a BTreeMap<String, String>,
}

impl<'a> Names<'a> {
    fn of(stack: &'a Stack) -> Self {
        let declared = stack
            .declared
            .iter()
            .map(|declared| (declared.id.as_str(), declared.resource.output_names()));
        let hashes = || BTreeSet::from(["sha256".to_owned()]);
        let assets = stack
            .assets
            .iter()
            .map(|asset| (asset.id.as_str(), hashes()));
        Self {
            stack: stack.number,
            outputs: declared.chain(assets).collect(),
            renamed: &stack.renamed,
        }
    }

    fn unused_renamings(&self) -> Vec<String> {
        let is_used = |id: &str| {
            let part = format!("{id}/");
            let mut known = self.outputs.keys();
            known.any(|known| *known == id || known.starts_with(&part))
        };
        let unused = self.renamed.keys().filter(|id| !is_used(id));
        unused
            .map(|id| format!("`rename_ids`: there is no `{id}`{}", self.similar_to(id)))
            .collect()
    }

    fn unknown_acknowledged(&self, stack: &Stack) -> Vec<(&'static Location<'static>, String)> {
        let all = stack.acknowledged.iter();
        let unknown = all.filter(|((id, _), _)| !self.outputs.contains_key(id.as_str()));
        let told = |id| format!("`acknowledge`: there is no `{id}`{}", self.similar_to(id));
        unknown.map(|((id, _), at)| (*at, told(id))).collect()
    }

    /// Resources that a renaming gives an id that another one has.
    fn repeated_ids(&self, stack: &Stack) -> Vec<(&'static Location<'static>, String)> {
        let mut known: BTreeMap<String, &Declared> = BTreeMap::new();
        let mut repeated = Vec::new();
        for declared in &stack.declared {
            let Some(first) = known.insert(self.id(&declared.id), declared) else {
                continue;
            };
            // The one that was renamed is told by its new id.
            let (renamed, kept) = if self.id(&declared.id) == declared.id {
                (first, declared)
            } else {
                (declared, first)
            };
            let (new, old) = (&renamed.id, self.id(&kept.id));
            let text = format!("`rename_ids` gives `{new}` the id of `{old}`");
            repeated.push((renamed.at, text));
        }
        repeated
    }

    fn similar_to(&self, id: &str) -> String {
        let distance = |known: &&&str| strsim::damerau_levenshtein(known, id);
        let similar = self.outputs.keys().filter(|known| distance(known) <= 3);
        let similar: Vec<&&str> = similar.collect();
        if similar.is_empty() {
            String::new()
        } else {
            format!("; there is {}", listed(similar))
        }
    }

    fn id(&self, id: &str) -> String {
        kept_id(self.renamed, id)
    }

    /// Returns the reference `path` with the id that is kept.
    fn reference(&self, path: &str) -> Result<String, String> {
        if let Some(text) = path.strip_prefix('!') {
            return Err(text.to_owned());
        }
        let (stack, path) = match path.strip_prefix('#').and_then(|rest| rest.split_once('#')) {
            Some((stack, path)) => (stack.parse().ok(), path),
            None => (Some(self.stack), path),
        };
        if stack != Some(self.stack) {
            return Err(format!("`{path}` is {ANOTHER_STACK}"));
        }
        let (id, name) = path.rsplit_once('.').unwrap_or((path, ""));
        if id == TARGET && TARGET_OUTPUTS.contains(&name) {
            return Ok(path.to_owned());
        }
        match self.outputs.get(id) {
            None => Err(format!(
                "`{id}` is not declared in this stack{}",
                self.similar_to(id)
            )),
            Some(known) if !known.contains(name) => Err(format!(
                "`{id}` has no output `{name}`; there is {}",
                listed(known)
            )),
            Some(_) => Ok(format!("{}.{name}", self.id(id))),
        }
    }

    fn input(&self, input: &Input<String>) -> Result<Input<String>, String> {
        let value = map_references(&input.to_value(), &mut |path| self.reference(path))?;
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn output(&self, output: &Output) -> Result<Output, String> {
        Ok(match output {
            Output::Text(input) => Output::Text(self.input(input)?),
            Output::Secret(id) => {
                self.reference(&format!("{id}.name"))?;
                Output::Secret(self.id(id))
            }
        })
    }

    fn check(&self, check: &Check) -> Result<Check, String> {
        Ok(Check {
            url: self.input(&check.url)?,
            key: check.key.as_ref().map(|key| self.input(key)).transpose()?,
            proves: check.proves.iter().map(|id| self.id(id)).collect(),
            ..check.clone()
        })
    }

    fn finished(&self, declared: &Declared, stack: &str) -> Result<Declared, String> {
        let fields = declared.resource.fields();
        let fields = map_references(&fields, &mut |path| self.reference(path))?;
        let resource = declared.resource.with_fields(&fields);
        let mut resource = resource.map_err(|error| format!("{error:#}"))?;
        let id = self.id(&declared.id);
        // From the fields as they are read back: sets and statements are sorted by their text, in which references count.
        let digest = hex(&Sha256::digest(resource.fields().to_string()));
        resource.mark(&Mark {
            stack,
            id: &id,
            digest: &digest[..12],
        });
        let mut after = BTreeSet::new();
        for needed in &declared.after {
            self.reference(&format!("{needed}.name"))?;
            after.insert(self.id(needed));
        }
        Ok(Declared {
            id,
            resource,
            after,
            at: declared.at,
        })
    }
}

impl Declaration {
    /// Returns the resource with this id.
    pub fn find(&self, id: &str) -> Option<&Declared> {
        self.resources.iter().find(|declared| declared.id == id)
    }

    /// Returns the resource that `handle` refers to, if it is declared and an `R`.
    pub fn get<R: Resource>(&self, handle: &Handle<R>) -> Option<&R> {
        self.find(handle.id())?.resource.get()
    }

    /// All resources of one kind, with their ids.
    pub fn all<R: Resource>(&self) -> impl Iterator<Item = (&str, &R)> {
        let resources = self.resources.iter();
        resources.filter_map(|declared| Some((declared.id.as_str(), declared.resource.get()?)))
    }

    /// Adds the stack's own kinds to `kinds`.
    #[must_use]
    pub fn kinds(&self, mut kinds: Kinds) -> Kinds {
        for declared in &self.resources {
            kinds.learn(&declared.resource);
        }
        kinds
    }

    /// Returns the outputs that are known before AWS is asked: the resources' names.
    pub fn known_names(&self) -> Outputs {
        let mut outputs = Outputs::default();
        for Declared { id, resource, .. } in &self.resources {
            outputs.learn(id, &serde_json::json!({ "name": resource.name() }));
        }
        outputs
    }

    /// Returns `outputs` with all that follows from names in `target`.
    pub fn computed(&self, mut outputs: Outputs, target: &Target) -> Outputs {
        // An output may be computed from another computed one, as deep as stacks get.
        const DEPTH: usize = 3;
        outputs.learn(
            TARGET,
            &serde_json::json!({
                "account": target.account,
                "partition": target.partition,
                "region": target.region,
            }),
        );
        let computing: Vec<(&Declared, Value)> = self
            .resources
            .iter()
            .filter(|declared| declared.resource.computed_names().len() > 1)
            .map(|declared| (declared, declared.resource.fields()))
            .collect();
        for _ in 0..DEPTH {
            let mut is_new = false;
            for (Declared { id, resource, .. }, fields) in &computing {
                if let Ok(resource) = resource.with_fields(&outputs.resolve(fields)) {
                    is_new |= outputs.learn(id, &resource.computed(target));
                }
            }
            if !is_new {
                break;
            }
        }
        outputs
    }

    /// Returns each resource as it will be, as far as that follows from names and `target`.
    pub fn resolved(&self, target: &Target) -> impl Iterator<Item = (&Declared, AnyResource)> {
        let outputs = self.computed(self.known_names(), target);
        self.resources.iter().filter_map(move |declared| {
            let fields = outputs.resolve(&declared.resource.fields());
            Some((declared, declared.resource.with_fields(&fields).ok()?))
        })
    }

    /// Returns the ids of the resources that must exist before `declared`: named ones, and those of whose outputs it uses one
    /// that AWS gives.
    pub fn predecessors(&self, declared: &Declared) -> BTreeSet<String> {
        let mut after = declared.after.clone();
        let by_name = declared.resource.kind().by_name;
        let fields = declared.resource.fields();
        for (field, value) in fields.as_object().into_iter().flatten() {
            let is_by_name = by_name.contains(&field.as_str());
            for path in references(value) {
                let (id, name) = path.rsplit_once('.').unwrap_or((&path, ""));
                let orders = self
                    .find(id)
                    .is_some_and(|source| !(is_by_name && source.is_computed(name)));
                if orders {
                    after.insert(id.to_owned());
                }
            }
        }
        after
    }

    /// Sorts each resource behind those it waits for; the order of declaration decides the rest.
    fn sorted(mut self) -> Self {
        let needs: Vec<BTreeSet<String>> = self
            .resources
            .iter()
            .map(|declared| self.predecessors(declared))
            .collect();
        let mut left: Vec<(Declared, BTreeSet<String>)> = std::mem::take(&mut self.resources)
            .into_iter()
            .zip(needs)
            .collect();
        let mut done: BTreeSet<String> = BTreeSet::new();
        while let Some(at) = left.iter().position(|(_, needs)| needs.is_subset(&done)) {
            let (next, _) = left.remove(at);
            done.insert(next.id.clone());
            self.resources.push(next);
        }
        self
    }

    /// Patterns are no names: AWS's limits are not checked then.
    fn find_mistakes(&self, is_pattern: bool, mistakes: &mut Vec<Mistake>) {
        let mut note = |declared: &Declared, text: String| {
            mistakes.push(Mistake {
                text,
                code: Code::Limit,
                at: declared.at,
            });
        };
        let mut named: BTreeMap<(&str, String), &Declared> = BTreeMap::new();
        for (declared, resource) in self.resolved(&Target::longest()) {
            let noun = resource.noun();
            if !is_pattern {
                let mut refusals = Refusals::default();
                resource.validate(&mut refusals);
                let id = &declared.id;
                declared.resource.validate_among(id, self, &mut refusals);
                for text in refusals.into_texts() {
                    note(declared, format!("{noun} `{id}`: {text}"));
                }
            }
            let is_named = is_resolved(&resource.fields()["name"]);
            if !resource.kind().has_unique_name || !is_named {
                continue;
            }
            let key = (resource.type_name(), resource.name());
            if let Some(first) = named.insert(key, declared) {
                note(
                    declared,
                    format!(
                        "{noun} `{}` and {noun} `{}` have one name on AWS: `{}`",
                        first.id,
                        declared.id,
                        resource.name()
                    ),
                );
            }
        }
        if let Some((declared, circle)) = self.circle() {
            let circle = listed(&circle);
            note(
                declared,
                format!("each of these needs the next, and the last the first: {circle}"),
            );
        }
    }

    fn circle(&self) -> Option<(&Declared, Vec<String>)> {
        let needs: BTreeMap<&str, BTreeSet<String>> = self
            .resources
            .iter()
            .map(|declared| (declared.id.as_str(), self.predecessors(declared)))
            .collect();
        let mut sound: BTreeSet<String> = BTreeSet::new();
        let is_next = |id: &str, needs: &BTreeSet<String>, sound: &BTreeSet<String>| {
            !sound.contains(id) && needs.is_subset(sound)
        };
        while let Some((id, _)) = needs.iter().find(|(id, needs)| is_next(id, needs, &sound)) {
            sound.insert((*id).to_owned());
        }
        let first = needs.keys().find(|id| !sound.contains(**id))?;
        let mut path = vec![(*first).to_owned()];
        loop {
            let needed = needs.get(path.last()?.as_str())?;
            let next = needed.iter().find(|id| !sound.contains(*id))?;
            if let Some(start) = path.iter().position(|id| id == next) {
                return Some((self.find(&path[start])?, path.split_off(start)));
            }
            path.push(next.clone());
        }
    }
}

impl Declared {
    /// Returns true if the output `name` is known without AWS.
    pub(crate) fn is_computed(&self, name: &str) -> bool {
        self.resource.computed_names().contains(name)
    }
}

/// Lists names in backticks.
pub(crate) fn listed(names: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
