//! What both programs do around their own work: listen, say so, serve, say so.

use std::io::{self, Write};
use std::net::SocketAddr;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tokio::net::TcpListener;

use crate::server;

/// Which replica answered, for the curious: `catalog/1`.
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// Binds, serves until SIGTERM or SIGINT, and writes one line at each end to the standard error.
///
/// # Errors
///
/// The address cannot be bound, or the end was not clean.
pub async fn run(name: &str, listen: SocketAddr, app: Router) -> io::Result<()> {
    let stop = server::told_to_stop()?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|why| io::Error::new(why.kind(), format!("cannot listen on {listen}: {why}")))?;
    let instance = std::env::var("NINEFOLD_INSTANCE").unwrap_or_else(|_unset| name.to_owned());
    line(&format!("{instance} listens on {}", listener.local_addr()?));
    let app = match HeaderValue::try_from(&instance) {
        Ok(value) => app.layer(map_response(move |mut answer: Response| {
            answer.headers_mut().insert(SERVED_BY, value.clone());
            std::future::ready(answer)
        })),
        Err(_unprintable) => app,
    };
    server::serve(listener, app, stop).await?;
    line(&format!("{instance} has stopped"));
    Ok(())
}

/// Writes a line to the standard error. A log that cannot be written must not stop the service.
pub fn line(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
