//! Servers on free ports, and calls to them.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use shop::checkout::{CatalogClient, Store, routes};
use shop::client::Client;
use tokio::net::TcpListener;

/// The longest that anything here may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Serves until the test's runtime ends.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(shop::server::serve(listener, app, std::future::pending()));
    address
}

/// Checkout over a store in this folder and a catalog at this address.
pub(crate) async fn checkout(folder: &tempfile::TempDir, catalog: SocketAddr) -> SocketAddr {
    let store = Store::open(&folder.path().join("data/orders.db")).unwrap();
    let catalog = CatalogClient::at(&format!("http://{catalog}"), None).unwrap();
    serve(routes(store, catalog)).await
}

/// One call with a JSON body, or none where it is empty.
pub(crate) async fn call(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&'static str, &'static str)],
    body: &str,
) -> (StatusCode, Value) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let body = Bytes::from(body.to_owned());
    let answer = Client::new(address)
        .call(method, path, &map, body, DEADLINE)
        .await
        .unwrap();
    let value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    (answer.status(), value)
}
