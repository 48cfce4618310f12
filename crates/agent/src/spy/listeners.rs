use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::thread;

use ninefold_core::spy::{KNOCK_EVERY, KNOCK_PATIENCE, Knock};
use ninefold_gateway::Succession;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::board::Board;

/// Connections to own listeners at once. Of more listeners the first ones are looked at.
const KNOCKS_MAX: usize = 64;
/// Connections to one listener at once: each data thread has a socket of its own there, and the kernel chooses.
const LISTENER_KNOCKS_MAX: usize = 8;

/// Where a node listens, with an address; at Unix sockets nobody can be told from a client.
#[derive(Debug)]
pub(crate) struct Doors {
    /// It is not kept alive by who looks at it.
    pub(crate) gateway: Weak<Succession>,
    pub(crate) admin: Option<SocketAddr>,
}

/// Connects to the node's own listeners again and again.
pub(super) fn watch(board: &Board, doors: &Doors) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return tracing::warn!(%error, "the node's listeners are not watched"),
    };
    while !board.is_ended() {
        if board.is_open() {
            board.knocked(runtime.block_on(round(doors)));
        }
        if !board.is_ended() {
            thread::park_timeout(KNOCK_EVERY);
        }
    }
}

/// A connection or more to each of them, all at the same time.
async fn round(doors: &Doors) -> Vec<(String, Knock)> {
    let mut under_way = JoinSet::new();
    if let Some(admin) = doors.admin {
        under_way.spawn(async move { (admin, within(knock_admin(admin)).await) });
    }
    let (knocks, threads) = match doors.gateway.upgrade() {
        Some(gateway) => gateway.knocks(),
        None => return Vec::new(),
    };
    let listeners = doors.listeners();
    'all: for listener in &listeners {
        for _ in 0..threads.clamp(1, LISTENER_KNOCKS_MAX) {
            if under_way.len() >= KNOCKS_MAX {
                break 'all;
            }
            let (knocks, listener) = (knocks.clone(), *listener);
            under_way.spawn(async move { (listener, within(knocks.knock(listener)).await) });
        }
    }
    let said = under_way.join_all().await;
    // A reload may have closed one meanwhile.
    let left = doors.listeners();
    let is_left = |at: &SocketAddr| doors.admin == Some(*at) || left.contains(at);
    said.into_iter()
        .filter(|(at, _)| is_left(at))
        .map(|(at, knock)| (at.to_string(), knock))
        .collect()
}

impl Doors {
    pub(crate) fn of(gateway: &Arc<Succession>, admin: Option<SocketAddr>) -> Self {
        Self {
            gateway: Arc::downgrade(gateway),
            admin,
        }
    }

    fn listeners(&self) -> Vec<SocketAddr> {
        let gateway = self.gateway.upgrade();
        let all = gateway.map(|gateway| gateway.addresses());
        let all = all.into_iter().flatten();
        all.filter_map(|address| address.tcp()).collect()
    }
}

async fn within(knock: impl Future<Output = io::Result<()>>) -> Knock {
    match timeout(KNOCK_PATIENCE, knock).await {
        Ok(Ok(())) => Knock::Accepted,
        Ok(Err(error)) => Knock::Refused(error.to_string()),
        Err(_late) => Knock::Missed,
    }
}

/// Whoever accepts it reads that nothing is asked, and closes it.
async fn knock_admin(at: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(at).await?;
    stream.shutdown().await?;
    stream.read(&mut [0; 1]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn knocked(listener: SocketAddr) -> Knock {
        within(knock_admin(listener)).await
    }

    #[tokio::test]
    async fn who_accepts_is_told_from_who_does_not_and_from_nobody() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // The kernel connects, and nobody accepts.
        assert_eq!(knocked(address).await, Knock::Missed);
        let accepts = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                // As a server does that is asked nothing.
                while stream.read(&mut [0; 8]).await.is_ok_and(|read| read > 0) {}
            }
        });
        assert_eq!(knocked(address).await, Knock::Accepted);
        accepts.abort();
        assert!(accepts.await.is_err());
        assert!(matches!(knocked(address).await, Knock::Refused(_)));
    }

    #[tokio::test]
    async fn without_a_gateway_nothing_is_knocked_at() {
        let doors = Doors {
            gateway: Weak::new(),
            admin: None,
        };
        assert_eq!(round(&doors).await, []);
    }
}
