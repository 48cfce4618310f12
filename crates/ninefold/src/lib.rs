//! Resilience policies for services that call services, and for services that are called.
//!
//! # What it is for
//!
//! Whatever is called over a network fails at times: it is down, slow, overloaded, or answers
//! nonsense for a minute. What the caller does then decides whether a minute of one service becomes
//! an hour of all. Here are the answers the trade has found, as *policies* that stand around a call:
//! they stop calling who fails, bound what is under way, try again within reason, end what takes too
//! long, and refuse early what would come too late.
//!
//! ```
//! use ninefold::{CircuitBreaker, Error};
//! # use ninefold::clock::VirtualTime;
//! # async fn fetch(_: &str) -> Result<String, std::io::Error> { Ok("espresso".to_owned()) }
//! # VirtualTime::new().block_on(async {
//!
//! let breaker = CircuitBreaker::default();
//! match breaker.call(|| fetch("/items")).await {
//!     Ok(items) => println!("{items}"),
//!     Err(Error::Rejected(why)) => println!("not even asked: {why}"),
//!     Err(error) => println!("asked in vain: {error}"),
//! }
//! # });
//! ```
//!
//! # The policies
//!
//! | policy | for what | chapter |
//! |---|---|---|
//! | [`CircuitBreaker`] | stops calling who fails, and finds out when that is over | [`policy::breaker`] |
//! | [`Retry`] | tries again, if that is safe and the budget allows it | [`retry`], [`policy::retry`], [`policy::backoff`] |
//! | [`RetryBudget`] | bounds all repetitions of calls to a dependency together | [`policy::retry_budget`] |
//! | [`Hedge`] | asks a second one when the first is slow | [`hedge`], [`policy::hedge`] |
//! | [`TimeLimiter`] | ends an attempt that takes too long | [`time_limiter`] |
//! | [`Deadline`] | does not begin what nobody waits for | [`policy::deadline`] |
//! | [`Bulkhead`] | bounds what is under way at once | [`policy::bulkhead`] |
//! | [`ThreadPoolBulkhead`] | the same for blocking work, on threads of its own | [`thread_pool_bulkhead`] |
//! | [`AdaptiveLimiter`] | finds that bound by itself | [`policy::adaptive_limiter`] |
//! | [`RateLimiter`] | bounds calls per time | [`policy::rate_limiter`] |
//! | [`Pacer`] | the same, and calls wait for their place | [`pacing`] |
//! | [`AdaptiveThrottler`] | refuses at the client what the server would refuse | [`policy::adaptive_throttler`] |
//! | [`LoadShedder`] | refuses at the server what would come too late | [`policy::shedder`], [`policy::queue`] |
//! | [`Prioritizer`] | refuses the same, least important users along a chain of services | [`policy::prioritizer`] |
//! | [`Dimmer`] | leaves out what is optional | [`policy::dimmer`] |
//! | [`MetastabilityGuard`] | breaks the loop that keeps an overload alive | [`policy::guard`] |
//! | [`Cache`] | remembers answers, also through an outage | [`cache`] |
//! | [`Coalesce`] | makes one call for many askers | [`coalesce`] |
//! | [`Fallback`] | answers something else | [`fallback`] |
//! | [`Chaos`] | breaks calls on purpose | [`chaos`] |
//! | [`Keyed`] | keeps one of them for each tenant, host or route | [`keyed`] |
//! | [`LoadMeter`](load::LoadMeter) | tells balancers how much there is to do | [`load`] |
//! | [`WaitingRoom`] | lets calls wait for a bulkhead or a load shedder | [`waiting`] |
//!
//! Each chapter says what the policy is for and when not to use it, how it decides and where that
//! comes from, its knobs, how it composes, what it emits and what it costs.
//!
//! # Three surfaces
//!
//! - **`call`** around any future: `policy.call(|| async { … }).await` gives the call's answer or an
//!   [`Error`]: refused, timed out, or the call's own. The closure is not run if the policy refuses.
//! - **`layer`**, with the feature `tower`: the policy as a layer, with futures that have a name and
//!   are not boxed. The service's error must be able to say that a policy refused: [`Error`], a boxed
//!   error, or one of yours with `From<Rejected>`. Policies are asked in `call`, never in
//!   `poll_ready`, so a service that was made ready and dropped holds nothing.
//! - **`permit`**, for code that is neither: ask, do it, and say how it ended.
//!
//! ```
//! use ninefold::clock::CoarseClock;
//! use ninefold::{Bulkhead, Outcome, RequestMeta};
//!
//! let connections = Bulkhead::default();
//! let permit = connections.permit(&RequestMeta::default())?;
//! // … the call …
//! permit.settle(Outcome::Success, CoarseClock);
//! assert_eq!(connections.in_flight(), 0);
//! # Ok::<(), ninefold::Rejected>(())
//! ```
//!
//! A permit that is dropped means *cancelled*: all that it held is released, and nothing is learnt. So
//! does a future of `call` or of a layer. Clients that hang up never open a breaker.
//!
//! # Together: the order
//!
//! Several policies make a [`Pipeline`]. Their order matters, and is nearly always the same; the
//! builder knows it, and one in the wrong place does not compile. [`pipeline`] says what would go
//! wrong elsewhere.
//!
//! ```text
//! client  Fallback → Deadline → Cache, Coalesce → Retry, Hedge → AdaptiveThrottler → CircuitBreaker
//!         → RateLimiter → AdaptiveLimiter or Bulkhead → TimeLimiter → Chaos → the call
//! server  Deadline → LoadShedder → RateLimiter → AdaptiveLimiter → Dimmer → the handler
//! ```
//!
//! To begin with, there are [`presets`] for an HTTP client, a database client and a server: settings
//! that fit each other, to be changed from there.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use ninefold::clock::TokioTime;
//! use ninefold::pipeline::Call;
//! use ninefold::presets::DatabaseClient;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let ledger = DatabaseClient::default().build(TokioTime)?;
//! let rows = ledger.call_with(Call::idempotent(), |_| async { Ok::<_, String>(7) }).await;
//! assert_eq!(rows, Ok(7));
//! # Ok::<_, ninefold::InvalidPolicy>(()) })?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is a failure?
//!
//! Policies that learn do so from [`Outcome`]s, and a classifier says which outcome a result is. `Ok`
//! is a success and `Err` a failure, unless you say otherwise: by a closure, by
//! `http::ByStatus` for answers of HTTP, by your own [`Classify`]. Within a pipeline use `by_error`: then
//! what another policy refused says nothing about who was to be called.
//!
//! ```
//! use ninefold::{CircuitBreaker, Outcome};
//!
//! // An answer that names the caller's own mistake says nothing about the server.
//! let breaker = CircuitBreaker::default().with_classify(|result: Result<&u16, &String>| {
//!     Some(match result {
//!         Ok(400..=499) => Outcome::Ignored,
//!         Ok(status) if *status < 500 => Outcome::Success,
//!         Ok(_) | Err(_) => Outcome::Failure,
//!     })
//! });
//! # ninefold::clock::VirtualTime::new().block_on(async {
//! assert_eq!(breaker.call(|| async { Ok(404) }).await, Ok(404));
//! # });
//! ```
//!
//! What policies should know of a *request*, its deadline, its criticality, whose it is, stands in a
//! [`RequestMeta`], which `call_with`, `permit` and [`meta::MetaOf`] of layers take.
//!
//! # Configuration
//!
//! Every policy has an `XxxConfig`: plain data with defaults that are meant to be used, read and
//! written by serde, described by `schemars`. Times, shares and rates are written as people write
//! them. Unknown fields are errors, and `validate` says which value makes no sense, and what would.
//!
//! ```
//! use ninefold::{CircuitBreaker, CircuitBreakerConfig, Ratio, Span};
//!
//! let config: CircuitBreakerConfig = serde_json::from_str(
//!     r#"{ "failure_rate_threshold": "30%", "open_wait": "2s", "sliding_window": { "count": 50 } }"#,
//! )?;
//! let breaker = CircuitBreaker::new(config)?;
//!
//! // Later, for all clones, without losing what was learnt.
//! breaker.reconfigure(CircuitBreakerConfig { open_wait: Span::secs(1), ..breaker.config() })?;
//! assert_eq!(breaker.config().failure_rate_threshold, Ratio::percent(30));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Events and metrics
//!
//! Give a policy a [`Source`], a name and a [`Listener`], and it says what happens: refusals, results,
//! changes of state, levels that move. Without a listener no [`Event`] is even built. `metrics`
//! (feature `prometheus`) is a listener that counts.
//!
//! ```
//! use std::sync::Arc;
//! use ninefold::{Change, CircuitBreaker, Event, Listener, Source};
//!
//! struct Log;
//! impl Listener for Log {
//!     fn on_event(&self, event: &Event<'_>) {
//!         if let Change::State { from, to } = event.change {
//!             println!("{} of {}: {from} -> {to}", event.policy, event.name);
//!         }
//!     }
//! }
//! let breaker = CircuitBreaker::default().with_source(Source::new("catalog", Arc::new(Log)));
//! breaker.force_open();
//! ```
//!
//! # Clocks, timers and tests
//!
//! No policy reads a clock by itself; it is given one, and timers if it waits ([`clock`]). With the
//! feature `tokio`, `Xxx::new` uses tokio's; `Xxx::on(time, …)` and `with_clock` take any. Your
//! tests take [`VirtualTime`](clock::VirtualTime): hours pass in no time, and every run is the same.
//!
//! ```
//! use std::time::Duration;
//! use ninefold::clock::VirtualTime;
//! use ninefold::policy::breaker::State;
//! use ninefold::{CircuitBreaker, Error, Reason};
//!
//! let time = VirtualTime::new();
//! let breaker = CircuitBreaker::default().with_clock(time.clone());
//! let down = || time.block_on(breaker.call(|| async { Err::<(), _>("down") }));
//! while !matches!(down(), Err(Error::Rejected(why)) if why.reason == Reason::CallNotPermitted) {}
//!
//! time.advance(Duration::from_secs(5));
//! for _ in 0..4 {
//!     assert!(time.block_on(breaker.call(|| async { Ok::<_, &str>(()) })).is_ok());
//! }
//! assert_eq!(breaker.state(), State::Closed);
//! ```
//!
//! # Features
//!
//! | feature | brings | default |
//! |---|---|---|
//! | – | every policy, `call`, permits, pipelines, presets, clocks, [`VirtualTime`](clock::VirtualTime) | |
//! | `tokio` | tokio's clock and timers as the default ones, and its tasks for work in the background | off |
//! | `tower` | layers and services (`tower-layer` and `tower-service` only) | off |
//! | `http` | classifiers, bodies that can be sent again, headers, the preset `HttpClient` | off |
//! | `prometheus` | `metrics`: counters in a registry of `prometheus-client` | off |
//! | `full` | all of them | off |
//!
//! # How it is built, and what it costs
//!
//! What decides is in the crate `ninefold_core`: it knows no clock, no runtime and no I/O, is seeded
//! where it draws lots, and is the same code that Ninefold's gateway runs. It stands here as
//! [`policy`], for who drives it by themselves (its examples say `ninefold_core`, which is the same);
//! what is around it here waits, wakes and calls.
//!
//! - An admitted call takes no lock and allocates nothing: a few atomic operations a policy, and a
//!   clock only where the answer depends on it. Whatever does more says so in its chapter: who waits
//!   in a [`waiting`] room, a hedge that is sent, [`Coalesce`], [`Cache`], [`Keyed`],
//!   [`ThreadPoolBulkhead`], and a [`Retry`] or [`Hedge`] in a tower service, which keep a copy of
//!   the request.
//! - Clones share the policy. Make it once and keep it; one that is made for each call learns
//!   nothing.
//! - Every window, queue, table and loop has a limit.

