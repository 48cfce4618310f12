//! A small HTTP service for the end-to-end tests: `/ready` and `/live` pass, everything else answers
//! 200 with its instance's name. `/slow` answers after 300 ms, `/fail` with 500, `/sick` with 500 where
//! the instance is the first of its service, `/echo` with the body that it is sent, `/stream` with a body
//! of 40 pieces that takes 2 s, `/price` with a price, which is another one once it was asked for `/spoil`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::{Interval, interval};

/// One piece of a stream comes so long after the other.
const PIECE_EVERY: Duration = Duration::from_millis(50);

/// Whether it answers wrongly.
static SPOILT: AtomicBool = AtomicBool::new(false);

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

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, hyper::Error> {
    let name = std::env::var("NINEFOLD_INSTANCE").unwrap_or_default();
    let mut response = Response::new(Answer::whole(format!("{name}\n").into()));
    let first = name.ends_with("/0");
    match request.uri().path() {
        "/slow" => tokio::time::sleep(Duration::from_millis(300)).await,
        "/fail" => *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR,
        "/sick" if first => *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR,
        "/echo" => {
            let body = request.into_body().collect().await?.to_bytes();
            *response.body_mut() = Answer::whole(body);
        }
        "/spoil" => SPOILT.store(true, Ordering::Relaxed),
        "/price" => {
            let price = if SPOILT.load(Ordering::Relaxed) { 8 } else { 7 };
            let body = format!("{{\"price\":{price},\"by\":\"{name}\"}}");
            let kind = hyper::header::HeaderValue::from_static("application/json");
            response
                .headers_mut()
                .insert(hyper::header::CONTENT_TYPE, kind);
            *response.body_mut() = Answer::whole(body.into());
        }
        "/stream" => *response.body_mut() = Answer::pieces(40),
        _ => {}
    }
    Ok(response)
}

/// Pieces, one after the other.
struct Answer {
    piece: Bytes,
    left: usize,
    pace: Option<Interval>,
}

impl Answer {
    fn whole(piece: Bytes) -> Self {
        let left = usize::from(!piece.is_empty());
        Self {
            piece,
            left,
            pace: None,
        }
    }

    fn pieces(left: usize) -> Self {
        Self {
            piece: Bytes::from_static(b"piece\n"),
            left,
            pace: Some(interval(PIECE_EVERY)),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll_tick(cx));
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self.pace {
            Some(_) => hyper::body::SizeHint::default(),
            None => hyper::body::SizeHint::with_exact(
                u64::try_from(self.left * self.piece.len()).unwrap_or(0),
            ),
        }
    }
}
