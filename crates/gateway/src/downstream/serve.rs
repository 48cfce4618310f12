//! Requests of one connection, one after another.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use http::header::CONNECTION;
use http::{Request, Response};
use http_body::Body as _;
use tokio::io::{AsyncRead, AsyncWrite};

use super::reply::{Asked, Reply, write_reply};
use super::{Inlet, Line, RequestBody, Upload};
use crate::early::Early;
use crate::exchange::{Client, Delivery, Tunnel, serve as serve_request};
use crate::http1::{Framing, give_back};
use crate::outbox::Outbox;
use crate::strict::RequestHead;

type Shared<S> = Rc<RefCell<Line<S>>>;

/// What follows an answer.
enum Next {
    Request,
    End,
    Tunnel(Box<Tunnel>),
}

/// Serves a connection to its end.
pub(crate) async fn serve<S>(client: &Rc<Client>, line: Line<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Debug + 'static,
{
    let line = Rc::new(RefCell::new(line));
    let mut outbox = Outbox::default();
    let mut next = Next::Request;
    while matches!(next, Next::Request) {
        let head = poll_fn(|cx| {
            let more = !client.worker.is_closing();
            line.borrow_mut().poll_head(cx, more)
        });
        let Some(head) = head.await else { break };
        match one(client, &line, &mut outbox, *head).await {
            Ok(then) => next = then,
            // Nobody is there to be told anything.
            Err(_gone) => return,
        }
    }
    let Some(mut line) = Rc::into_inner(line).map(RefCell::into_inner) else {
        return;
    };
    if let Next::Tunnel(tunnel) = next {
        tunnel.run(Early::new(line.held.freeze(), line.io)).await;
    } else {
        let secure = client.plan().is_some_and(|plan| plan.tls);
        line.finish(secure).await;
    }
}

/// Has one request answered.
async fn one<S>(
    client: &Rc<Client>,
    line: &Shared<S>,
    outbox: &mut Outbox,
    head: RequestHead,
) -> io::Result<Next>
where
    S: AsyncRead + AsyncWrite + Unpin + Debug + 'static,
{
    let asked = Asked::of(&head);
    let last = head.last;
    let body = body_of(line, head.framing);
    let request = Request::from_parts(head.parts, body);
    // Pinned here: handed on, a future would take its room twice.
    let answer = pin!(serve_request(client, request));
    let answer = present(line, answer).await?;
    let (parts, delivery) = answer.into_parts();
    let close = {
        let mut line = line.borrow_mut();
        line.answer();
        last || parts.headers.contains_key(CONNECTION) || !line.is_readable()
    };
    let length = delivery.size_hint().exact();
    let date = client.worker.date();
    let reply = write_reply(outbox.begin(), &parts, asked, length, close, &date);
    if let Delivery::Tunnel(tunnel) = delivery {
        poll_fn(|cx| line.borrow_mut().poll_flush(outbox, cx)).await?;
        return Ok(Next::Tunnel(tunnel));
    }
    let close = reply.close;
    deliver(line, outbox, delivery, &reply).await?;
    give_back(parts.headers);
    line.borrow_mut().answered();
    let read_up = poll_fn(|cx| line.borrow_mut().poll_read_up(cx)).await;
    Ok(if close || !read_up {
        Next::End
    } else {
        Next::Request
    })
}

fn body_of<S>(line: &Shared<S>, framing: Framing) -> RequestBody
where
    S: AsyncRead + AsyncWrite + Unpin + Debug + 'static,
{
    let length = match framing {
        Framing::Length(0) => return RequestBody::Empty,
        Framing::Length(length) => Some(length),
        Framing::Chunked | Framing::UntilClose => None,
    };
    RequestBody::Http1(Upload {
        inlet: Rc::downgrade(line) as Weak<dyn Inlet>,
        request: line.borrow().requests,
        length,
    })
}

/// The answer, if the client waits for it.
async fn present<S>(
    line: &Shared<S>,
    mut answer: Pin<&mut impl Future<Output = Result<Response<Delivery>, Infallible>>>,
) -> io::Result<Response<Delivery>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        if let Poll::Ready(Ok(answer)) = answer.as_mut().poll(cx) {
            return Poll::Ready(Ok(answer));
        }
        line.borrow_mut().poll_departure(cx).map(Err)
    })
    .await
}

/// Writes an answer behind its head.
async fn deliver<S>(
    line: &Shared<S>,
    outbox: &mut Outbox,
    mut delivery: Delivery,
    reply: &Reply,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut rest = Rest::Coming;
    poll_fn(|cx| {
        loop {
            while matches!(rest, Rest::Coming) && outbox.has_room() {
                match fill(outbox, &mut delivery, reply, cx) {
                    Poll::Ready(then) => rest = then,
                    Poll::Pending => break,
                }
            }
            let mut line = line.borrow_mut();
            if !outbox.is_empty() || line.flushes {
                match line.poll_flush(outbox, cx) {
                    Poll::Ready(flushed) => flushed?,
                    Poll::Pending => return line.poll_departure(cx).map(Err),
                }
                continue;
            }
            return match &mut rest {
                Rest::Coming => line.poll_departure(cx).map(Err),
                Rest::Over => Poll::Ready(Ok(())),
                // The client got what came before, and then the connection ends early.
                Rest::Broken(error) => Poll::Ready(Err(error.kind().into())),
            };
        }
    })
    .await
}

/// What is still to come of an answer.
enum Rest {
    Coming,
    Over,
    Broken(io::Error),
}

/// Puts the next piece into the outbox.
fn fill(
    outbox: &mut Outbox,
    delivery: &mut Delivery,
    reply: &Reply,
    cx: &mut Context<'_>,
) -> Poll<Rest> {
    if !reply.body {
        return Poll::Ready(Rest::Over);
    }
    let frame = match Pin::new(delivery).poll_frame(cx) {
        Poll::Pending => return Poll::Pending,
        Poll::Ready(Some(Err(error))) => return Poll::Ready(Rest::Broken(error)),
        Poll::Ready(Some(Ok(frame))) => frame,
        Poll::Ready(None) => {
            if reply.chunked {
                outbox.put_last(std::iter::empty());
            }
            return Poll::Ready(Rest::Over);
        }
    };
    match frame.into_data() {
        Ok(data) if data.is_empty() => Poll::Ready(Rest::Coming),
        Ok(data) => {
            outbox.put(data, reply.chunked);
            Poll::Ready(Rest::Coming)
        }
        Err(frame) => {
            if reply.chunked {
                let trailers = frame.into_trailers().ok();
                let trailers = trailers.iter().flatten();
                outbox.put_last(trailers.filter(|(name, _)| reply.trailers.contains(name)));
            }
            Poll::Ready(Rest::Over)
        }
    }
}
