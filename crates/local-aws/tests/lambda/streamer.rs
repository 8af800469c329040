//! A function that streams as its event says. Its code is this test program itself, called for the one test that serves
//! Lambda's runtime API.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_aws::LocalAws;
use serde_json::{Value, json};

use crate::harness::create_script;

/// Makes the function `demo`, with `changes` to its input.
pub(crate) async fn create(aws: &LocalAws, changes: &Value) {
    let program = env::current_exe().expect("a program");
    let script = format!(
        "#!/bin/sh\nexec '{}' --exact streamer::serves --nocapture --quiet\n",
        program.display()
    );
    create_script(aws, &script, changes).await;
}

/// Nothing, unless Lambda calls.
#[test]
fn serves() {
    if let Ok(api) = env::var("AWS_LAMBDA_RUNTIME_API") {
        // The connection ends with the environment.
        let _ = serve(&api);
    }
}

fn serve(api: &str) -> io::Result<()> {
    let stream = TcpStream::connect(api)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        write!(
            writer,
            "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {api}\r\n\r\n"
        )?;
        let (head, event) = read(&mut reader)?;
        let id = head["lambda-runtime-aws-request-id"]
            .as_str()
            .unwrap_or_default();
        let event: Value = serde_json::from_slice(&event).map_err(io::Error::other)?;
        // A URL's event has it in its body.
        let asked = match event["body"].as_str() {
            Some(body) => serde_json::from_str(body).map_err(io::Error::other)?,
            None => event.clone(),
        };
        if asked["chunks"].is_array() {
            respond(&mut writer, id, &asked)?;
        } else {
            let answer = json!({ "head": head, "event": event }).to_string();
            write!(
                writer,
                "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: {api}\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            )?;
        }
        read(&mut reader)?;
    }
}

#[expect(clippy::exit, reason = "a process that ends is what is tried")]
fn respond(writer: &mut TcpStream, id: &str, asked: &Value) -> io::Result<()> {
    let kind = match asked["prelude"] {
        Value::Null => "text/event-stream",
        _ => "application/vnd.awslambda.http-integration-response",
    };
    write!(
        writer,
        "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: api\r\ntransfer-encoding: chunked\r\n\
         content-type: {kind}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n\
         trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
    )?;
    if !asked["prelude"].is_null() {
        chunk(writer, asked["prelude"].to_string().as_bytes())?;
        chunk(writer, &[0; 8])?;
    }
    let times = usize::try_from(asked["times"].as_u64().unwrap_or(1)).unwrap_or(1);
    for text in asked["chunks"].as_array().into_iter().flatten() {
        let text = text.as_str().unwrap_or_default().repeat(times);
        chunk(writer, text.as_bytes())?;
        if let Some(file) = asked["waits_for"].as_str() {
            while !Path::new(file).exists() {
                sleep(Duration::from_millis(5));
            }
        }
    }
    match asked["then"].as_str() {
        Some("exit") => process::exit(3),
        Some("sleep") => sleep(Duration::from_mins(1)),
        Some("fail") => {
            let error = json!({ "errorType": "Mid", "errorMessage": "half way" }).to_string();
            let error = STANDARD.encode(error);
            write!(
                writer,
                "0\r\nLambda-Runtime-Function-Error-Type: Function.Mid\r\nLambda-Runtime-Function-Error-Body: {error}\r\n\r\n"
            )?;
            return Ok(());
        }
        _ => {}
    }
    write!(writer, "0\r\n\r\n")
}

fn chunk(writer: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    write!(writer, "{:x}\r\n", bytes.len())?;
    writer.write_all(bytes)?;
    write!(writer, "\r\n")
}

/// The headers of an answer by their names in small letters, and its body.
fn read(reader: &mut impl BufRead) -> io::Result<(Value, Vec<u8>)> {
    let mut head = json!({});
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
        head[name.to_ascii_lowercase()] = value.into();
    }
    let length = head["content-length"].as_str().unwrap_or("0");
    let mut body = vec![0; length.parse().map_err(io::Error::other)?];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}
