//! Ninefold's own.

use ninefold::admission::{
    AdaptiveLimiterConfig, Algorithm, BulkheadConfig, CircuitBreakerConfig, RateLimiterConfig,
    SlidingWindow,
};
use ninefold::clock::{PreciseClock, TokioTime};
use ninefold::hedge::Hedge;
use ninefold::pipeline::{AroundAll, Call, Pipeline};
use ninefold::presets::{DatabaseClient, DatabaseClientStages};
use ninefold::retry::{Advice, CloneAlways, Pushback, Repeat, Retry, RetryConfig};
use ninefold::{
    AdaptiveLimiter, Admission, Bulkhead, CircuitBreaker, Deadline, Error, Handle, Now, Outcome,
    Rate, RateLimiter, RequestMeta, Source, Span, TimeLimiter, TimeLimiterConfig, Timestamp,
};
use tower::{Layer, Service, ServiceBuilder};

use super::adaptive_limiter::{LEAST, MOST, START};
use super::bulkhead::PLACES;
use crate::Subject;
use crate::bare::{self, Bare, Fault};
use crate::ear::ear;

const OURS: &str = "ninefold";
const DEADLINE: Span = Span::secs(10);
const LIMIT: Span = Span::secs(1);

type Answer = Result<u64, Error<Fault>>;

pub(super) fn breaker_closed() -> Vec<Subject> {
    fn by_time() -> CircuitBreaker {
        breaker(CircuitBreakerConfig {
            sliding_window: SlidingWindow::Time {
                span: Span::secs(30),
                buckets: 10,
            },
            ..CircuitBreakerConfig::default()
        })
    }
    fn slow_calls() -> CircuitBreaker {
        breaker(CircuitBreakerConfig {
            slow_call_duration: Some(Span::secs(1)),
            ..CircuitBreakerConfig::default()
        })
    }
    let mut subjects = guards(CircuitBreaker::default, || {
        CircuitBreaker::default().with_source(ear())
    });
    subjects.extend([
        Subject::call("ninefold-by-time", by_time, guarded).noting("a window of 30 s"),
        Subject::call("ninefold-slow-calls", slow_calls, guarded)
            .noting("slow calls count as failures"),
    ]);
    subjects
}

pub(super) fn breaker_open() -> Vec<Subject> {
    fn open(source: Source) -> CircuitBreaker {
        let breaker = CircuitBreaker::default().with_source(source);
        breaker.force_open();
        breaker
    }
    guards(|| open(Source::default()), || open(ear()))
}

fn breaker(config: CircuitBreakerConfig) -> CircuitBreaker {
    CircuitBreaker::new(config).expect("a valid breaker")
}

pub(super) fn bulkhead() -> Vec<Subject> {
    guards(places, || places().with_source(ear()))
}

fn places() -> Bulkhead {
    Bulkhead::new(BulkheadConfig {
        max_concurrent_calls: number(PLACES),
        ..BulkheadConfig::default()
    })
    .expect("a valid bulkhead")
}

/// A clock on which its highest rate is never reached: it runs 16 times as fast.
#[derive(Clone, Copy, Debug, Default)]
struct Fast;

impl Now for Fast {
    #[inline]
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(PreciseClock.now().as_nanos() << 4)
    }
}

pub(super) fn rate_limiter() -> Vec<Subject> {
    fn limiter() -> RateLimiter<Fast> {
        RateLimiter::new(RateLimiterConfig {
            rate: Rate::per_second(10_000_000),
            // A thread that is stopped between clock and admission comes with an old time; a burst
            // of 100 ms bears that.
            burst: RateLimiterConfig::BURST_MAX,
            ..RateLimiterConfig::default()
        })
        .expect("a valid rate limiter")
        .with_clock(Fast)
    }
    guards(limiter, || limiter().with_source(ear()))
}

pub(super) fn adaptive_limiter() -> Vec<Subject> {
    fn limiter(algorithm: Algorithm) -> AdaptiveLimiter {
        AdaptiveLimiter::new(AdaptiveLimiterConfig {
            algorithm,
            initial_limit: number(START),
            min_limit: number(LEAST),
            max_limit: number(MOST),
            ..AdaptiveLimiterConfig::default()
        })
        .expect("a valid limiter")
    }
    fn default() -> AdaptiveLimiter {
        limiter(Algorithm::default())
    }
    let mut subjects = guards(default, || default().with_source(ear()));
    subjects.extend([
        Subject::call(
            "ninefold-vegas",
            || limiter(Algorithm::Vegas(Default::default())),
            guarded,
        ),
        Subject::call(
            "ninefold-aimd",
            || limiter(Algorithm::Aimd(Default::default())),
            guarded,
        ),
    ]);
    subjects
}

/// The three surfaces of an admission policy, and two of them with a listener.
fn guards<P, C>(quiet: fn() -> Handle<P, C>, heard: fn() -> Handle<P, C>) -> Vec<Subject>
where
    P: Admission<Token: Send> + Send + Sync + 'static,
    C: Now + Clone + Default + Send + 'static,
{
    vec![
        Subject::permit(OURS, quiet, |handle| {
            let handle = handle.clone();
            move |request| {
                let permit = handle
                    .permit(&RequestMeta::default())
                    .map_err(Fault::from)?;
                let answer = bare::answer(request);
                let outcome = match answer {
                    Ok(_) => Outcome::Success,
                    Err(_) => Outcome::Failure,
                };
                permit.settle(outcome, C::default());
                answer
            }
        }),
        Subject::call(OURS, quiet, guarded),
        Subject::layer(OURS, move || quiet().layer().layer(Bare)),
        Subject::call(OURS, heard, guarded).heard(),
        Subject::layer(OURS, move || heard().layer().layer(Bare)).heard(),
    ]
}

