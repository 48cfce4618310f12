//! Which errors, and which answers.

use std::future::ready;
use std::time::Duration;

use ninefold_core::policy::{PolicyKind, Reason, Rejected};

use super::Fallback;
use crate::Error;
use crate::cache::{Cache, CacheConfig};
use crate::clock::VirtualTime;
use crate::testing::{Heard, Recorder};

type Answer = Result<u32, Error<&'static str>>;

const REFUSED: Answer = Err(Error::Rejected(Rejected::new(
    PolicyKind::CircuitBreaker,
    Reason::CallNotPermitted,
)));
const FAILED: Answer = Err(Error::Service("no such user"));

#[test]
fn a_value_stands_for_accepted_errors_only() {
    let (time, recorder) = (VirtualTime::new(), Recorder::new());
    let fallback = Fallback::value(0)
        .with_source(recorder.source("rates"))
        .only_if(|error: &Error<&str>| error.rejected().is_some());
    let ask = |answer: Answer| time.block_on(fallback.call(|| ready(answer)));
    assert_eq!(ask(Ok(7)), Ok(7));
    assert_eq!(ask(FAILED), FAILED);
    assert_eq!(recorder.heard(), []);
    assert_eq!(ask(REFUSED), Ok(0));
    assert_eq!(recorder.heard(), [Heard::Substituted("value")]);
}

#[test]
fn a_function_may_also_change_the_error() {
    let (time, recorder) = (VirtualTime::new(), Recorder::new());
    let fallback = Fallback::by_error(|error: Error<&'static str>| match error {
        Error::Service(_) => Err(Error::Service("gone")),
        other => other.rejected().map_or(FAILED, |_| Ok(1)),
    })
    .with_source(recorder.source("rates"));
    let ask = |answer: Answer| time.block_on(fallback.call(|| ready(answer)));
    assert_eq!(ask(FAILED), Err(Error::Service("gone")));
    assert_eq!(recorder.heard(), [], "no answer was substituted");
    assert_eq!(ask(REFUSED), Ok(1));
    assert_eq!(recorder.heard(), [Heard::Substituted("function")]);
}

#[test]
fn the_stale_answer_of_the_same_request_up_to_an_age() {
    let time = VirtualTime::new();
    let cache = Cache::new(CacheConfig::default())
        .unwrap()
        .with_clock(time.clone());
    cache.insert("a", 7);
    let key = |request: &&'static str| (*request != "write").then_some(*request);
    let fallback = Fallback::stale(&cache, key, Duration::from_secs(3_600));
    let ask = |request: &'static str, answer: Answer| {
        time.block_on(fallback.call_for(&request, || ready(answer)))
    };
    time.advance(Duration::from_secs(3_600));
    assert_eq!(cache.get("a"), None);
    let asked = [ask("a", REFUSED), ask("b", REFUSED), ask("write", REFUSED)];
    assert_eq!(asked, [Ok(7), REFUSED, REFUSED]);
    time.advance(Duration::from_nanos(1));
    assert_eq!(ask("a", REFUSED), REFUSED);
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_answers_for_the_service() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let time = VirtualTime::new();
    let cache: Cache<u32, u32> = Cache::default();
    cache.insert(3, 30);
    let stale = Fallback::stale(&cache, |request: &u32| Some(*request), Duration::MAX);
    let mut service = stale.layer().layer(service_fn(|_: u32| ready(REFUSED)));
    assert_eq!(time.block_on(service.call(3)), Ok(30));
    assert_eq!(time.block_on(service.call(4)), REFUSED);
    let zero = Fallback::value(0).layer();
    let mut service = zero.layer(service);
    assert_eq!(time.block_on(service.call(4)), Ok(0));
}
