//! Ninefold's own.

use ninefold::clock::PreciseClock;
use ninefold::hedge::Hedge;
use ninefold::retry::{Advice, CloneAlways, Pushback, Repeat, Retry};
use ninefold::waiting::{Bulkhead, BulkheadConfig};
use ninefold::{Admission, Error, Handle, Now, Outcome, RequestMeta, TimeLimiter};
use tower::Layer;

use super::bulkhead::PLACES;
use crate::Subject;
use crate::bare::{self, Bare, Fault};
use crate::ear::ear;

const OURS: &str = "ninefold";

type Answer = Result<u64, Error<Fault>>;

pub(super) fn breaker_closed() -> Vec<Subject> {
    Vec::new()
}

pub(super) fn breaker_open() -> Vec<Subject> {
    Vec::new()
}

pub(super) fn bulkhead() -> Vec<Subject> {
    fn handle() -> Handle<Bulkhead, PreciseClock> {
        Handle::new(policy())
    }
    fn heard() -> Handle<Bulkhead, PreciseClock> {
        Handle::new(policy().with_source(ear()))
    }
    fn policy() -> Bulkhead {
        Bulkhead::new(BulkheadConfig {
            max_concurrent_calls: u32::try_from(PLACES).expect("a small number"),
            ..BulkheadConfig::default()
        })
        .expect("a valid bulkhead")
    }
    guards(handle, heard)
}

pub(super) fn rate_limiter() -> Vec<Subject> {
    Vec::new()
}

pub(super) fn adaptive_limiter() -> Vec<Subject> {
    Vec::new()
}

pub(super) fn timeout() -> Vec<Subject> {
    fn quiet() -> TimeLimiter {
        TimeLimiter::default()
    }
    fn heard() -> TimeLimiter {
        quiet().with_source(ear())
    }
    fn call(limiter: &TimeLimiter) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<> {
        let limiter = limiter.clone();
        async move |request| limiter.call(|| bare::call(request)).await
    }
    vec![
        Subject::call(OURS, quiet, call),
        Subject::layer(OURS, || quiet().layer().layer(Bare)),
        Subject::call(OURS, heard, call).heard(),
    ]
}

pub(super) fn pipeline() -> Vec<Subject> {
    Vec::new()
}

/// The three surfaces of an admission policy, and two of them with a listener.
fn guards<P, C>(quiet: fn() -> Handle<P, C>, heard: fn() -> Handle<P, C>) -> Vec<Subject>
where
    P: Admission<Token: Send> + Send + Sync + 'static,
    C: Now + Clone + Send + 'static,
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
                permit.settle(outcome, handle.clock());
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

pub(super) fn retry() -> Vec<Subject> {
    fn quiet() -> Retry {
        Retry::default()
    }
    fn heard() -> Retry {
        Retry::default().with_source(ear())
    }
    fn call(retry: &Retry) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<> {
        let retry = retry.clone();
        async move |request| retry.call(Repeat::Always, |_| bare::call(request)).await
    }
    vec![
        Subject::call(OURS, quiet, call),
        Subject::layer(OURS, || {
            quiet().with_rule(again).layer(CloneAlways).layer(Bare)
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
    fn quiet() -> Hedge {
        Hedge::default()
    }
    fn heard() -> Hedge {
        Hedge::default().with_source(ear())
    }
    fn call(hedge: &Hedge) -> impl AsyncFnMut(u64) -> Answer + Send + 'static + use<> {
        let hedge = hedge.clone();
        async move |request| hedge.call(Repeat::Always, |_| bare::call(request)).await
    }
    vec![
        Subject::call(OURS, quiet, call),
        Subject::layer(OURS, || quiet().layer(CloneAlways).layer(Bare)),
        Subject::call(OURS, heard, call).heard(),
    ]
}