#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../README.md")]
mod readme {}

pub mod admission;
pub mod cache;
pub mod chaos;
pub mod clock;
pub mod coalesce;
mod error;
pub mod fallback;
pub mod handle;
pub mod hedge;
#[cfg(feature = "http")]
pub mod http;
pub mod keyed;
pub mod load;
pub mod meta;
#[cfg(feature = "prometheus")]
pub mod metrics;
pub mod pacing;
pub mod pipeline;
pub mod presets;
pub mod retry;
pub mod spawn;
mod table;
#[cfg(test)]
mod testing;
pub mod thread_pool_bulkhead;
pub mod time_limiter;
pub mod waiting;

pub use admission::{
    AdaptiveLimiter, AdaptiveLimiterConfig, AdaptiveThrottler, AdaptiveThrottlerConfig, Bulkhead,
    BulkheadConfig, CircuitBreaker, CircuitBreakerConfig, Deadline, DeadlineConfig, Dimmer,
    DimmerConfig, GuardConfig, LoadShedder, LoadShedderConfig, MetastabilityGuard, Prioritizer,
    PrioritizerConfig, RateLimiter, RateLimiterConfig,
};
pub use cache::{Cache, CacheConfig};
pub use chaos::{Chaos, ChaosConfig};
pub use coalesce::{Coalesce, CoalesceConfig};
pub use error::{ByError, Error, Panicked, TimedOut};
pub use fallback::Fallback;
pub use handle::Handle;
pub use hedge::{Hedge, HedgeConfig};
pub use keyed::{Keyed, KeyedConfig};
pub use ninefold_core::policy::classify::{ByResult, Classify};
pub use ninefold_core::policy::{
    Admission, Change, Cohort, Criticality, Event, InvalidPolicy, Listener, Now, Outcome, Permit,
    PolicyKind, Reason, Rejected, RequestMeta, Source,
};
pub use ninefold_core::time::Timestamp;
pub use ninefold_core::units::{Bytes, InvalidUnit, Rate, Ratio, Span};
#[doc(inline)]
pub use ninefold_core::{policy, rng};
pub use pacing::Pacer;
pub use pipeline::Pipeline;
pub use retry::{Repeat, Retry, RetryBudget, RetryBudgetConfig, RetryConfig};
pub use thread_pool_bulkhead::{ThreadPoolBulkhead, ThreadPoolBulkheadConfig};
pub use time_limiter::{TimeLimiter, TimeLimiterConfig};
pub use waiting::WaitingRoom;
