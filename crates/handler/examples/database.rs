//! A local `DynamoDB` on a free loopback port. Prints the port, and ends when its standard input closes.

use std::io::{Read, Write};

use dynoxide::Database;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    let until_input_ends =
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        () = dynoxide::server::serve_on(listener, Database::memory()?) => {}
        _ = until_input_ends => {}
    }
    Ok(())
}
