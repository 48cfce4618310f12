//! Bytes both ways until both sides have said all.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, sleep_until};

/// Bytes of one direction that are held at once.
const PIECE: usize = 8 << 10;

/// Which side broke the connection off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broke {
    Client,
    Upstream,
}

/// How a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides said that they have no more.
    Whole,
    /// One did not say so, and is gone.
    Broken(Broke),
    /// Nothing came from either side for too long.
    Idle,
    /// It was told to end.
    Told,
}

/// What passed.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) up: Cell<u64>,
    pub(super) down: Cell<u64>,
}

/// Relays until the end, or until `told`.
pub(super) async fn relay<C, U>(
    client: &mut C,
    upstream: &mut U,
    idle: Duration,
    passed: &Passed,
    told: impl Future<Output = ()>,
) -> End
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let active = Cell::new(Instant::now());
    let client_is_done = Cell::new(false);
    let (from_client, to_client) = split(client);
    let (from_upstream, to_upstream) = split(upstream);
    let both = async {
        let up = pump(from_client, to_upstream, &passed.up, &active);
        let down = pump(from_upstream, to_client, &passed.down, &active);
        let up = async {
            up.await.map_err(|side| match side {
                Side::Reading => Broke::Client,
                Side::Writing => Broke::Upstream,
            })?;
            client_is_done.set(true);
            Ok(())
        };
        let down = async {
            down.await.map_err(|side| match side {
                Side::Reading => Broke::Upstream,
                Side::Writing => Broke::Client,
            })
        };
        match futures_util::future::try_join(up, down).await {
            Ok(((), ())) => End::Whole,
            // Nobody is hurt by an instance that answers a farewell with a reset.
            Err(_) if client_is_done.get() => End::Whole,
            Err(side) => End::Broken(side),
        }
    };
    let silence = async {
        loop {
            let until = active.get() + idle;
            if Instant::now() >= until {
                return End::Idle;
            }
            sleep_until(until).await;
        }
    };
    let (both, silence, told) = (pin!(both), pin!(silence), pin!(told));
    tokio::select! {
        biased;
        end = both => end,
        end = silence => end,
        () = told => End::Told,
    }
}

enum Side {
    Reading,
    Writing,
}

/// One direction, its end passed on.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    passed: &Cell<u64>,
    active: &Cell<Instant>,
) -> Result<(), Side> {
    let mut piece = vec![0; PIECE];
    loop {
        let read: io::Result<usize> = from.read(&mut piece).await;
        let size = read.map_err(|_io| Side::Reading)?;
        active.set(Instant::now());
        let Some(bytes) = piece.get(..size).filter(|bytes| !bytes.is_empty()) else {
            return to.shutdown().await.map_err(|_io| Side::Writing);
        };
        to.write_all(bytes).await.map_err(|_io| Side::Writing)?;
        passed.set(passed.get() + bytes.len() as u64);
        active.set(Instant::now());
    }
}
