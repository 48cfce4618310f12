//! The accept loop of one listener on one thread.

use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::acceptor::Acceptor;
use super::connection;
use crate::exchange::Client;
use crate::peer::Peer;
use crate::proxy_protocol;
use crate::socket::Socket;
use crate::tcp;
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
    socket: Acceptor,
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
    if worker.hub.withdrawn.load(Relaxed) {
        return;
    }
    for (stream, peer) in socket.waiting().take(LEFTOVERS_MAX) {
        if let Ok(stream) = stream {
            admit(&worker, listener, stream, peer, tls.as_ref());
        }
    }
}

fn admit(
    worker: &Rc<Worker>,
    listener: usize,
    stream: Socket,
    peer: Peer,
    tls: Option<&TlsAcceptor>,
) {
    let hub = &worker.hub;
    if hub.knocks.is_one(peer) {
        return;
    }
    let (Some(cells), Some(plan)) = (
        hub.listeners.get(listener),
        hub.plan.listeners.get(listener),
    ) else {
        return;
    };
    let elders = hub.elder_open(listener);
    if !cells.admit(u64::from(plan.limits.connections).saturating_sub(elders)) {
        return;
    }
    let client = Client::new(Rc::clone(worker), listener, peer);
    let tls = tls.cloned();
    // Boxed: a task's future is moved several times, and these are large.
    let task = if plan.proxy_protocol {
        let head_time = plan.guard.head_time;
        tokio::task::spawn_local(Box::pin(introduced(client, stream, tls, head_time)))
    } else {
        tokio::task::spawn_local(Box::pin(serve(client, stream, tls)))
    };
    drop(task);
}

/// Serves a connection that begins with who it is for.
async fn introduced(
    mut client: Client,
    mut stream: Socket,
    tls: Option<TlsAcceptor>,
    head_time: Duration,
) {
    match timeout(head_time, proxy_protocol::receive(&mut stream)).await {
        Ok(Ok(Some(peer))) => client.stands_for(Peer::Ip(peer)),
        Ok(Ok(None)) => {}
        Ok(Err(_)) | Err(_) => {
            if let Some(cells) = client.worker.hub.listeners.get(client.listener) {
                cells.handshakes_failed.fetch_add(1, Relaxed);
            }
            return;
        }
    }
    serve(client, stream, tls).await;
}

async fn serve(client: Client, stream: Socket, tls: Option<TlsAcceptor>) {
    let client = Rc::new(client);
    match client.plan().and_then(|plan| plan.tcp) {
        Some(route) => tcp::serve(client, route, stream, tls).await,
        None => connection::serve(client, stream, tls).await,
    }
}

/// Errors of a connection that died in the queue; the next one may be fine.
fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
