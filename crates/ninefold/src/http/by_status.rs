//! Judging answers by their status.

use std::time::SystemTime;

use http::Response;
use http::header::RETRY_AFTER;
use ninefold_core::policy::classify::{Classify, HttpStatus};
use ninefold_core::policy::{Advice, Outcome, Pushback};
use ninefold_core::time::{Timestamp, nanos};

use crate::Error;
use crate::retry::{ByError, RetryRule};

/// An answer is judged by its status, as [`HttpStatus::outcome`] says; an error is a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByStatus;

impl<B, E> Classify<Response<B>, E> for ByStatus {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Option<Outcome> {
        match result {
            Ok(answer) => HttpStatus(answer.status().as_u16()).outcome(),
            Err(_) => Some(Outcome::Failure),
        }
    }
}

/// Tries again what failed without an answer, and what was answered by 429, 502, 503 or 504, after as
/// long as `retry-after` says. A 500 is an answer: it mostly comes again, and often after the effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryByStatus;

impl<B, E> RetryRule<Response<B>, Error<E>> for RetryByStatus {
    fn is_refusal(&self, error: &Error<E>) -> bool {
        ByError::refuses(error)
    }

    fn advise(&self, result: Result<&Response<B>, &Error<E>>) -> Advice {
        let Ok(answer) = result else {
            return ByError.advise(result);
        };
        match answer.status().as_u16() {
            // What a gateway says may have had its effect behind it; what an overloaded server
            // says most likely had none, but nobody knows.
            429 | 502..=504 => Advice::Again {
                sent: true,
                pushback: pushback(answer),
            },
            _ => Advice::Accept,
        }
    }
}

fn pushback<B>(answer: &Response<B>) -> Pushback {
    let retry_after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(Timestamp::ZERO, |since| Timestamp::from_nanos(nanos(since)));
    HttpStatus(answer.status().as_u16()).pushback(retry_after, wall)
}
