//! A server that refuses early what it could only answer too late, the least important first.
//!
//! `cargo run -p ninefold --example server --all-features`, and in another terminal
//!
//! ```sh
//! curl -i http://127.0.0.1:8088/work
//! curl -i -H 'x-criticality: sheddable' -H 'x-deadline-ms: 50' http://127.0.0.1:8088/work
//! curl http://127.0.0.1:8088/metrics
//! ```
//!
//! It works on four requests at once, for 20 ms each, so it bears 200 a second; `wrk -t1 -c64
//! http://127.0.0.1:8088/work` asks for more. Another address may be given as the argument. Ctrl-C
//! stops it.

#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ninefold::clock::TokioTime;
use ninefold::http::FromHeaders;
use ninefold::metrics::PolicyMetrics;
use ninefold::presets::Server;
use ninefold::retry::CloneAlways;
use ninefold::{Error, LoadShedderConfig};
use prometheus_client::registry::Registry;

/// The type that prometheus-client's text has in HTTP.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut registry = Registry::default();
    let source = PolicyMetrics::new(&mut registry).source("work");
    let settings = Server {
        shedder: LoadShedderConfig {
            max_concurrent_calls: 4,
            ..LoadShedderConfig::default()
        },
        ..Server::default()
    };
    let pipeline = settings.build_with(TokioTime, &source)?;
    // The server repeats nothing, so it does not matter what may be repeated.
    let guarded = pipeline.layer(&CloneAlways, &FromHeaders::new(TokioTime));
    let app = Router::new()
        .route("/work", get(work))
        .layer((HandleErrorLayer::new(refusal), guarded))
        // Outside of the layer: who looks at an overload must not be refused.
        .route("/metrics", get(metrics))
        .with_state(Arc::new(registry));

    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:8088".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}/work", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            if tokio::signal::ctrl_c().await.is_err() {
                // Without a way to hear of it, the server runs until it is killed.
                std::future::pending::<()>().await;
            }
        })
        .await?;
    Ok(())
}

async fn work() -> &'static str {
    tokio::time::sleep(Duration::from_millis(20)).await;
    "done\n"
}

/// What a refusal is in HTTP: come back later, or it took too long.
async fn refusal(error: Error<Infallible>) -> Response {
    match error {
        Error::Rejected(why) => {
            let after = why
                .retry_after
                .unwrap_or(Duration::from_secs(1))
                .as_secs()
                .max(1);
            let headers = [(RETRY_AFTER, after.to_string())];
            (StatusCode::SERVICE_UNAVAILABLE, headers, format!("{why}\n")).into_response()
        }
        error => (StatusCode::GATEWAY_TIMEOUT, format!("{error}\n")).into_response(),
    }
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
