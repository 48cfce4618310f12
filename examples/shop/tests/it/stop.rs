use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::{Method, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

use crate::rig::call;

#[tokio::test]
async fn requests_in_flight_end_and_new_connections_do_not_begin() {
    let (arrived, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (a, b) = (Arc::clone(&arrived), Arc::clone(&leave));
    let app = Router::new().route(
        "/slow",
        get(move || async move {
            a.notify_one();
            b.notified().await;
            "done"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, told) = oneshot::channel::<()>();
    let server = tokio::spawn(shop::server::serve(listener, app, async {
        told.await.unwrap();
    }));
    let request = tokio::spawn(async move { call(address, Method::GET, "/slow", &[], "").await });
    arrived.notified().await;

    stop.send(()).unwrap();
    // The listener closes soon after the word; until then a connection may still be made.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.is_finished());
    leave.notify_one();
    assert_eq!(request.await.unwrap().0, StatusCode::OK);
    server.await.unwrap().unwrap();
}
