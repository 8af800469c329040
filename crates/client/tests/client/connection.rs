//! The connection: over HTTP and TLS, with nobody there, and after the server has closed it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provision_client::{Error, Settings, TableExt};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use testkit::ClosedPort;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::{ACCOUNT, Order, create, link, local_aws, order};

/// A listener's task, which ends with this.
struct Serving(AbortHandle);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves a local AWS on a free loopback port, and returns the port.
async fn serve() -> (Serving, u16) {
    let aws = local_aws();
    let listener = local_aws::LocalAws::bind(0).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move { aws.serve(listener, std::future::pending()).await });
    (Serving(task.abort_handle()), port)
}

/// Passes connections on to `port`, over TLS if there is an acceptor, and counts them. The connections end with the task.
async fn forward(port: u16, acceptor: Option<TlsAcceptor>) -> (Serving, u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let own_port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((mut outer, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                let mut inner = TcpStream::connect(("127.0.0.1", port))
                    .await
                    .expect("the AWS");
                let _ = match acceptor {
                    None => copy_bidirectional(&mut outer, &mut inner).await,
                    Some(acceptor) => match acceptor.accept(outer).await {
                        Ok(mut outer) => copy_bidirectional(&mut outer, &mut inner).await,
                        Err(error) => Err(error),
                    },
                };
            });
        }
    });
    (Serving(task.abort_handle()), own_port, count)
}

fn settings(endpoint: &str, more: &[(&str, &str)]) -> Settings {
    let mut variables = HashMap::from([
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", ACCOUNT),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-the-test"),
        ("AWS_ENDPOINT_URL", endpoint),
    ]);
    variables.extend(more.iter().copied());
    Settings::read(|name| variables.get(name).map(|value| (*value).to_owned()))
        .expect("all variables")
}

#[tokio::test]
async fn the_connection_is_opened_once_and_before_the_first_request() {
    let (_aws, port) = serve().await;
    let (_forward, port, count) = forward(port, None).await;
    let client = settings(&format!("http://127.0.0.1:{port}"), &[]).connect();
    let client = client.await.unwrap();
    // The server's task has not necessarily seen it yet.
    while count.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    create::<Order>(&client, "orders").await;
    let orders = link::<Order>("orders").on(&client);
    for placed_at in 0..3 {
        orders.put(&order("ada", placed_at)).send().await.unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    // Requests side by side have connections of their own, which stay.
    for _ in 0..2 {
        let (a, b) = tokio::join!(orders.get(("ada", 0)).send(), orders.get(("ada", 1)).send());
        assert!(a.unwrap().is_some() && b.unwrap().is_some());
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_is_replaced_unnoticed() {
    let (_aws, port) = serve().await;
    let (forwarding, own_port, _) = forward(port, None).await;
    let url = format!("http://127.0.0.1:{own_port}");
    let client = settings(&url, &[]).attempts(1).connect().await.unwrap();
    create::<Order>(&client, "orders").await;
    drop(forwarding);
    // Somebody else listens there now.
    let listener = loop {
        match TcpListener::bind(("127.0.0.1", own_port)).await {
            Ok(listener) => break listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let task = tokio::spawn(async move {
        while let Ok((mut outer, _)) = listener.accept().await {
            let mut inner = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let _ = copy_bidirectional(&mut outer, &mut inner).await;
        }
    });
    let _serving = Serving(task.abort_handle());
    let orders = link::<Order>("orders").on(&client);
    assert_eq!(orders.get(("ada", 1)).send().await.unwrap(), None);
}

#[tokio::test]
async fn tls_trusts_the_configured_bundle_and_else_the_roots_that_are_compiled_in() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let bundle = Path::new(env!("CARGO_TARGET_TMPDIR")).join("client-ca.pem");
    std::fs::write(&bundle, key.cert.pem()).unwrap();
    let private_key = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private_key)
        .unwrap();
    let (_aws, port) = serve().await;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (_forward, port, _) = forward(port, Some(acceptor)).await;
    let url = format!("https://localhost:{port}");

    let bundle = bundle.to_str().unwrap();
    let client = settings(&url, &[("AWS_CA_BUNDLE", bundle)]).connect();
    let client = client.await.unwrap();
    create::<Order>(&client, "orders").await;
    let orders = link::<Order>("orders").on(&client);
    orders.put(&order("ada", 1)).send().await.unwrap();
    assert!(orders.get(("ada", 1)).send().await.unwrap().is_some());

    let client = settings(&url, &[]).attempts(1).connect().await.unwrap();
    let orders = link::<Order>("orders").on(&client);
    let error = orders.get(("ada", 1)).send().await.unwrap_err();
    assert!(matches!(error, Error::Unanswered { .. }), "{error:?}");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_by_the_first_request() {
    let closed = ClosedPort::reserve();
    let url = format!("http://{}", closed.address());
    let client = settings(&url, &[]).attempts(1).connect().await.unwrap();
    let orders = link::<Order>("orders").on(&client);
    let error = orders.get(("ada", 1)).send().await.unwrap_err();
    assert!(matches!(error, Error::Unanswered { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with("GetItem on table `orders`: no answer from DynamoDB: "),
        "{text}"
    );
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_silent_server_ends_the_attempt_in_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = settings(&url, &[]).attempt_timeout(Duration::from_millis(50));
    let client = settings.attempts(1).connect().await.unwrap();
    let orders = link::<Order>("orders").on(&client);
    let error = orders.get(("ada", 1)).send().await.unwrap_err();
    assert!(matches!(error, Error::Unanswered { .. }), "{error:?}");
}
