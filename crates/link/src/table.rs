//! The link to a table.

use std::marker::PhantomData;

use serde_json::{Value, json};

use crate::item::Item;
use crate::links::{Link, Need, Statement};
use crate::operations::{Operations, Permission};

/// A table of `I` on which a function may call the operations `P`. Its variable holds the table's name.
#[derive(Debug)]
pub struct Table<I, P> {
    name: Value,
    arn: Value,
    leading_key: Option<String>,
    of: PhantomData<fn() -> (I, P)>,
}

impl<I, P> Table<I, P> {
    /// The link to the table with this name and ARN, which may be references.
    pub fn to(name: Value, arn: Value) -> Self {
        Self {
            name,
            arn,
            leading_key: None,
            of: PhantomData,
        }
    }

    /// Grants only items whose partition key is `value`, which may hold a variable of IAM: `${aws:PrincipalTag/tenant}`.
    #[must_use]
    pub fn leading_key(self, value: &str) -> Self {
        Self {
            leading_key: Some(value.to_owned()),
            ..self
        }
    }

    /// The table's name, once the link is loaded.
    pub fn name(&self) -> &str {
        self.name.as_str().unwrap_or_default()
    }
}

impl<I: Item, P: Operations> Link for Table<I, P> {
    fn need(&self) -> Need {
        let actions = |is_meant: fn(&Permission) -> bool| -> Vec<&'static str> {
            let meant = P::PERMISSIONS.iter().filter(|one| is_meant(one));
            meant.map(|one| one.action).collect()
        };
        let statement = |actions, resources| Statement {
            actions,
            resources,
            leading_key: self.leading_key.clone(),
        };
        let mut statements = vec![statement(actions(|_| true), vec![self.arn.clone()])];
        let on_indexes = actions(|one| one.on_indexes);
        let indexes: Vec<Value> = I::SCHEMA
            .indexes
            .iter()
            .map(|index| json!({ "$join": [self.arn, format!("/index/{}", index.name)] }))
            .collect();
        if !on_indexes.is_empty() && !indexes.is_empty() {
            statements.push(statement(on_indexes, indexes));
        }
        Need {
            value: self.name.clone(),
            statements,
        }
    }

    fn load(value: String) -> Result<Self, String> {
        Ok(Self::to(value.into(), Value::Null))
    }
}
