//! What the local AWS has of AWS: every operation is called, and the page that tells the outcome is compared.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use local_aws::{Operation, catalogue};

use crate::check::NOT_HERE;
use crate::door::{Door, Sent};
use crate::fact;
use crate::run::Run;

const HEAD: &str = "# What the local AWS has of AWS

Each operation of AWS's API models, as a test has found it by calling it (`crates/local-aws/tests/recorded/coverage.rs`, which writes this page with
`UPDATE_EXPECT=1`). Whatever is refused says `The local AWS does not support …` and does nothing. Beside an operation that works stands what of it is
refused, or taken and shown without an effect; each of these is tried as well.
";

const SERVICES: [(&str, &str); 8] = [
    ("apigateway", "API Gateway (REST APIs)"),
    ("dynamodb", "DynamoDB and DynamoDB Streams"),
    ("iam", "IAM"),
    ("lambda", "Lambda"),
    ("logs", "CloudWatch Logs"),
    ("ssm", "SSM Parameter Store"),
    ("sts", "STS"),
    ("tagging", "Resource Groups Tagging API"),
];

#[tokio::test]
async fn the_page_tells_what_is_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let door = Door::Within(super::aws(folder.path()));
    let missing = missing(&door).await;
    let mut outcomes: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for operation in catalogue() {
        let is_here = is_here(&door, &operation).await;
        let lists = outcomes.entry(operation.service).or_default();
        lists[usize::from(!is_here)].push(operation.name);
    }
    let mut page = HEAD.to_owned();
    let _ = writeln!(
        page,
        "\n| Service | Works | of these in part | Refused by name |\n|---|---|---|---|"
    );
    for (service, title) in SERVICES {
        let [works, refused] = &outcomes[service];
        let partly = works
            .iter()
            .filter(|name| missing.contains_key(&format!("{service} {name}")))
            .count();
        let _ = writeln!(
            page,
            "| {title} | {} | {partly} | {} |",
            works.len(),
            refused.len()
        );
    }
    for (service, title) in SERVICES {
        let [works, refused] = &outcomes[service];
        let _ = writeln!(page, "\n## {title}\n\nWorks: {}.", listed(works));
        let partly: Vec<_> = works
            .iter()
            .filter_map(|name| Some((name, missing.get(&format!("{service} {name}"))?)))
            .collect();
        if !partly.is_empty() {
            let _ = writeln!(
                page,
                "\n| Of these | refused, or without effect |\n|---|---|"
            );
        }
        for (name, what) in partly {
            let _ = writeln!(page, "| `{name}` | {} |", what.join("; "));
        }
        if !refused.is_empty() {
            let _ = writeln!(page, "\nRefused: {}.", listed(refused));
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/local-coverage.md");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "{} is out of date: `UPDATE_EXPECT=1` writes it",
        path.display()
    );
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What is refused of operations that work, each tried.
async fn missing(door: &Door) -> BTreeMap<String, Vec<String>> {
    let common = fact::common();
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (number, row) in fact::not_here().into_iter().enumerate() {
        let account = format!("{:012}", 300_000_000_000_u64 + number as u64);
        let outcome = Run::new(door, &common, account).steps(&row.steps).await;
        if let Err(why) = outcome {
            panic!("{} with {}: {why}", row.operation, row.what);
        }
        missing.entry(row.operation).or_default().push(row.what);
    }
    missing
}

/// Whether a call of it without input is anything but refused as not here.
async fn is_here(door: &Door, operation: &Operation) -> bool {
    let (service, name) = (operation.service, operation.name);
    let mut headers = Vec::new();
    let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
    header(
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential=400000000000/20261124/eu-west-1/{service}/aws4_request, SignedHeaders=host, \
             Signature=00"
        ),
    );
    let (method, target, body) = match (operation.route, service) {
        (Some((method, path)), _) => {
            let body = if method == "GET" { "" } else { "{}" };
            (method, filled(path), body.to_owned())
        }
        (None, "iam" | "sts") => {
            header(
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            );
            ("POST", "/".to_owned(), format!("Action={name}"))
        }
        (None, _) => {
            header("x-amz-target", prefixed(service, name));
            ("POST", "/".to_owned(), "{}".to_owned())
        }
    };
    let sent = Sent {
        method: method.to_owned(),
        target,
        headers,
        body: body.into_bytes(),
    };
    let reply = door.send(sent).await.expect("an answer");
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let is_refused = reply.status == 501;
    assert_eq!(
        is_refused,
        text.contains(NOT_HERE),
        "{service} {name}: {text}"
    );
    assert!(
        !is_refused || text.contains(name),
        "{service} {name}: {text}"
    );
    !is_refused
}

fn prefixed(service: &str, name: &str) -> String {
    let of_streams = [
        "DescribeStream",
        "GetRecords",
        "GetShardIterator",
        "ListStreams",
    ];
    let prefix = match service {
        "dynamodb" if of_streams.contains(&name) => "DynamoDBStreams_20120810",
        "dynamodb" => "DynamoDB_20120810",
        "logs" => "Logs_20140328",
        "ssm" => "AmazonSSM",
        _ => "ResourceGroupsTaggingAPI_20170126",
    };
    format!("{prefix}.{name}")
}

/// The path with something in place of its labels.
fn filled(path: &str) -> String {
    let mut filled = String::new();
    let mut is_label = false;
    for character in path.chars() {
        match character {
            '{' => {
                is_label = true;
                filled.push('x');
            }
            '}' => is_label = false,
            character if !is_label => filled.push(character),
            _ => {}
        }
    }
    filled
}
