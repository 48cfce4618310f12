//! The cells of one thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ninefold_core::ejection::BUCKETS;

use super::{CLASSIC_BUCKETS, ExemplarCells, Histogram, classic_buckets};
use crate::cache::CacheResult;
use crate::checks::Checked;
use crate::fallback::FallbackCause;
use crate::mirror::Mirrored;
use crate::request_end::RequestEnd;
use crate::trace_id::TraceId;

/// Adds to a cell that only this thread writes: no locked instruction is needed.
pub(crate) fn add(cell: &AtomicU64, more: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(more), Relaxed);
}

/// Reads a cell.
pub(crate) fn load(cell: &AtomicU64) -> u64 {
    cell.load(Relaxed)
}

/// One route on one thread. Aligned, so that two threads never share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct RouteCells {
    pub(crate) requests: AtomicU64,
    pub(crate) ok: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) masked: AtomicU64,
    pub(crate) dimmed: AtomicU64,
    pub(crate) injected: AtomicU64,
    pub(crate) injected_failed: AtomicU64,
    pub(crate) answered: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) retries_denied: AtomicU64,
    pub(crate) hedges: AtomicU64,
    pub(crate) hedges_won: AtomicU64,
    /// By cause.
    pub(crate) fallbacks: [AtomicU64; FallbackCause::ALL.len()],
    /// Ends that were not good ones.
    pub(crate) ends: [AtomicU64; RequestEnd::ALL.len()],
    /// By how they ended: requests for which no endpoint was asked.
    pub(crate) unserved: [AtomicU64; RequestEnd::UNSERVED.len()],
    /// By how the cache took part.
    pub(crate) cache: [AtomicU64; CacheResult::ALL.len()],
    /// By what became of the copy.
    pub(crate) mirrored: [AtomicU64; Mirrored::ALL.len()],
    /// By what came of the check.
    pub(crate) checked: [AtomicU64; Checked::ALL.len()],
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    latency_sum_ns: AtomicU64,
    bounds: Arc<[u64]>,
    latency: Box<[AtomicU64]>,
    /// By bucket of `latency`: the classic one around it.
    classic: Box<[u8]>,
    /// By classic bucket.
    pub(crate) slow: ExemplarCells<CLASSIC_BUCKETS>,
    /// By end.
    pub(crate) ended: ExemplarCells<{ RequestEnd::ALL.len() }>,
}

impl RouteCells {
    pub(crate) fn new(bounds: Arc<[u64]>) -> Self {
        Self {
            requests: AtomicU64::new(0),
            ok: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            masked: AtomicU64::new(0),
            dimmed: AtomicU64::new(0),
            injected: AtomicU64::new(0),
            injected_failed: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            retries_denied: AtomicU64::new(0),
            hedges: AtomicU64::new(0),
            hedges_won: AtomicU64::new(0),
            fallbacks: Default::default(),
            ends: [const { AtomicU64::new(0) }; RequestEnd::ALL.len()],
            unserved: Default::default(),
            cache: Default::default(),
            mirrored: Default::default(),
            checked: Default::default(),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            latency_sum_ns: AtomicU64::new(0),
            latency: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            classic: classic_buckets(&bounds),
            slow: ExemplarCells::default(),
            ended: ExemplarCells::default(),
            bounds,
        }
    }

    /// An answer's head came after `ns`, to a request of this trace in this second of the thread.
    pub(crate) fn answer(&self, ns: u64, trace: Option<(&TraceId, u32)>) {
        let bucket = self.bounds.partition_point(|bound| *bound < ns);
        if let Some(cell) = self.latency.get(bucket) {
            add(cell, 1);
        }
        add(&self.latency_sum_ns, ns);
        add(&self.answered, 1);
        // After the count, so that whoever reads them first finds them counted.
        if let Some((trace, second)) = trace
            && let Some(classic) = self.classic.get(bucket)
        {
            self.slow.note(usize::from(*classic), second, trace, ns);
        }
    }

    /// A request of this trace ended like this, in this second of the thread.
    pub(crate) fn end(&self, end: RequestEnd, trace: Option<(&TraceId, u32)>) {
        if let Some(cell) = self.ends.get(end as usize) {
            add(cell, 1);
        }
        if let Some((trace, second)) = trace {
            self.ended.note(end as usize, second, trace, 0);
        }
    }

    /// Adds this thread's answers to a sum over the threads.
    pub(crate) fn add_latency_to(&self, total: &mut Histogram) {
        let counts = self.latency.iter().map(load);
        total.add(counts, load(&self.latency_sum_ns));
    }
}

/// One endpoint on one thread.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct EndpointCells {
    pub(crate) attempts: AtomicU64,
    pub(crate) connect_failed: AtomicU64,
    pub(crate) reset: AtomicU64,
    pub(crate) timed_out: AtomicU64,
    pub(crate) server_errors: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) latency_sum_ns: AtomicU64,
    pub(crate) answered: AtomicU64,
    /// Attempts on a kept connection that had died meanwhile.
    pub(crate) stale: AtomicU64,
    pub(crate) connects: AtomicU64,
    /// Copies of requests that it got because it is left out.
    pub(crate) shadows: AtomicU64,
    /// Good answers by latency, in the buckets of the comparison with peers.
    pub(crate) answers: Box<[AtomicU64]>,
    /// By slot of the service's routes.
    pub(crate) impact: Box<[ImpactCells]>,
}

/// Requests of one route that met a failed attempt at one endpoint, on one thread.
#[derive(Debug, Default)]
pub(crate) struct ImpactCells {
    /// Such as failed, by how they ended.
    pub(crate) hurt: [AtomicU64; RequestEnd::FAILED],
    /// Such as succeeded all the same.
    pub(crate) masked: AtomicU64,
}

impl EndpointCells {
    pub(crate) fn new(routes: usize) -> Self {
        Self {
            answers: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            impact: (0..routes).map(|_| Default::default()).collect(),
            ..Self::default()
        }
    }
}

/// One listener, over all threads: touched once per connection.
#[derive(Debug, Default)]
pub(crate) struct ListenerCells {
    pub(crate) open: AtomicU64,
    pub(crate) total: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) accept_errors: AtomicU64,
    pub(crate) handshakes_failed: AtomicU64,
}

impl ListenerCells {
    /// Takes a place for one more connection, if fewer than `limit` are open.
    pub(crate) fn admit(&self, limit: u64) -> bool {
        let open = self.open.fetch_add(1, Relaxed);
        if open >= limit {
            self.open.fetch_sub(1, Relaxed);
            self.refused.fetch_add(1, Relaxed);
            return false;
        }
        self.total.fetch_add(1, Relaxed);
        true
    }

    /// Gives the place back.
    pub(crate) fn leave(&self) {
        self.open.fetch_sub(1, Relaxed);
    }
}
