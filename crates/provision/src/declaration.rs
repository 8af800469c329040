//! A stack as it is declared: resources in order, and what the whole of it yields.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::input::{Expr, Handle, Input, Outputs, hex, references};
use crate::owner::Mark;
use crate::resource::{CodeSha256, KeyId, Resource};

/// The id under which the packaged function's hash is known.
const PACKAGE: &str = "package";

/// The named set of resources that are deployed together.
#[derive(Clone, Debug)]
pub struct Stack {
    pub name: String,
    pub declared: Vec<Declared>,
    /// What the stack yields, in the order it is printed.
    pub outputs: Vec<(&'static str, Input<String>)>,
    /// How to tell that the stack answers.
    pub check: Option<Check>,
}

/// One resource of a stack.
#[derive(Clone, Debug)]
pub struct Declared {
    pub id: String,
    pub resource: Resource,
    /// Resources it needs although it uses none of their outputs.
    pub after: BTreeSet<String>,
}

/// A request that a stack which is up answers with 200 — and with 403 when the key is missing.
#[derive(Clone, Debug)]
pub struct Check {
    pub method: &'static str,
    pub url: Input<String>,
    pub body: String,
    pub key: Input<KeyId>,
    /// Declaration ids of what must be working for such an answer.
    pub proves: Vec<String>,
}

impl Stack {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            declared: Vec::new(),
            outputs: Vec::new(),
            check: None,
        }
    }

    /// Declares `resource` under an id that is its own within the stack, with the stack's tags.
    pub fn add<R: Into<Resource>>(&mut self, id: &str, resource: R) -> Handle<R> {
        self.add_after(id, [], resource)
    }

    /// The same for a resource that needs others to be there, although it uses none of their outputs.
    pub fn add_after<'a, R: Into<Resource>>(
        &mut self,
        id: &str,
        after: impl IntoIterator<Item = &'a str>,
        resource: R,
    ) -> Handle<R> {
        let mut resource = resource.into();
        let digest = hex(&Sha256::digest(resource.fields().to_string()));
        resource.mark(&Mark {
            stack: &self.name,
            id,
            digest: &digest[..12],
        });
        assert!(self.find(id).is_none(), "`{id}` is declared twice");
        let after = after.into_iter().map(str::to_owned).collect();
        self.declared.push(Declared {
            id: id.to_owned(),
            resource,
            after,
        });
        Handle::new(id)
    }

    /// The hash of the packaged function, known once it is built.
    pub fn package(&self) -> Input<CodeSha256> {
        Input::Expr(Expr::Ref(format!("{PACKAGE}.sha256")))
    }

    pub fn output<T: serde::Serialize>(&mut self, name: &'static str, value: &Input<T>) {
        self.outputs.push((name, value.join("")));
    }

    pub fn find(&self, id: &str) -> Option<&Declared> {
        self.declared.iter().find(|declared| declared.id == id)
    }

    /// What is known of all outputs before AWS is asked anything.
    pub fn known_names(&self) -> Outputs {
        let mut outputs = Outputs::default();
        for Declared { id, resource, .. } in &self.declared {
            outputs.learn(id, &serde_json::json!({ "name": resource.name() }));
        }
        outputs
    }

    /// Whether any resource is made from the packaged function.
    pub fn needs_package(&self) -> bool {
        self.declared
            .iter()
            .any(|declared| needs_package(&declared.resource.fields()))
    }
}

/// Records the hash of the packaged function.
pub fn learn_package(outputs: &mut Outputs, sha256: &CodeSha256) {
    outputs.learn(PACKAGE, &serde_json::json!({ "sha256": sha256 }));
}

/// Whether `fields` still waits for the packaged function.
pub fn needs_package(fields: &serde_json::Value) -> bool {
    references(fields)
        .iter()
        .any(|path| path.starts_with("package."))
}
