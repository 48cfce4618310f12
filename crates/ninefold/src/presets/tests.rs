//! Presets in virtual time.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;
use crate::Span;
use crate::clock::{Now, Time, VirtualTime};
use crate::pipeline::Call;
use crate::policy::DeadlineConfig;
use crate::{Error, Reason};

#[test]
fn an_attempt_that_hangs_is_ended_and_repeated() {
    let time = VirtualTime::new();
    let pipeline = DatabaseClient::default().build(time.clone()).unwrap();
    let began = time.now();
    let answer = time.block_on(pipeline.call_with(Call::idempotent(), |call| {
        let hangs = call.request.attempt == 0;
        let wait = Duration::from_secs(if hangs { 3_600 } else { 0 });
        let sleep = time.sleep_until(time.now() + wait);
        async move {
            sleep.await;
            Ok::<_, &str>("rows")
        }
    }));
    assert_eq!(answer, Ok("rows"));
    let took = time.now().since(began);
    assert!(
        (Duration::from_secs(2)..Duration::from_millis(2_100)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn a_call_without_a_deadline_gets_the_one_of_the_preset() {
    let time = VirtualTime::new();
    let preset = DatabaseClient {
        deadline: DeadlineConfig {
            default_timeout: Some(Span::secs(3)),
            ..DeadlineConfig::default()
        },
        ..DatabaseClient::default()
    };
    let pipeline = preset.build(time.clone()).unwrap();
    let began = time.now();
    let deadlines = Mutex::new(Vec::new());
    let answer = time.block_on(pipeline.call_with(Call::idempotent(), |call| {
        deadlines.lock().unwrap().push(call.request.deadline);
        pending::<Result<(), &str>>()
    }));
    assert!(matches!(answer, Err(Error::TimedOut(_))), "{answer:?}");
    assert_eq!(
        time.now().since(began),
        Duration::from_secs(3),
        "2 s and the rest"
    );
    let deadline = Some(began + Duration::from_secs(3));
    assert_eq!(*deadlines.lock().unwrap(), [deadline, deadline]);
}

#[cfg(all(feature = "http", feature = "tower"))]
#[test]
fn layers_hand_on_the_deadline_and_the_number_of_the_attempt() {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use http::{Request, Response};
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::RequestMeta;
    use crate::http::FromHeaders;
    use crate::retry::CloneAlways;

    #[derive(Clone, Default)]
    struct Known(Arc<Mutex<Vec<RequestMeta>>>);

    impl Service<Request<()>> for Known {
        type Response = Response<()>;
        type Error = Infallible;
        type Future = Ready<Result<Response<()>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<()>) -> Self::Future {
            let known = request.extensions().get::<RequestMeta>();
            self.0.lock().unwrap().extend(known);
            ready(Ok(Response::builder().status(503).body(()).unwrap()))
        }
    }

    let time = VirtualTime::new();
    let pipeline = HttpClient::default().build(time.clone()).unwrap();
    let known = Known::default();
    let meta = FromHeaders::new(time.clone());
    let mut service = pipeline.layer(&CloneAlways, &meta).layer(known.clone());
    let began = time.now();
    let answer = time.block_on(service.call(Request::new(())));
    assert_eq!(answer.unwrap().status(), 503);
    let attempt = |attempt| RequestMeta {
        deadline: Some(began + Duration::from_secs(10)),
        attempt,
        ..RequestMeta::default()
    };
    assert_eq!(*known.0.lock().unwrap(), [0, 1, 2].map(attempt));
}

#[test]
fn an_outage_opens_the_breaker_and_spares_the_database() {
    let time = VirtualTime::new();
    let pipeline = DatabaseClient::default().build(time.clone()).unwrap();
    let sent = AtomicU32::new(0);
    let answers: Vec<_> = (0..1_000)
        .map(|_| {
            time.block_on(pipeline.call_with(Call::idempotent(), |_| {
                sent.fetch_add(1, Ordering::Relaxed);
                async { Err::<(), _>("down") }
            }))
        })
        .collect();
    assert!(sent.into_inner() < 100);
    let last = answers.last().unwrap().unwrap_err();
    assert_eq!(last.rejected().unwrap().reason, Reason::CallNotPermitted);
}

#[test]
fn a_server_answers_within_its_deadline_or_not_at_all() {
    let time = VirtualTime::new();
    let pipeline = Server::default().build(time.clone()).unwrap();
    let hangs = time.block_on(pipeline.call(|| async {
        time.sleep_until(time.now() + Duration::from_secs(60)).await;
        Ok::<_, ()>(())
    }));
    assert!(matches!(hangs, Err(Error::TimedOut(_))), "{hangs:?}");
    let late = Call::default().with_request(crate::RequestMeta {
        deadline: Some(time.now()),
        ..crate::RequestMeta::default()
    });
    let refused = time.block_on(pipeline.call_with(late, |_| async { Ok::<_, ()>(()) }));
    let reason = refused.unwrap_err().rejected().unwrap().reason;
    assert_eq!(reason, Reason::DeadlineExceeded);
}

#[cfg(feature = "http")]
#[test]
fn a_status_is_tried_again_and_comes_out() {
    use http::Response;

    let time = VirtualTime::new();
    let pipeline = HttpClient::default().build(time.clone()).unwrap();
    let sent = AtomicU32::new(0);
    let answer = time.block_on(pipeline.call_with(Call::idempotent(), |call| {
        sent.fetch_add(1, Ordering::Relaxed);
        let status = if call.request.attempt == 2 { 200 } else { 503 };
        async move { Ok::<_, &str>(Response::builder().status(status).body(()).unwrap()) }
    }));
    assert_eq!(
        (answer.unwrap().status().as_u16(), sent.into_inner()),
        (200, 3)
    );
}

#[cfg(all(feature = "http", feature = "tower"))]
#[test]
fn a_preset_is_a_layer() {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use http::{Request, Response};
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::http::{ByMethod, FromHeaders, ReplayBody};

    type Body = ReplayBody<String>;

    /// Fails every second time.
    #[derive(Clone)]
    struct Uneven(Arc<AtomicU32>);
    impl Service<Request<Body>> for Uneven {
        type Response = Response<()>;
        type Error = Infallible;
        type Future = Ready<Result<Response<()>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Body>) -> Self::Future {
            let even = self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            let status = if even { 502 } else { 200 };
            ready(Ok(Response::builder().status(status).body(()).unwrap()))
        }
    }

    let (time, sent) = (VirtualTime::new(), Arc::new(AtomicU32::new(0)));
    let pipeline = HttpClient::default().build(time.clone()).unwrap();
    let layer = pipeline.layer(&ByMethod, &FromHeaders::new(time.clone()));
    let mut service = layer.layer(Uneven(Arc::clone(&sent)));
    let mut status = |method: &str| {
        let request = Request::builder().method(method).body(Body::full("x"));
        let answer = time.block_on(service.call(request.unwrap()));
        answer.unwrap().status().as_u16()
    };
    assert_eq!(status("GET"), 200);
    assert_eq!(status("POST"), 502);
    assert_eq!(sent.load(Ordering::Relaxed), 3);
}
