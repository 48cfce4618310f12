//! Metrics of policies in a registry of `prometheus-client`.
//!
//! ```
//! use ninefold::metrics::PolicyMetrics;
//! use ninefold::retry::{Repeat, Retry, RetryConfig};
//! use ninefold::clock::VirtualTime;
//! use prometheus_client::registry::Registry;
//!
//! let mut registry = Registry::default();
//! let metrics = PolicyMetrics::new(&mut registry);
//! let time = VirtualTime::new();
//! let retry = Retry::on(time.clone(), RetryConfig::default())?.with_source(metrics.source("catalog"));
//! let answer = time.block_on(retry.call(Repeat::Always, |_| async { Err::<(), _>("no") }));
//! assert!(answer.is_err());
//!
//! let mut text = String::new();
//! prometheus_client::encoding::text::encode(&mut text, &registry)?;
//! assert!(text.contains("ninefold_policy_attempts_total{policy=\"retry\",name=\"catalog\"} 2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | metric | labels | what |
//! |---|---|---|
//! | `ninefold_policy_calls_total` | policy, name, outcome | calls that ended, `cancelled` among them |
//! | `ninefold_policy_rejections_total` | policy, name, reason | calls that were refused |
//! | `ninefold_policy_attempts_total` | policy, name | retries and hedges that were scheduled |
//! | `ninefold_policy_substitutions_total` | policy, name, source | answers from somewhere else |
//! | `ninefold_policy_state` | policy, name, state | 1 for the state that it is in |
//! | `ninefold_policy_level` | policy, name, what | limits, shares and delays that move |
//! | `ninefold_policy_call_seconds` | policy, name | how long calls took, where it is measured |
//!
//! Names are yours: give each policy one, and do not make them of what users send.
//!
//! # What it costs
//!
//! A source looks up its counters once per policy; an event is then one atomic addition. Levels,
//! states and substitutions, which are rare, look up their own each time.

mod families;
mod labels;
mod listener;
#[cfg(test)]
mod tests;

pub use self::listener::PolicyMetrics;
