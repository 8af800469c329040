//! The facts' functions. Their code is this test program itself, called for the one test that serves Lambda's runtime API.

use std::env;
use std::io::{self, BufRead, BufReader, Cursor, Write};
use std::net::TcpStream;
use std::process;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fact::Function;

const BEHAVIOUR: &str = "BEHAVIOUR";

/// `CreateFunction`'s input, for a role of the name `facts`.
pub(crate) fn input(function: &Function, account: &str) -> Value {
    let behaviour = json!({
        "answers": function.answers, "fails": function.fails, "prints": function.prints,
        "sleeps_ms": function.sleeps_ms, "exits": function.exits, "streams": function.streams,
    });
    let mut input = json!({
        "FunctionName": function.name,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::{account}:role/facts"),
        "Code": { "ZipFile": archive() },
        "Environment": { "Variables": { BEHAVIOUR: behaviour.to_string() } },
    });
    for (name, value) in &function.with {
        input[name] = value.clone();
    }
    input
}

/// A zip that becomes this program, as base64.
fn archive() -> String {
    let program = env::current_exe().expect("a program");
    let script = format!(
        "#!/bin/sh\nexec '{}' --exact function::serves --nocapture --quiet\n",
        program.display()
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file(
            "bootstrap",
            SimpleFileOptions::default().unix_permissions(0o755),
        )
        .expect("an entry");
    writer.write_all(script.as_bytes()).expect("its bytes");
    STANDARD.encode(writer.finish().expect("an archive").into_inner())
}

/// Nothing, unless Lambda calls.
#[test]
fn serves() {
    if let Ok(api) = env::var("AWS_LAMBDA_RUNTIME_API") {
        let behaviour = env::var(BEHAVIOUR).unwrap_or_default();
        let behaviour = serde_json::from_str(&behaviour).unwrap_or_default();
        // The connection ends with the environment.
        let _ = serve(&api, &behaviour);
    }
}

#[expect(clippy::exit, reason = "a process that ends is what is tried")]
fn serve(api: &str, behaviour: &Value) -> io::Result<()> {
    let stream = TcpStream::connect(api)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        write!(
            writer,
            "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {api}\r\n\r\n"
        )?;
        let (id, event) = read(&mut reader)?;
        if let Some(text) = behaviour["prints"].as_str() {
            writeln!(io::stdout(), "{text}")?;
        }
        if let Some(milliseconds) = behaviour["sleeps_ms"].as_u64() {
            sleep(Duration::from_millis(milliseconds));
        }
        if let Some(code) = behaviour["exits"].as_i64() {
            process::exit(i32::try_from(code).unwrap_or(1));
        }
        if let Some(pieces) = behaviour["streams"].as_array() {
            respond(&mut writer, &id, pieces)?;
            read(&mut reader)?;
            continue;
        }
        let (outcome, body) = match (&behaviour["fails"], &behaviour["answers"]) {
            (Value::Null, Value::Null) => ("response", event),
            (Value::Null, answer) => ("response", answer.to_string().into_bytes()),
            (error, _) => ("error", error.to_string().into_bytes()),
        };
        let mut request = format!(
            "POST /2018-06-01/runtime/invocation/{id}/{outcome} HTTP/1.1\r\nhost: {api}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        writer.write_all(&request)?;
        read(&mut reader)?;
    }
}

fn respond(writer: &mut TcpStream, id: &str, pieces: &[Value]) -> io::Result<()> {
    write!(
        writer,
        "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: lambda\r\ntransfer-encoding: chunked\r\n\
         content-type: application/octet-stream\r\nlambda-runtime-function-response-mode: streaming\r\n\r\n"
    )?;
    for piece in pieces.iter().filter_map(Value::as_str) {
        write!(writer, "{:x}\r\n{piece}\r\n", piece.len())?;
    }
    write!(writer, "0\r\n\r\n")
}

/// The request id, if the answer has one, and the body.
fn read(reader: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let mut id = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "lambda-runtime-aws-request-id" => value.clone_into(&mut id),
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((id, body))
}
