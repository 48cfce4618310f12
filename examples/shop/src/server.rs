//! Serves a router until it is told to stop, then finishes what is in flight.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long requests in flight may take after the word to stop; under Ninefold's default grace of
/// 10 s, so that the end is ours.
const FINISH_MAX: Duration = Duration::from_secs(8);

/// Serves until `stop` is ready, then refuses new connections and finishes requests in flight.
///
/// # Errors
///
/// The listener failed, or requests in flight did not end in time.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, mut heard) = watch::channel(false);
    // A connection whose options cannot be set is about to fail by itself.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        told.send_replace(true);
    });
    let late = async {
        if heard.wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(FINISH_MAX).await;
    };
    tokio::select! {
        ended = server => ended,
        () = late => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("requests in flight did not end within {FINISH_MAX:?}"),
        )),
    }
}

/// Waits for SIGTERM or SIGINT. The handlers are in place when this returns, not when it is awaited.
///
/// # Errors
///
/// The handlers cannot be installed.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
