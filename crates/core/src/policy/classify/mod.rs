//! What the end of a call says about who was called.
//!
//! Every policy that learns from outcomes learns from what a classifier calls a failure, and a wrong
//! classifier breaks them all: a breaker opens because clients ask for what is not there, or stays
//! closed because a gateway's `503` came as `Ok`. So it is said in one place, once.
//!
//! | outcome | means | HTTP | gRPC |
//! |---|---|---|---|
//! | `Success` | it did what it should | 1xx, 2xx, 3xx | OK |
//! | `Failure` | it says something about who was called | 5xx, 429 | UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS |
//! | `Ignored` | it says something about who called | other 4xx, 501, 505, 511 | all others |
//! | none | nobody knows: cancelled | 499 | CANCELLED |
//! | `Slow` | too late to be useful | – policies that measure time find out themselves – | |
//!
//! What a server says about *when to come back* is a [`Pushback`](super::Pushback):
//! [`HttpStatus::pushback`] reads `Retry-After`, [`GrpcStatus::pushback`] reads
//! `grpc-retry-pushback-ms`.
//!
//! # When not to use the ready-made ones
//!
//! Where an application says *no* by a `200` with an error inside, or *not found* by a `500`. A
//! closure is a classifier:
//!
//! ```
//! use ninefold_core::policy::classify::{Classify, HttpStatus};
//! use ninefold_core::policy::Outcome;
//!
//! struct Answer { status: u16, valid: bool }
//! let by_answer = |result: Result<&Answer, &std::io::Error>| match result {
//!     Ok(answer) if !answer.valid => Some(Outcome::Failure),
//!     Ok(answer) => HttpStatus(answer.status).outcome(),
//!     Err(_) => Some(Outcome::Failure),
//! };
//! let answer = Answer { status: 404, valid: true };
//! assert_eq!(by_answer.classify(Ok(&answer)), Some(Outcome::Ignored));
//! ```

mod by;
mod grpc;
mod http;
mod http_date;

pub use by::{ByResult, Classify};
pub use grpc::GrpcStatus;
pub use http::HttpStatus;
pub use http_date::http_date;
