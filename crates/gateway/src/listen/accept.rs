//! The accept loop of one listener on one thread.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::connection;
use crate::exchange::Client;
use crate::worker::Worker;

/// The wait after the system could not accept, as for want of descriptors: the connection stays in
/// the queue, and trying again at once would spin.
const PAUSE: Duration = Duration::from_millis(50);

/// Connections that are still taken from the queue when a drain begins: they were promised.
const LEFTOVERS_MAX: usize = 4_096;

/// Accepts until a drain begins.
pub(crate) async fn accept(
    worker: Rc<Worker>,
    listener: usize,
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
) {
    loop {
        tokio::select! {
            biased;
            () = worker.draining() => break,
            accepted = socket.accept() => match accepted {
                Ok((stream, peer)) => admit(&worker, listener, stream, peer, tls.as_ref()),
                Err(error) => {
                    if let Some(cells) = worker.hub.listeners.get(listener) {
                        cells.accept_errors.fetch_add(1, Relaxed);
                    }
                    if !is_about_one_connection(&error) {
                        tracing::warn!(%error, "connections cannot be accepted");
                        sleep(PAUSE).await;
                    }
                }
            },
        }
    }
    let Ok(socket) = socket.into_std() else {
        return;
    };
    for _ in 0..LEFTOVERS_MAX {
        let Ok((stream, peer)) = socket.accept() else {
            return;
        };
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            admit(&worker, listener, stream, peer, tls.as_ref());
        }
    }
}

fn admit(
    worker: &Rc<Worker>,
    listener: usize,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<&TlsAcceptor>,
) {
    let hub = &worker.hub;
    let (Some(cells), Some(plan)) = (
        hub.listeners.get(listener),
        hub.plan.listeners.get(listener),
    ) else {
        return;
    };
    if !cells.admit(u64::from(plan.limits.connections)) {
        return;
    }
    let client = Rc::new(Client::new(Rc::clone(worker), listener, peer));
    let tls = tls.cloned();
    drop(tokio::task::spawn_local(connection::serve(
        client, stream, tls,
    )));
}

/// Errors of a connection that died in the queue; the next one may be fine.
fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
