//! Requests and answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use ninefold_core::policy::classify::Classify;
use ninefold_core::policy::{Advice, Criticality, Outcome, Pushback, RequestMeta};

use super::*;
use crate::clock::{Now, VirtualTime};
use crate::meta::MetaOf;
use crate::retry::RetryRule;
use crate::{ByError, Error, PolicyKind, Reason, Rejected};

/// A body of frames.
#[derive(Debug)]
struct Frames(Vec<&'static str>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let frame = self.0.remove(0);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(frame)))))
    }
}

fn read<B: Body<Data = Bytes, Error = Infallible> + Unpin>(
    time: &VirtualTime,
    mut body: B,
) -> String {
    let mut text = String::new();
    while let Some(frame) = time.block_on(std::future::poll_fn(|context| {
        Pin::new(&mut body).poll_frame(context)
    })) {
        let data = frame.unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&data).unwrap());
    }
    text
}

#[test]
fn a_body_is_kept_up_to_its_size() {
    let time = VirtualTime::new();
    let frames = || Frames(vec!["one ", "two ", "three"]);
    let small = time.block_on(ReplayBody::buffer(frames(), 13)).unwrap();
    assert_eq!(small.size_hint().exact(), Some(13));
    assert_eq!(read(&time, small.copy().unwrap()), "one two three");
    assert_eq!(read(&time, small), "one two three");
    let large = time.block_on(ReplayBody::buffer(frames(), 7)).unwrap();
    assert!(large.copy().is_none());
    assert_eq!(large.size_hint().lower(), 8);
    assert_eq!(read(&time, large), "one two three");
    let none = time
        .block_on(ReplayBody::buffer(Frames(Vec::new()), 7))
        .unwrap();
    assert!(none.is_end_stream());
}

fn answer(status: u16, retry_after: Option<&str>) -> Response<()> {
    let mut builder = Response::builder().status(status);
    if let Some(after) = retry_after {
        builder = builder.header("retry-after", after);
    }
    builder.body(()).unwrap()
}

#[test]
fn answers_are_judged_by_status_and_refusals_are_not() {
    let of = |status| ByError(ByStatus).classify(Ok::<_, &Error<()>>(&answer(status, None)));
    assert_eq!(of(200), Some(Outcome::Success));
    assert_eq!(of(404), Some(Outcome::Ignored));
    assert_eq!(of(500), Some(Outcome::Failure));
    assert_eq!(of(499), None);
    let refused = Rejected::new(PolicyKind::Bulkhead, Reason::Full);
    let by_error = ByError(ByStatus);
    let judge = |error: Error<()>| by_error.classify(Err::<&Response<()>, _>(&error));
    assert_eq!(judge(refused.into()), Some(Outcome::Ignored));
    assert_eq!(judge(Error::Service(())), Some(Outcome::Failure));
}

#[test]
fn overload_and_gateways_are_tried_again_as_they_say() {
    let advise = |status, after| {
        RetryRule::<_, Error<()>>::advise(&RetryByStatus, Ok(&answer(status, after)))
    };
    assert_eq!(advise(200, None), Advice::Accept);
    assert_eq!(advise(500, None), Advice::Accept);
    let again = |pushback| Advice::Again {
        sent: true,
        pushback,
    };
    assert_eq!(advise(502, None), again(Pushback::Unsaid));
    let three = Pushback::After(Duration::from_secs(3));
    assert_eq!(advise(503, Some("3")), again(three));
    assert_eq!(advise(429, Some("nonsense")), again(Pushback::Unsaid));
}

