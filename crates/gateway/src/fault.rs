//! Faults that the gateway injects into attempts, on the order of the chaos engine.
//!
//! Each has an end of its own that the data threads look at, so that none outlasts whoever ordered
//! it. Generations share them: a reload neither ends nor prolongs one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName, HeaderValue};
use ninefold_core::event::FaultNotice;
use ninefold_core::fault::{FaultEffect, FaultHits, GatewayFault};
use ninefold_core::id::InstanceId;
use ninefold_core::time::nanos;

use crate::exchange::Outcome;
use crate::fleet::FaultEntry;
use crate::http1::Added;

/// Faults at once, at most.
const FAULTS_MAX: usize = 64;

/// Why a fault is not injected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// The notice is not about a fault in the gateway.
    #[error("the notice has no `gateway` fault")]
    Elsewhere,
    /// What is asked for cannot be.
    #[error("{0}")]
    Impossible(String),
    /// There are too many already.
    #[error("{FAULTS_MAX} faults are injected already")]
    TooMany,
}

/// A fault with its end.
#[derive(Debug)]
pub(crate) struct Injected {
    /// Its id, as requests and answers carry it.
    pub(crate) mark: HeaderValue,
    targets: Vec<InstanceId>,
    fault: GatewayFault,
    header: Option<(HeaderName, Option<HeaderValue>)>,
    until: Instant,
    hits: Hits,
}

/// Requests that a fault hit, counted where they begin and where they end. Only they touch it.
#[derive(Debug, Default)]
struct Hits {
    requests: AtomicU64,
    ok: AtomicU64,
    failed: AtomicU64,
    other: AtomicU64,
}

impl Hits {
    /// Goes on counting from these.
    const fn of(hits: &FaultHits) -> Self {
        Self {
            requests: AtomicU64::new(hits.requests),
            ok: AtomicU64::new(hits.ok),
            failed: AtomicU64::new(hits.failed),
            other: AtomicU64::new(hits.other),
        }
    }
}

/// What becomes of one attempt.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) injected: Arc<Injected>,
    pub(crate) effect: FaultEffect,
    pub(crate) delay: Duration,
}

/// The faults of a gateway. Without any, a look costs one load.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    any: AtomicBool,
    active: ArcSwap<Vec<Arc<Injected>>>,
    /// Held by whoever changes them.
    change: Mutex<()>,
}

impl Faults {
    /// Adds a fault, or replaces the one of the same id.
    pub(crate) fn inject(&self, notice: &FaultNotice, now: Instant) -> Result<(), InjectError> {
        self.add(Injected::new(notice, now)?, now)
    }

    fn add(&self, injected: Injected, now: Instant) -> Result<(), InjectError> {
        let injected = Arc::new(injected);
        self.change(now, |active| {
            active.retain(|one| one.mark != injected.mark);
            if active.len() >= FAULTS_MAX {
                return Err(InjectError::TooMany);
            }
            active.push(injected);
            Ok(())
        })
    }

    /// Ends a fault, if there is one of this id; what it hit.
    pub(crate) fn end(&self, id: &str, now: Instant) -> Option<FaultHits> {
        let is = |one: &Arc<Injected>| one.mark.as_bytes() == id.as_bytes();
        let ended = self.active.load().iter().find(|one| is(one)).cloned();
        self.change(now, |active| active.retain(|one| !is(one)));
        ended.map(|ended| ended.hits())
    }

    /// Those that have time left, for another process.
    pub(crate) fn going_on(&self, now: Instant) -> Vec<FaultEntry> {
        let active = self.active.load();
        let going_on = active.iter().filter(|one| one.until > now);
        let entry = |one: &Arc<Injected>| FaultEntry {
            id: String::from_utf8_lossy(one.mark.as_bytes()).into_owned(),
            targets: one.targets.clone(),
            fault: one.fault.clone(),
            left: one.until.saturating_duration_since(now),
            hits: one.hits(),
        };
        going_on.map(entry).collect()
    }

