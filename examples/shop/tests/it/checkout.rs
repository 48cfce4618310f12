use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, Method, StatusCode};
use shop::catalog::Catalog;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::rig::{DEADLINE, call, checkout, serve};

const MUGS: &str = r#"{"item":"mug","quantity":2}"#;

#[tokio::test]
async fn an_order_is_placed_once_however_often_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = serve(shop::catalog::routes(Catalog::default())).await;
    let address = checkout(&folder, catalog).await;

    let (status, order) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(order["total_cents"], 2_500);
    let (status, again) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
    assert_eq!((status, &again), (StatusCode::OK, &order));
    let key = [("idempotency-key", "o1")];
    let (status, again) = call(address, Method::POST, "/orders", &key, MUGS).await;
    assert_eq!((status, &again), (StatusCode::OK, &order));
    let body = r#"{"id":"o1","item":"mug","quantity":2}"#;
    let (status, again) = call(address, Method::POST, "/orders", &[], body).await;
    assert_eq!((status, &again), (StatusCode::OK, &order));
    let (status, read) = call(address, Method::GET, "/orders/o1", &[], "").await;
    assert_eq!((status, &read), (StatusCode::OK, &order));

    let other = r#"{"item":"mug","quantity":3}"#;
    let (status, _) = call(address, Method::PUT, "/orders/o1", &[], other).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_post_without_an_id_gets_one() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = serve(shop::catalog::routes(Catalog::default())).await;
    let address = checkout(&folder, catalog).await;
    let (status, first) = call(address, Method::POST, "/orders", &[], MUGS).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, second) = call(address, Method::POST, "/orders", &[], MUGS).await;
    assert_ne!(first["id"], second["id"]);
    let path = format!("/orders/{}", first["id"].as_str().unwrap());
    let (_, read) = call(address, Method::GET, &path, &[], "").await;
    assert_eq!(read, first);
}

#[tokio::test]
async fn wrong_orders_are_refused_by_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = serve(shop::catalog::routes(Catalog::default())).await;
    let address = checkout(&folder, catalog).await;
    for (body, expected) in [
        ("", StatusCode::BAD_REQUEST),
        ("{}", StatusCode::BAD_REQUEST),
        (
            r#"{"item":"mug","quantity":1,"coupon":"x"}"#,
            StatusCode::BAD_REQUEST,
        ),
        (
            r#"{"id":"other","item":"mug","quantity":1}"#,
            StatusCode::BAD_REQUEST,
        ),
        (
            r#"{"item":"mug","quantity":0}"#,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            r#"{"item":"tea","quantity":1}"#,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            r#"{"item":"../live","quantity":1}"#,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let (status, answer) = call(address, Method::PUT, "/orders/o1", &[], body).await;
        assert_eq!(status, expected, "{body}");
        assert!(answer["error"].is_string(), "{body}");
    }
    let huge = format!(r#"{{"item":"{}","quantity":1}}"#, "x".repeat(20_000));
    let (status, _) = call(address, Method::PUT, "/orders/o1", &[], &huge).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) = call(address, Method::GET, "/orders/o1", &[], "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_caller_is_passed_on_to_the_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let (seen, mut heard) = mpsc::channel(1);
    let catalog = Router::new().route(
        "/items/mug",
        get(move |headers: HeaderMap| async move {
            seen.send(headers).await.unwrap();
            r#"{"id":"mug","name":"Mug","price_cents":1}"#
        }),
    );
    let address = checkout(&folder, serve(catalog).await).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [
        ("x-request-id", "r-7"),
        ("traceparent", trace),
        ("x-deadline-ms", "1500"),
        ("authorization", "secret"),
    ];
    let (status, _) = call(address, Method::PUT, "/orders/o1", &headers, MUGS).await;
    assert_eq!(status, StatusCode::CREATED);
    let headers = heard.recv().await.unwrap();
    assert_eq!(headers["x-request-id"], "r-7");
    assert_eq!(headers["traceparent"], trace);
    assert!(!headers.contains_key("authorization"));
    let left: u64 = headers["x-deadline-ms"].to_str().unwrap().parse().unwrap();
    assert!(left <= 1_500, "{left}");
}

#[tokio::test]
async fn a_catalog_that_fails_makes_checkout_say_so_and_stay_ready() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Router::new().route("/items/mug", get(|| async { StatusCode::BAD_GATEWAY }));
    let address = checkout(&folder, serve(broken).await).await;
    let (status, answer) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer["error"], "the catalog answers 502 Bad Gateway");

    // A port that nobody listens on: bound, and closed again.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let address = checkout(&folder, nobody).await;
    let (status, _) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let (status, _) = call(address, Method::GET, "/ready", &[], "").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_catalog_that_hangs_is_given_up_at_the_callers_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let hung = Router::new().route("/items/mug", get(std::future::pending::<StatusCode>));
    let address = checkout(&folder, serve(hung).await).await;
    let headers = [("x-deadline-ms", "100")];
    let (status, answer) = call(address, Method::PUT, "/orders/o1", &headers, MUGS).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("no answer within"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_placed_order_sent_again_does_not_need_the_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let once = Router::new().route(
        "/items/mug",
        get(move || async move {
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                Ok(r#"{"id":"mug","name":"Mug","price_cents":5}"#)
            } else {
                Err(StatusCode::BAD_GATEWAY)
            }
        }),
    );
    let address = checkout(&folder, serve(once).await).await;
    let (status, _) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, order) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
    assert_eq!(
        (status, &order["total_cents"]),
        (StatusCode::OK, &10.into())
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// A catalog that counts its calls and fails the first so many.
fn failing(first: u64) -> (Router, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let catalog = Router::new().route(
        "/items/mug",
        get(move || async move {
            if counted.fetch_add(1, Ordering::SeqCst) < first {
                Err(StatusCode::SERVICE_UNAVAILABLE)
            } else {
                Ok(r#"{"id":"mug","name":"Mug","price_cents":5}"#)
            }
        }),
    );
    (catalog, calls)
}

#[tokio::test]
async fn a_catalog_that_fails_once_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, calls) = failing(1);
    let address = checkout(&folder, serve(catalog).await).await;
    let (status, _) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_catalog_that_is_down_is_left_alone_and_asked_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, calls) = failing(60);
    let address = checkout(&folder, serve(catalog).await).await;
    // Some fail in vain, of which each may call twice; then the breaker refuses without a call.
    loop {
        let before = calls.load(Ordering::SeqCst);
        let (status, answer) = call(address, Method::PUT, "/orders/o1", &[], MUGS).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let refused = answer["error"].as_str().unwrap().contains("is not asked");
        if refused && calls.load(Ordering::SeqCst) == before {
            break;
        }
    }
    // It is over, and trials find out.
    calls.store(60, Ordering::SeqCst);
    let begun = tokio::time::Instant::now();
    while call(address, Method::PUT, "/orders/o1", &[], MUGS).await.0 != StatusCode::CREATED {
        assert!(begun.elapsed() < DEADLINE, "orders never came back");
        tokio::task::yield_now().await;
    }
}