#[test]
fn headers_say_how_long_and_how_important() {
    let time = VirtualTime::new();
    let of = |builder: http::request::Builder| {
        FromHeaders::new(time.clone()).of(&builder.body(()).unwrap())
    };
    let meta = of(Request::builder()
        .header("x-deadline-ms", "250")
        .header("x-criticality", "sheddable"));
    assert_eq!(meta.deadline, Some(time.now() + Duration::from_millis(250)));
    assert_eq!(meta.criticality, Criticality::Sheddable);
    let grpc = of(Request::builder().header("grpc-timeout", "2S"));
    assert_eq!(grpc.deadline, Some(time.now() + Duration::from_secs(2)));
    let garbage = of(Request::builder()
        .header("x-deadline-ms", "-1")
        .header("x-criticality", "very"));
    assert_eq!(garbage, RequestMeta::default());
    let given = RequestMeta {
        key: 7,
        ..RequestMeta::default()
    };
    assert_eq!(of(Request::builder().extension(given)), given);
}

#[cfg(feature = "tower")]
#[test]
fn what_is_idempotent_may_be_sent_again() {
    use crate::retry::{Repeat, Replay};

    let of = |method: &str, key: Option<&str>| {
        let mut builder = Request::builder().method(method).uri("/orders/1");
        if let Some(key) = key {
            builder = builder.header("idempotency-key", key);
        }
        let request = builder.body(ReplayBody::<Frames>::full("x")).unwrap();
        ByMethod.repeat(&request)
    };
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        assert_eq!(of(method, None), Repeat::Always, "{method}");
    }
    assert_eq!(of("POST", None), Repeat::Unsent);
    assert_eq!(of("PATCH", None), Repeat::Unsent);
    assert_eq!(of("POST", Some("7c4a")), Repeat::Always);
}

#[cfg(feature = "tower")]
#[test]
fn a_copy_is_like_the_request() {
    use crate::retry::Replay;

    let time = VirtualTime::new();
    let mut request = Request::builder()
        .method("PUT")
        .uri("/orders/1")
        .version(http::Version::HTTP_2)
        .header("accept", "text/plain")
        .body(ReplayBody::<Frames>::full("body"))
        .unwrap();
    request.extensions_mut().insert(7u8);
    let copy = ByMethod.copy(&request).unwrap();
    assert_eq!(
        (copy.method(), copy.uri()),
        (request.method(), request.uri())
    );
    assert_eq!(copy.version(), http::Version::HTTP_2);
    assert_eq!(copy.headers(), request.headers());
    assert_eq!(copy.extensions().get::<u8>(), Some(&7));
    assert_eq!(read(&time, copy.into_body()), "body");
    let large = Frames(vec!["large"]);
    let once = time.block_on(ReplayBody::buffer(large, 1)).unwrap();
    assert!(ByMethod.copy(&request.map(|_| once)).is_none());
}

#[cfg(feature = "tower")]
#[test]
fn what_a_server_would_refuse_is_not_sent() {
    use std::future::{Ready, ready};
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use ninefold_core::policy::prioritizer::{LEVEL_HEADER, PeerLevel};
    use tower_layer::Layer as _;
    use tower_service::Service;

    use super::PeerLevelLayer;

    struct Server(u32);

    impl Service<Request<()>> for Server {
        type Response = Response<u32>;
        type Error = Rejected;
        type Future = Ready<Result<Response<u32>, Rejected>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<()>) -> Self::Future {
            assert!(request.headers().contains_key(LEVEL_HEADER), "it asks");
            self.0 += 1;
            let level = Response::builder().header(LEVEL_HEADER, "critical/127");
            ready(Ok(level.body(self.0).unwrap()))
        }
    }

    let time = VirtualTime::new();
    let peer = Arc::new(PeerLevel::default());
    let meta = FromHeaders::new(time.clone());
    let mut client = PeerLevelLayer::with(peer, meta, time.clone()).layer(Server(0));
    let mut send = |criticality: &str| {
        let request = Request::builder().header("x-criticality", criticality);
        let answer = time.block_on(client.call(request.body(()).unwrap()));
        answer.map(Response::into_body).map_err(|why| why.reason)
    };
    assert_eq!(send("sheddable"), Ok(1));
    assert_eq!(send("sheddable"), Err(Reason::Shed), "it would be refused");
    assert_eq!(send("critical"), Ok(2));
    time.advance(Duration::from_secs(3));
    assert_eq!(send("sheddable"), Ok(3), "nobody has said so for a while");
}