fn guarded<P, C>(
    handle: &Handle<P, C>,
) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<P, C>
where
    P: Admission + Send + Sync + 'static,
    C: Now + Clone + Send + 'static,
{
    let handle = handle.clone();
    async move |request| handle.call(|| bare::call(request)).await
}

pub(super) fn timeout() -> Vec<Subject> {
    fn heard() -> TimeLimiter {
        TimeLimiter::default().with_source(ear())
    }
    fn call(limiter: &TimeLimiter) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<> {
        let limiter = limiter.clone();
        async move |request| limiter.call(|| bare::call(request)).await
    }
    vec![
        Subject::call(OURS, TimeLimiter::default, call),
        Subject::layer(OURS, || TimeLimiter::default().layer().layer(Bare)),
        Subject::call(OURS, heard, call).heard(),
    ]
}

pub(super) fn retry() -> Vec<Subject> {
    fn heard() -> Retry {
        Retry::default().with_source(ear())
    }
    fn call(retry: &Retry) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<> {
        let retry = retry.clone();
        async move |request| retry.call(Repeat::Always, |_| bare::call(request)).await
    }
    vec![
        Subject::call(OURS, Retry::default, call),
        Subject::layer(OURS, || {
            let retry = Retry::default().with_rule(again);
            retry.layer(CloneAlways).layer(Bare)
        }),
        Subject::call(OURS, heard, call).heard(),
    ]
}

/// As the library's own rule, for the error of our service.
fn again(result: Result<&u64, &Fault>) -> Advice {
    match result {
        Ok(_) => Advice::Accept,
        Err(fault) => Advice::Again {
            sent: *fault != Fault::Refused,
            pushback: Pushback::Unsaid,
        },
    }
}

pub(super) fn hedge() -> Vec<Subject> {
    fn heard() -> Hedge {
        Hedge::default().with_source(ear())
    }
    fn call(hedge: &Hedge) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<> {
        let hedge = hedge.clone();
        async move |request| hedge.call(Repeat::Always, |_| bare::call(request)).await
    }
    vec![
        Subject::call(OURS, Hedge::default, call),
        Subject::layer(OURS, || Hedge::default().layer(CloneAlways).layer(Bare)),
        Subject::call(OURS, heard, call).heard(),
    ]
}

pub(super) fn pipeline() -> Vec<Subject> {
    vec![
        Subject::call(OURS, || preset(&Source::default()), through),
        Subject::call("ninefold-by-hand", by_hand, through)
            .noting("coarse clocks, no room to wait"),
        Subject::layer(OURS, layers),
        Subject::call(OURS, || preset(&ear()), through).heard(),
    ]
}

/// As the preset for databases, which has exactly these five, with the figures of this case. The
/// deadline is the caller's.
fn preset(source: &Source) -> Pipeline<DatabaseClientStages<TokioTime>> {
    let preset = DatabaseClient {
        retry: RetryConfig::default(),
        bulkhead: BulkheadConfig {
            max_concurrent_calls: number(PLACES),
            ..BulkheadConfig::default()
        },
        time_limit: TimeLimiterConfig { timeout: LIMIT },
        ..DatabaseClient::default()
    };
    let built = preset.build_with(TokioTime, source);
    built.expect("a valid pipeline")
}

/// The same by hand: each policy on the clock that fits it, and a bulkhead in which nobody waits.
fn by_hand() -> Pipeline<impl AroundAll<u64, Fault> + Send + Sync + 'static> {
    Pipeline::builder()
        .stage(Deadline::default().by_error())
        .stage(Retry::default())
        .stage(CircuitBreaker::default().by_error())
        .stage(places().by_error())
        .stage(TimeLimiter::default())
        .build()
}

fn through<S>(pipeline: &Pipeline<S>) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<S>
where
    S: AroundAll<u64, Fault> + Send + Sync + 'static,
{
    let pipeline = pipeline.clone();
    async move |request| {
        let within = RequestMeta {
            deadline: Some(TokioTime.now() + DEADLINE.0),
            ..RequestMeta::default()
        };
        let call = Call::idempotent().with_request(within);
        pipeline.call_with(call, |_| bare::call(request)).await
    }
}

fn layers() -> impl Service<u64, Response = u64, Error = Fault> + Clone + Send + 'static {
    let deadline = TimeLimiter::new(TimeLimiterConfig { timeout: DEADLINE });
    ServiceBuilder::new()
        .layer(deadline.expect("a valid time limit").layer())
        .layer(Retry::default().with_rule(again).layer(CloneAlways))
        .layer(CircuitBreaker::default().with_classify(learnt).layer())
        .layer(places().with_classify(learnt).layer())
        .layer(TimeLimiter::default().layer())
        .service(Bare)
}

/// As `ByError`, for the error of our service.
fn learnt(result: Result<&u64, &Fault>) -> Option<Outcome> {
    Some(match result {
        Ok(_) => Outcome::Success,
        Err(Fault::Refused) => Outcome::Ignored,
        Err(Fault::Failed | Fault::TimedOut) => Outcome::Failure,
    })
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a small number")
}
