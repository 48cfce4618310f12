//! A small HTTP service for the end-to-end tests: `/ready` and `/live` pass, everything else answers
//! 200 with its instance's name. `/slow` answers after 300 ms, `/fail` with 500.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: answer ADDRESS")?;
    let listener = TcpListener::bind(&address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            drop(connection.await);
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let name = std::env::var("NINEFOLD_INSTANCE").unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(format!("{name}\n"))));
    match request.uri().path() {
        "/slow" => tokio::time::sleep(Duration::from_millis(300)).await,
        "/fail" => *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR,
        _ => {}
    }
    Ok(response)
}
