//! hyper's server and client on a stream in memory.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;

use crate::answer::{Answer, fields};
use crate::reference::Request;
use crate::scan::LIMITS;

/// How often the connection is asked to go on; it never has to wait, so this is far too often.
const ENOUGH_POLLS: usize = 1_000_000;

/// The bytes of a peer that then closes its side and takes everything.
struct Memory<'a> {
    bytes: &'a [u8],
    /// Whether it says nothing until it is asked.
    waits: bool,
}

impl Read for Memory<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.waits {
            return Poll::Pending;
        }
        let here = buf.remaining().min(this.bytes.len());
        let (now, later) = this.bytes.split_at(here);
        buf.put_slice(now);
        this.bytes = later;
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().waits = false;
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The requests that hyper serves from a stream.
pub(crate) fn serve(stream: &[u8]) -> Vec<Request> {
    let served = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: http::Request<Incoming>| {
        let served = Rc::clone(&served);
        async move {
            let request = whole(request).await;
            served.borrow_mut().push(request);
            Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .half_close(true)
        .header_read_timeout(None)
        .max_headers(usize::try_from(LIMITS.headers).unwrap_or(usize::MAX));
    let memory = Memory {
        bytes: stream,
        waits: false,
    };
    let connection = builder.serve_connection(memory, service);
    {
        let mut connection = pin!(connection);
        let mut cx = Context::from_waker(Waker::noop());
        let mut polls = 0;
        // How it ended does not matter: what was served does.
        while connection.as_mut().poll(&mut cx).is_pending() {
            polls += 1;
            assert!(polls < ENOUGH_POLLS, "hyper waits for nothing");
        }
    }
    served.take()
}

async fn whole(request: http::Request<Incoming>) -> Request {
    let (parts, mut body) = request.into_parts();
    let mut read = Request {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: fields(&parts.headers),
        ..Request::default()
    };
    let rest = rest(&mut body).await;
    (read.body, read.trailers, read.complete) = rest;
    read
}

/// A body, its trailers, and whether it was there to its end.
async fn rest(body: &mut Incoming) -> (Vec<u8>, Vec<(String, Vec<u8>)>, bool) {
    let (mut data, mut trailers) = (Vec::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(piece)) => data.extend_from_slice(&piece),
            Ok(Err(frame)) => trailers = fields(&frame.into_trailers().unwrap_or_default()),
            Err(_broken) => return (data, trailers, false),
        }
    }
    (data, trailers, true)
}

/// What hyper takes a stream for, as the answer to a request; nothing if it is no answer.
pub(crate) fn ask(method: &Method, stream: &[u8]) -> Option<Answer> {
    let memory = Memory {
        bytes: stream,
        waits: true,
    };
    let mut cx = Context::from_waker(Waker::noop());
    let mut handshake = pin!(client::conn::http1::handshake(memory));
    let Poll::Ready(Ok((mut sender, connection))) = handshake.as_mut().poll(&mut cx) else {
        return None;
    };
    let request = http::Request::builder()
        .method(method)
        .uri("/")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let asked = sender.send_request(request);
    let mut answer = pin!(async move {
        let (parts, mut body) = asked.await.ok()?.into_parts();
        let (body, trailers, complete) = rest(&mut body).await;
        Some(Answer {
            status: parts.status.as_u16(),
            headers: fields(&parts.headers),
            body,
            trailers,
            complete,
        })
    });
    let mut connection = pin!(connection);
    let mut open = true;
    for _ in 0..ENOUGH_POLLS {
        open = open && connection.as_mut().poll(&mut cx).is_pending();
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut cx) {
            return answer;
        }
    }
    panic!("hyper waits for nothing");
}
