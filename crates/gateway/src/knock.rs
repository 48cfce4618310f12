//! Connections that a node makes to its own listeners, to see whether they accept.
//!
//! A kernel completes a connection before anybody accepts it, so that it came about says nothing. These are known by
//! where they come from: whoever accepts one closes it at once, and it counts as nothing.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;

use crate::peer::Peer;

/// Where such connections come from. A gateway and its successors in one process share it.
#[derive(Clone, Debug, Default)]
pub struct Knocks(Arc<UnderWay>);

#[derive(Debug, Default)]
struct UnderWay {
    /// How many there are: all that other connections have to look at.
    count: AtomicUsize,
    from: Mutex<BTreeSet<(IpAddr, u16)>>,
}

/// A lock is only held for one change of the set, which cannot panic half way.
fn lock(from: &Mutex<BTreeSet<(IpAddr, u16)>>) -> MutexGuard<'_, BTreeSet<(IpAddr, u16)>> {
    from.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Knocks {
    /// Connects to a listener of the gateway that this is of, and waits until it has accepted. It is not counted as a
    /// connection there, whatever is spoken there. The caller says how long it may take.
    ///
    /// # Errors
    ///
    /// If the system refuses the connection, or another socket for it.
    pub async fn knock(&self, listener: SocketAddr) -> io::Result<()> {
        let target = reachable(listener);
        let socket = if target.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // Where it comes from has to be known before anybody can accept it.
        socket.bind(SocketAddr::new(target.ip(), 0))?;
        let _expected = Expected::new(&self.0, socket.local_addr()?);
        let mut stream = socket.connect(target).await?;
        // The end, as nobody says a word to it.
        stream.read(&mut [0; 1]).await.map(drop)
    }

    /// Whether a connection is one of these.
    pub(crate) fn is_one(&self, peer: Peer) -> bool {
        self.0.count.load(SeqCst) > 0
            && peer
                .address()
                .is_some_and(|from| lock(&self.0.from).contains(&(from.ip(), from.port())))
    }
}

/// One that is under way.
struct Expected<'a> {
    of: &'a UnderWay,
    from: (IpAddr, u16),
}

impl<'a> Expected<'a> {
    fn new(of: &'a UnderWay, from: SocketAddr) -> Self {
        let from = (from.ip(), from.port());
        lock(&of.from).insert(from);
        of.count.fetch_add(1, SeqCst);
        Self { of, from }
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.of.count.fetch_sub(1, SeqCst);
        lock(&self.of.from).remove(&self.from);
    }
}

/// Who listens on all addresses of the host is reached over loopback.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let mut target = listener;
    target.set_ip(ip);
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_reached_over_loopback_and_one_at_itself() {
        let reached = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("[::]:80"), "[::1]:80");
        assert_eq!(reached("127.0.0.7:80"), "127.0.0.7:80");
    }

    #[test]
    fn only_what_is_under_way_is_known() {
        let knocks = Knocks::default();
        let from: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        let expected = Expected::new(&knocks.0, from);
        assert!(knocks.is_one(Peer::Ip(from)));
        assert!(!knocks.is_one(Peer::Ip("127.0.0.1:4001".parse().unwrap())));
        assert!(!knocks.is_one(Peer::Unix));
        drop(expected);
        assert!(!knocks.is_one(Peer::Ip(from)));
    }
}
