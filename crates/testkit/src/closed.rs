//! A reserved port without a listener.

use tokio::net::TcpSocket;

/// A loopback port that refuses connections and that no other process can use, until this is dropped.
#[derive(Debug)]
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    /// Reserves a free port.
    ///
    /// # Panics
    ///
    /// If no loopback port is free.
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = ([127, 0, 0, 1], 0).into();
        socket.bind(any).expect("a loopback port is free");
        Self(socket)
    }

    /// Returns `127.0.0.1:` and the port.
    pub fn address(&self) -> String {
        let address = self.0.local_addr().expect("it is bound");
        address.to_string()
    }
}
