//! The whole body of an answer, if it comes soon and is small.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use ninefold_core::ejection::Grade;
use tokio::time::Instant;

use crate::fleet::Hub;
use crate::meter::add;
use crate::upstream::Lease;

/// How long the rest of an answer is waited for that does not say how long it is.
const GATHER_MAX: Duration = Duration::from_millis(250);

/// What came of a body.
pub(crate) enum Gathered {
    /// All of it.
    Whole(Bytes),
    /// Its beginning: it is too large, too slow, or has trailers.
    Part(Bytes),
    /// It broke off.
    Broken,
}

/// Reads a body of at most `size_max` bytes, until `deadline`, or for a moment only if nobody knows how
/// long it is.
pub(super) async fn gather(lease: &mut Lease, size_max: usize, deadline: Instant) -> Gathered {
    let is_known = lease.used().is_none_or(|one| one.left().is_some());
    let until = match is_known {
        true => deadline,
        false => deadline.min(Instant::now() + GATHER_MAX),
    };
    whole(lease, size_max, until).await
}

/// Reads a body of at most `size_max` bytes, until `until`.
pub(crate) async fn whole(lease: &mut Lease, size_max: usize, until: Instant) -> Gathered {
    let Some(connection) = lease.connection() else {
        return Gathered::Whole(Bytes::new());
    };
    if connection.left().is_some_and(|left| left > size_max as u64) {
        return Gathered::Part(Bytes::new());
    }
    let size = connection
        .left()
        .and_then(|left| usize::try_from(left).ok());
    let mut body = Vec::with_capacity(size.unwrap_or(0));
    let mut ended = false;
    poll_fn(|cx| {
        loop {
            if ended || connection.is_ended() {
                body.shrink_to_fit();
                return Poll::Ready(Gathered::Whole(std::mem::take(&mut body).into()));
            }
            match connection.poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => body.extend_from_slice(&data),
                    // Nobody could say that they came behind a kept answer.
                    Err(_trailers) => {}
                },
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Gathered::Broken),
                Poll::Ready(None) => ended = true,
                Poll::Pending => {
                    if connection.is_late(cx, until) {
                        break;
                    }
                    return Poll::Pending;
                }
            }
            if body.len() > size_max {
                break;
            }
        }
        Poll::Ready(Gathered::Part(std::mem::take(&mut body).into()))
    })
    .await
}

/// An endpoint's answer broke off: that speaks against it.
pub(super) fn count_broken(hub: &Hub, lease: &Lease, reason: &str) {
    let upstream = Rc::clone(lease.upstream());
    if let Some(cells) = upstream.cells() {
        add(&cells.reset, 1);
    }
    hub.fail(upstream.service, &upstream.endpoint, Grade::Gateway, reason);
}
