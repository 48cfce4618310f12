//! One answer that is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ninefold_core::time::Timestamp;

use super::conditional::validate;
use super::judge::Lifetimes;
use super::{Asked, judge};

/// What an entry costs beside its texts: maps, lists, and the counters of their memory.
const OVERHEAD: usize = 512;

/// How long after a failed renewal nobody else tries one.
const REST: Duration = Duration::from_secs(1);

/// What may be done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is as good as a new one.
    Fresh,
    /// It is used, and a new one fetched meanwhile.
    Behind,
    /// A new one is needed; it is used where none can be had.
    OnError,
    /// A new one is needed, and this one can at most be confirmed.
    Over,
}

/// An answer with how long it may be used.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) key: Arc<str>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What `Vary` names, with what the request had there.
    selecting: Vec<(HeaderName, Option<Vec<u8>>)>,
    lifetimes: Lifetimes,
    /// When its head came.
    born: Timestamp,
    /// Until when nobody tries to renew it, after that failed.
    rests_until: AtomicU64,
}

impl Entry {
    /// Of the answer to a request with these headers. Nothing of it holds on to larger memory.
    pub(crate) fn new(
        asked: &Asked,
        request: &HeaderMap,
        (status, headers): (StatusCode, &HeaderMap),
        body: Bytes,
        lifetimes: Lifetimes,
        born: Timestamp,
    ) -> Self {
        let names = judge::vary(headers).unwrap_or_default();
        let selecting = names.into_iter().map(|name| {
            let value = joined(request, &name);
            (name, value)
        });
        Self {
            key: Arc::clone(&asked.key),
            status,
            selecting: selecting.collect(),
            headers: copied(headers),
            body,
            lifetimes,
            born,
            rests_until: AtomicU64::new(0),
        }
    }

    /// Its headers with those of a 304 that confirmed it (RFC 9111, section 3.2).
    pub(crate) fn merged(&self, headers: &HeaderMap) -> HeaderMap {
        let mut all = self.headers.clone();
        let news = copied(headers);
        for name in news.keys() {
            all.remove(name);
        }
        for (name, value) in &news {
            all.append(name, value.clone());
        }
        // How old it is is that of the confirmation.
        if let Some(age) = headers.get(AGE) {
            all.insert(AGE, age.clone());
        }
        all
    }

    /// Itself once more, with these headers; without lifetimes it is only good for now.
    pub(crate) fn confirmed(
        &self,
        mut headers: HeaderMap,
        lifetimes: Option<Lifetimes>,
        born: Timestamp,
    ) -> Self {
        let lifetimes = lifetimes.unwrap_or_default();
        headers.remove(AGE);
        Self {
            key: Arc::clone(&self.key),
            status: self.status,
            headers,
            body: self.body.clone(),
            selecting: self.selecting.clone(),
            lifetimes,
            born,
            rests_until: AtomicU64::new(0),
        }
    }

    /// Whether it answers a request with these headers.
    pub(super) fn selects(&self, request: &HeaderMap) -> bool {
        let mut all = self.selecting.iter();
        all.all(|(name, value)| joined(request, name) == *value)
    }

    /// Whether it takes the place of another one with the same key.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        self.selecting == other.selecting
    }

    /// How old it is.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        self.lifetimes.age + now.since(self.born)
    }

    /// What may be done with it, whoever asks.
    pub(super) fn state(&self, now: Timestamp) -> State {
        let age = self.age(now);
        let Lifetimes {
            fresh,
            behind,
            on_error,
            ..
        } = self.lifetimes;
        if age < fresh {
            State::Fresh
        } else if age < fresh + behind {
            State::Behind
        } else if age < fresh + on_error {
            // Whoever comes while the service fails need not wait to learn it again.
            match self.rests_until.load(Relaxed) {
                0 => State::OnError,
                _ => State::Behind,
            }
        } else {
            State::Over
        }
    }

    /// What may be done with it for a request.
    pub(crate) fn state_for(&self, asked: &Asked, now: Timestamp) -> State {
        let age = self.age(now);
        let state = self.state(now);
        let left = self.lifetimes.fresh.saturating_sub(age);
        let too_old = asked.max_age.is_some_and(|most| age > most) || left < asked.min_fresh;
        match state {
            State::Fresh | State::Behind if asked.no_cache || too_old => {
                // It may still be better than an error.
                if age < self.lifetimes.fresh + self.lifetimes.on_error {
                    State::OnError
                } else {
                    State::Over
                }
            }
            state => state,
        }
    }

    /// Whether a request may get it at all.
    pub(super) fn is_for(&self, asked: &Asked) -> bool {
        self.lifetimes.shared || !asked.personal
    }

    /// Nothing can be done with it any more.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.state(now) == State::Over
    }

    /// How long it is still fresh, in seconds; less than 0 once it is stale.
    pub(crate) fn ttl(&self, now: Timestamp) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        seconds(self.lifetimes.fresh) - seconds(self.age(now))
    }

    /// No new one could be had.
    pub(crate) fn failed(&self, now: Timestamp) {
        self.rests_until.store((now + REST).as_nanos(), Relaxed);
    }

    /// Whether somebody may try to renew it.
    pub(crate) fn may_be_renewed(&self, now: Timestamp) -> bool {
        now.as_nanos() >= self.rests_until.load(Relaxed)
    }

    /// Asks, in a request's headers, whether it is still good; says whether that can be asked.
    pub(crate) fn validate(&self, request: &mut HeaderMap) -> bool {
        validate(request, &self.headers)
    }

    /// Bytes that it counts for.
    pub(super) fn cost(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 64);
        let selecting = self.selecting.iter();
        let selecting = selecting.map(|(_, value)| value.as_ref().map_or(0, Vec::len) + 64);
        OVERHEAD + self.key.len() + self.body.len() + headers.chain(selecting).sum::<usize>()
    }
}

/// All values of a header, as one.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let mut joined = values.next()?.to_vec();
    for more in values {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(more);
    }
    Some(joined)
}

/// Without what belongs to one message, and without a share in the memory of what was read.
fn copied(headers: &HeaderMap) -> HeaderMap {
    let own = [AGE, CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING];
    let mut all = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| !own.contains(name)) {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            all.append(name, value);
        }
    }
    all
}