    /// Goes on with one of another process, for the time that it has left.
    pub(crate) fn resume(&self, entry: &FaultEntry, now: Instant) -> Result<(), InjectError> {
        let notice = FaultNotice {
            id: entry.id.clone(),
            kind: entry.fault.effect.name().to_owned(),
            targets: entry.targets.clone(),
            nodes: Vec::new(),
            claim: None,
            ttl_ns: nanos(entry.left),
            gateway: Some(entry.fault.clone()),
        };
        self.add(
            Injected {
                hits: Hits::of(&entry.hits),
                ..Injected::new(&notice, now)?
            },
            now,
        )
    }

    fn change<T>(&self, now: Instant, change: impl FnOnce(&mut Vec<Arc<Injected>>) -> T) -> T {
        let _turn = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut active = Vec::clone(&self.active.load());
        active.retain(|one| one.until > now);
        let changed = change(&mut active);
        let any = !active.is_empty();
        self.active.store(Arc::new(active));
        self.any.store(any, Ordering::Release);
        changed
    }

    /// The first fault that hits an attempt. `draw` gives numbers from 0 up to 1.
    pub(crate) fn strike(
        &self,
        instance: &InstanceId,
        said: (&HeaderMap, &Added),
        now: Instant,
        mut draw: impl FnMut() -> f64,
    ) -> Option<Strike> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let active = self.active.load();
        let mut active = active.iter();
        let injected = active.find(|one| {
            one.until > now
                && one.targets.contains(instance)
                && one.takes(said)
                && one.fault.hits(draw())
        })?;
        let effect = injected.fault.effect;
        Some(Strike {
            effect,
            delay: effect.delay(draw()),
            injected: Arc::clone(injected),
        })
    }
}

