//! Resources of others under names that have to be unique.

use std::io::{Cursor, Write};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{THEIRS, Target, Undone};
use crate::account::Account;

const LAMBDA_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// Makes a resource of somebody else that has `name`: the role, table, function or log group of `target`.
///
/// # Errors
///
/// The answer of AWS, most often that the name is taken already.
pub async fn take_name(account: &Account, target: &Target, name: &str) -> Result<(), Undone> {
    if name == target.role {
        create_role(account, name).await
    } else if name == target.table {
        create_table(account, name).await
    } else if name == target.function {
        // Its role stays with it.
        create_role(account, THEIRS).await?;
        let create = account.lambda.create_function().function_name(name);
        let create = create.runtime(Runtime::Providedal2023).handler("bootstrap");
        let create = create.role(format!("arn:aws:iam::{}:role/{THEIRS}", account.id));
        let code = FunctionCode::builder().zip_file(other_package()).build();
        create.code(code).send().await?;
        Ok(())
    } else if name == target.log_group {
        let create = account.logs.create_log_group();
        create.log_group_name(name).send().await?;
        Ok(())
    } else {
        Err(format!("no resource of the stack is called {name}").into())
    }
}

/// Returns a package with a `bootstrap` that does nothing.
pub fn other_package() -> Blob {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options)
        .expect("a zip in memory");
    zip.write_all(b"#!/bin/sh\n").expect("a zip in memory");
    Blob::new(zip.finish().expect("a zip in memory").into_inner())
}

async fn create_role(account: &Account, name: &str) -> Result<(), Undone> {
    let create = account.iam.create_role().role_name(name);
    let create = create.assume_role_policy_document(LAMBDA_TRUST);
    create.send().await?;
    Ok(())
}

pub(super) async fn create_table(account: &Account, name: &str) -> Result<(), Undone> {
    let key = KeySchemaElement::builder().attribute_name("id");
    let attribute = AttributeDefinition::builder().attribute_name("id");
    let create = account.dynamodb.create_table().table_name(name);
    let create = create.key_schema(key.key_type(KeyType::Hash).build()?);
    let attribute = attribute.attribute_type(ScalarAttributeType::S).build()?;
    let create = create.attribute_definitions(attribute);
    let create = create.billing_mode(BillingMode::PayPerRequest);
    create.send().await?;
    Ok(())
}
