//! A canary beside a route's service.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use ninefold_config::model;
use ninefold_core::rollout::{Rollout, Side, Worse};
use ninefold_core::time::Timestamp;

/// How the requests of a route are divided, for all threads and generations.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) service: Arc<str>,
    share: f64,
    sticky: Sticky,
    roll_back: bool,
    /// Of the route's own service, and of the canary.
    sides: [Counts; 2],
    /// It went back: everything goes to the route's own service.
    gone: AtomicBool,
    rollout: Mutex<Rollout>,
}

#[derive(Debug)]
enum Sticky {
    No,
    Client,
    Header(HeaderName),
    Cookie(String),
}

#[derive(Debug, Default)]
struct Counts {
    ended: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    fn side(&self) -> Side {
        // Failures first: there are never more of them than ends.
        let failed = self.failed.load(Relaxed);
        Side {
            ended: self.ended.load(Relaxed),
            failed,
        }
    }
}

impl Split {
    pub(crate) fn new(split: &model::Split) -> Self {
        let sticky = match &split.sticky {
            None => Sticky::No,
            Some(model::Sticky::Client) => Sticky::Client,
            Some(model::Sticky::Header(name)) => {
                HeaderName::try_from(name).map_or(Sticky::Client, Sticky::Header)
            }
            Some(model::Sticky::Cookie(name)) => Sticky::Cookie(name.clone()),
        };
        Self {
            service: split.service.shared(),
            share: split.share.as_f64(),
            sticky,
            roll_back: split.roll_back,
            sides: Default::default(),
            gone: AtomicBool::new(false),
            rollout: Mutex::default(),
        }
    }

    /// Whether a request goes to the canary. `unit` is drawn for it.
    pub(crate) fn takes(&self, client: IpAddr, headers: &HeaderMap, unit: f64) -> bool {
        if self.gone.load(Relaxed) {
            return false;
        }
        let place = match &self.sticky {
            Sticky::No => unit,
            Sticky::Client => of_client(client),
            Sticky::Header(name) => headers
                .get(name)
                .map_or_else(|| of_client(client), |value| place(value.as_bytes())),
            Sticky::Cookie(name) => cookie(headers, name).map_or_else(|| of_client(client), place),
        };
        place < self.share
    }

    /// A request ended, at the canary or at the route's own service.
    pub(crate) fn count(&self, canary: bool, failed: bool) {
        let [main, other] = &self.sides;
        let side = if canary { other } else { main };
        side.ended.fetch_add(1, Relaxed);
        side.failed.fetch_add(u64::from(failed), Relaxed);
    }

    /// Compares both sides; says why the canary goes back, once.
    pub(crate) fn look(&self, now: Timestamp) -> Option<Worse> {
        if !self.roll_back {
            return None;
        }
        let (main, canary) = self.sides();
        let mut rollout = self.rollout.lock().unwrap_or_else(PoisonError::into_inner);
        let worse = rollout.look(now, main, canary)?;
        self.gone.store(true, Relaxed);
        Some(worse)
    }

    /// It went back before, in another process.
    pub(crate) fn go_back(&self, worse: Worse) {
        let mut rollout = self.rollout.lock().unwrap_or_else(PoisonError::into_inner);
        *rollout = Rollout::gone_back(worse);
        self.gone.store(true, Relaxed);
    }

    /// The requests of the route's own service, and of the canary.
    pub(crate) fn sides(&self) -> (Side, Side) {
        let [main, canary] = &self.sides;
        (main.side(), canary.side())
    }

    /// Why it went back, if it did.
    pub(crate) fn worse(&self) -> Option<Worse> {
        let rollout = self.rollout.lock().unwrap_or_else(PoisonError::into_inner);
        rollout.worse()
    }
}

/// Whoever has one address of IPv6 has 2^64 of them.
fn of_client(client: IpAddr) -> f64 {
    match client.to_canonical() {
        IpAddr::V4(four) => place(&four.octets()),
        IpAddr::V6(six) => place(six.octets().get(..8).unwrap_or_default()),
    }
}

/// The same place between 0 and 1 for the same text, on every thread and after every start.
#[expect(
    clippy::cast_precision_loss,
    reason = "the upper 53 bits are what a place needs"
)]
fn place(text: &[u8]) -> f64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let values = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let mut pairs = values.flat_map(|value| value.split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let behind = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        behind.strip_prefix(b"=")
    })
}

#[cfg(test)]
mod tests {
    use ninefold_config::model::{Ratio, Sticky as Said};

    use super::*;

    fn split(sticky: Option<Said>) -> Split {
        Split::new(&model::Split {
            service: "v2".parse().unwrap(),
            share: Ratio::percent(20),
            sticky,
            roll_back: true,
        })
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn who_sticks_stays_and_about_as_many_as_said_do() {
        let client = IpAddr::from([10, 0, 0, 1]);
        let cookie = split(Some(Said::Cookie("id".to_owned())));
        let header = split(Some(Said::Header("x-user".to_owned())));
        let of_cookie = |n: u32| headers("cookie", &format!("a=1; id={n} ; id2=7"));
        let of_header = |n: u32| headers("x-user", &n.to_string());
        let mut taken = [0, 0];
        for n in 0..2_000 {
            let first = cookie.takes(client, &of_cookie(n), 0.0);
            assert_eq!(cookie.takes(client, &of_cookie(n), 0.99), first);
            taken[0] += u32::from(first);
            taken[1] += u32::from(header.takes(client, &of_header(n), 0.99));
        }
        assert!(
            taken.iter().all(|taken| (300..500).contains(taken)),
            "{taken:?}"
        );
        // Without any: by the client.
        let none = HeaderMap::new();
        assert_eq!(
            header.takes(client, &none, 0.0),
            split(Some(Said::Client)).takes(client, &none, 0.99)
        );
        let random = split(None);
        assert!(random.takes(client, &none, 0.19) && !random.takes(client, &none, 0.2));
    }

    #[test]
    fn a_canary_that_went_back_takes_nothing() {
        let split = split(None);
        let now = Timestamp::from_secs(1_000);
        assert_eq!(split.look(now), None);
        for _ in 0..100 {
            split.count(false, false);
        }
        for _ in 0..10 {
            split.count(true, true);
        }
        assert!(split.takes(IpAddr::from([1, 1, 1, 1]), &HeaderMap::new(), 0.0));
        let worse = split.look(now).unwrap();
        assert_eq!(
            worse.canary,
            Side {
                ended: 10,
                failed: 10
            }
        );
        assert!(!split.takes(IpAddr::from([1, 1, 1, 1]), &HeaderMap::new(), 0.0));
        assert_eq!(split.look(now), None);
        assert_eq!(split.worse(), Some(worse));
    }
}
