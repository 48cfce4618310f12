//! Binding and serving the admin API.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use ninefold_config::model::AdminAddress;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

use super::errors::ApiError;
use super::handlers;
use crate::control::Handle;
use crate::node::NodeError;

/// The bound sockets of the admin API.
#[derive(Debug)]
pub(crate) struct AdminListeners {
    unix: UnixListener,
    tcp: Option<TcpListener>,
    /// The loopback address, as bound.
    pub(crate) address: Option<SocketAddr>,
    /// Another handle on the socket that listens there, for a successor.
    pub(crate) spare: Option<std::net::TcpListener>,
}

/// Binds the unix socket (whose folder's lock must be held) and the loopback address.
pub(crate) async fn bind(
    socket: &Path,
    admin: Option<AdminAddress>,
    inherited: Option<std::net::TcpListener>,
) -> Result<AdminListeners, NodeError> {
    let refused = |what: String| move |source| NodeError::Admin { what, source };
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(refused(socket.display().to_string())(error));
        }
        _ => {}
    }
    let unix = UnixListener::bind(socket).map_err(refused(socket.display().to_string()))?;
    let same = |listener: &std::net::TcpListener| {
        let (bound, admin) = (listener.local_addr().ok()?, admin?);
        let asked = admin.address;
        let port = asked.port() == bound.port() || asked.port() == 0 || !admin.declared;
        (port && asked.ip() == bound.ip()).then_some(())
    };
    let inherited = inherited.filter(|listener| same(listener).is_some());
    let tcp = match (admin, inherited) {
        (None, _) => None,
        (Some(admin), Some(inherited)) => {
            let listener = TcpListener::from_std(inherited);
            Some(listener.map_err(refused(admin.address.to_string()))?)
        }
        (Some(admin), None) => match TcpListener::bind(admin.address).await {
            Ok(listener) => Some(listener),
            Err(error) if !admin.declared && error.kind() == io::ErrorKind::AddrInUse => {
                let any = SocketAddr::new(admin.address.ip(), 0);
                Some(
                    TcpListener::bind(any)
                        .await
                        .map_err(refused(any.to_string()))?,
                )
            }
            Err(error) => return Err(refused(admin.address.to_string())(error)),
        },
    };
    let address = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
    let spare = tcp.as_ref().map(|tcp| tcp.as_fd().try_clone_to_owned());
    let spare = spare.transpose().map_err(refused("loopback".to_owned()))?;
    Ok(AdminListeners {
        unix,
        tcp,
        address,
        spare: spare.map(Into::into),
    })
}

/// Serves until `end` turns true. Requests under way are given up then: nothing here is worth
/// holding a stop for.
pub(crate) async fn serve(
    listeners: AdminListeners,
    handle: Handle,
    mut end: watch::Receiver<bool>,
) {
    let read = Router::new()
        .route("/", axum::routing::get(handlers::root))
        .route("/status", axum::routing::get(handlers::status_page))
        .route("/metrics", axum::routing::get(handlers::metrics))
        .route("/openapi.json", axum::routing::get(handlers::openapi))
        .route("/v1/status", axum::routing::get(handlers::status))
        .route("/v1/events", axum::routing::get(handlers::events))
        .route("/v1/incidents", axum::routing::get(handlers::incidents))
        .route("/v1/incidents/{id}", axum::routing::get(handlers::incident))
        .route(
            "/v1/incidents/{id}/explain",
            axum::routing::get(handlers::explain),
        )
        .fallback(handlers::nothing_here);
    let levers = read
        .clone()
        .route("/v1/stop", axum::routing::post(handlers::stop))
        .route("/v1/upgrade", axum::routing::post(handlers::upgrade))
        .route("/v1/reload", axum::routing::post(handlers::reload))
        .route("/v1/readmit", axum::routing::post(handlers::readmit))
        .route("/v1/faults", axum::routing::post(handlers::announce_fault))
        .route(
            "/v1/faults/{id}/end",
            axum::routing::post(handlers::end_fault),
        )
        .with_state(handle.clone());
    let read = read
        .layer(middleware::from_fn(loopback_names_only))
        .with_state(handle);

    let unix = axum::serve(listeners.unix, levers).into_future();
    let tcp = async {
        match listeners.tcp {
            Some(listener) => axum::serve(listener, read).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = unix => tracing::error!(?ended, "the admin socket ended"),
        ended = tcp => tracing::error!(?ended, "the admin address ended"),
        _ = end.wait_for(|end| *end) => {}
    }
}

async fn loopback_names_only(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok());
    if host.is_some_and(names_loopback) {
        return next.run(request).await;
    }
    ApiError::forbidden("the admin API answers to localhost, 127.0.0.1 and [::1] only")
        .into_response()
}

/// Whether a `Host` header names this machine's loopback.
pub(crate) fn names_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let inner = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let literal = inner.unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || literal
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::names_loopback;

    #[test]
    fn only_loopback_hosts_are_answered() {
        for good in [
            "localhost",
            "localhost:9900",
            "127.0.0.1:1",
            "127.8.8.8",
            "[::1]:9900",
            "[::1]",
        ] {
            assert!(names_loopback(good), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
            "",
            ":9900",
            "::1]:9900",
            "[[::1]]",
        ] {
            assert!(!names_loopback(bad), "{bad}");
        }
    }
}