impl Injected {
    /// It hit one more request.
    pub(crate) fn hit(&self) {
        self.hits.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// One that it hit has ended.
    pub(crate) fn ended(&self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Ok => &self.hits.ok,
            Outcome::Failed => &self.hits.failed,
            Outcome::Cancelled | Outcome::Refused => &self.hits.other,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn hits(&self) -> FaultHits {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        FaultHits {
            ok: read(&self.hits.ok),
            failed: read(&self.hits.failed),
            other: read(&self.hits.other),
            // Last, so that it is never less than those that ended.
            requests: read(&self.hits.requests),
        }
    }

    fn new(notice: &FaultNotice, now: Instant) -> Result<Self, InjectError> {
        let fault = notice.gateway.clone().ok_or(InjectError::Elsewhere)?;
        fault.check().map_err(InjectError::Impossible)?;
        let impossible = |what: &str| InjectError::Impossible(what.to_owned());
        if notice.targets.is_empty() {
            return Err(impossible("a fault in the gateway needs `targets`"));
        }
        let mark = HeaderValue::from_str(&notice.id).ok();
        let mark = mark.ok_or_else(|| impossible("the id cannot stand in a header"))?;
        let header = match &fault.header {
            None => None,
            Some(header) => {
                let name = HeaderName::from_bytes(header.name.as_bytes()).ok();
                let name = name.ok_or_else(|| impossible("header.name is no name of a header"))?;
                let value = header.value.as_deref().map(HeaderValue::from_str);
                let value = value.transpose().ok();
                Some((
                    name,
                    value.ok_or_else(|| impossible("header.value is no value of a header"))?,
                ))
            }
        };
        let ttl = Duration::from_nanos(notice.ttl_ns);
        let until = now.checked_add(ttl);
        Ok(Self {
            mark,
            targets: notice.targets.clone(),
            header,
            until: until.ok_or_else(|| impossible("`ttl_ns` is too long"))?,
            fault,
            hits: Hits::default(),
        })
    }

    fn takes(&self, (headers, added): (&HeaderMap, &Added)) -> bool {
        let Some((name, value)) = &self.header else {
            return true;
        };
        let mut said = headers.get_all(name).iter().chain(added.all(name.as_str()));
        said.any(|said| value.as_ref().is_none_or(|value| said == value))
    }
}

#[cfg(test)]
mod tests {
    use ninefold_core::fault::HeaderIs;

    use super::*;

    fn notice(id: &str, header: Option<(&str, Option<&str>)>) -> FaultNotice {
        FaultNotice {
            id: id.to_owned(),
            kind: "abort".to_owned(),
            targets: vec![InstanceId::new("app", 0)],
            nodes: Vec::new(),
            claim: None,
            ttl_ns: 1_000_000_000,
            gateway: Some(GatewayFault {
                share_percent: 50,
                header: header.map(|(name, value)| HeaderIs {
                    name: name.to_owned(),
                    value: value.map(str::to_owned),
                }),
                effect: FaultEffect::Abort { status: 503 },
            }),
        }
    }

    fn hits(faults: &Faults, ordinal: u32, headers: &HeaderMap, now: Instant, draw: f64) -> bool {
        let instance = InstanceId::new("app", ordinal);
        let strike = faults.strike(&instance, (headers, &Added::none()), now, || draw);
        strike.is_some()
    }

    #[test]
    fn it_hits_its_targets_by_share_until_its_time_is_up() {
        let (faults, none, now) = (Faults::default(), HeaderMap::new(), Instant::now());
        assert!(!hits(&faults, 0, &none, now, 0.0));
        faults.inject(&notice("f-1", None), now).unwrap();
        assert!(hits(&faults, 0, &none, now, 0.49));
        assert!(!hits(&faults, 0, &none, now, 0.5), "beyond its share");
        assert!(!hits(&faults, 1, &none, now, 0.0), "another instance");
        let last = now + Duration::from_millis(999);
        assert!(hits(&faults, 0, &none, last, 0.0));
        let over = now + Duration::from_secs(1);
        assert!(!hits(&faults, 0, &none, over, 0.0), "nobody ended it");
        faults.end("f-1", now);
        assert!(!hits(&faults, 0, &none, now, 0.0));
        assert!(!faults.any.load(Ordering::Relaxed));
    }

    #[test]
    fn it_hits_requests_with_its_header() {
        let (faults, now) = (Faults::default(), Instant::now());
        let some = Some(("X-Chaos", Some("yes")));
        faults.inject(&notice("f-1", some), now).unwrap();
        let mut headers = HeaderMap::new();
        assert!(!hits(&faults, 0, &headers, now, 0.0));
        headers.append("x-chaos", HeaderValue::from_static("no"));
        assert!(!hits(&faults, 0, &headers, now, 0.0));
        headers.append("x-chaos", HeaderValue::from_static("yes"));
        assert!(hits(&faults, 0, &headers, now, 0.0));
        faults
            .inject(&notice("f-1", Some(("x-other", None))), now)
            .unwrap();
        assert!(!hits(&faults, 0, &headers, now, 0.0), "it was replaced");
    }

    #[test]
    fn there_is_an_end_to_how_many_there_are() {
        let (faults, now) = (Faults::default(), Instant::now());
        for n in 0..FAULTS_MAX {
            faults
                .inject(&notice(&format!("f-{n}"), None), now)
                .unwrap();
        }
        let more = notice("f-more", None);
        assert_eq!(faults.inject(&more, now), Err(InjectError::TooMany));
        // Those that are over make room.
        let later = now + Duration::from_secs(1);
        assert_eq!(faults.inject(&more, later), Ok(()));
        assert_eq!(faults.active.load().len(), 1);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let (faults, now) = (Faults::default(), Instant::now());
        let mut nobody = notice("f-1", None);
        nobody.targets.clear();
        for wrong in [
            nobody,
            notice("f\n1", None),
            notice("f-1", Some(("no name", None))),
            notice("f-1", Some(("x", Some("\r")))),
        ] {
            let error = faults.inject(&wrong, now).unwrap_err();
            assert!(matches!(error, InjectError::Impossible(_)), "{error}");
        }
        let elsewhere = FaultNotice {
            gateway: None,
            ..notice("f-1", None)
        };
        assert_eq!(faults.inject(&elsewhere, now), Err(InjectError::Elsewhere));
        assert!(!faults.any.load(Ordering::Relaxed));
    }
}
