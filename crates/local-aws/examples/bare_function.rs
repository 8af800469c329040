//! A function that answers with its event: the least that one can do, on nothing but a socket. For measurements and tests
//! of the local AWS itself.
//!
//! An event with `"fail": "exit"` ends it, `"sleep"` makes it wait for so many milliseconds first, `"print"` is printed.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

fn main() -> io::Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let stream = TcpStream::connect(&api)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        write!(
            writer,
            "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {api}\r\n\r\n"
        )?;
        let (id, event) = read(&mut reader)?;
        act(&event)?;
        let mut request = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: {api}\r\ncontent-length: {}\r\n\r\n",
            event.len()
        )
        .into_bytes();
        request.extend_from_slice(&event);
        writer.write_all(&request)?;
        read(&mut reader)?;
    }
}

fn act(event: &[u8]) -> io::Result<()> {
    let Ok(event) = serde_json::from_slice::<serde_json::Value>(event) else {
        return Ok(());
    };
    if let Some(text) = event["print"].as_str() {
        writeln!(io::stdout(), "{text}")?;
    }
    if let Some(milliseconds) = event["sleep"].as_u64() {
        sleep(Duration::from_millis(milliseconds));
    }
    match event["fail"].as_str() {
        Some("exit") => Err(io::Error::other("as it was told")),
        _ => Ok(()),
    }
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
