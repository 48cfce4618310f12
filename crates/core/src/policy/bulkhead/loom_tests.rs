//! Every interleaving of a few calls.

// Not the model's, which would only add interleavings that differ in nothing.
use std::sync::atomic::{AtomicU32, Ordering};

use loom::sync::Arc;
use loom::thread;

use super::super::{Admission, Outcome, RequestMeta};
use super::{Bulkhead, BulkheadConfig};
use crate::time::Timestamp;

fn bulkhead(max_concurrent_calls: u32) -> Bulkhead {
    Bulkhead::new(BulkheadConfig {
        max_concurrent_calls,
        ..BulkheadConfig::default()
    })
    .unwrap()
}

#[test]
fn never_over_admits_and_leaks_nothing() {
    loom::model(|| {
        let shared = Arc::new((bulkhead(1), AtomicU32::new(0)));
        let call = |shared: Arc<(Bulkhead, AtomicU32)>, cancels: bool| {
            let (bulkhead, inside) = &*shared;
            let Ok(token) = bulkhead.try_acquire(&RequestMeta::default(), Timestamp::ZERO) else {
                return;
            };
            assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
            inside.fetch_sub(1, Ordering::Relaxed);
            if cancels {
                bulkhead.cancel(token);
            } else {
                bulkhead.settle(token, Outcome::Success, Timestamp::ZERO);
            }
        };
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                call(Arc::clone(&shared), true);
                call(shared, false);
            })
        };
        call(Arc::clone(&shared), false);
        other.join().unwrap();
        assert_eq!(shared.0.in_flight(), 0);
    });
}

#[test]
fn a_lowered_limit_lets_nobody_new_in() {
    loom::model(|| {
        let bulkhead = Arc::new(bulkhead(2));
        let held = bulkhead
            .try_acquire(&RequestMeta::default(), Timestamp::ZERO)
            .unwrap();
        let lowering = {
            let bulkhead = Arc::clone(&bulkhead);
            thread::spawn(move || {
                bulkhead
                    .reconfigure(BulkheadConfig {
                        max_concurrent_calls: 1,
                        ..BulkheadConfig::default()
                    })
                    .unwrap();
                bulkhead.try_acquire(&RequestMeta::default(), Timestamp::ZERO)
            })
        };
        bulkhead.settle(held, Outcome::Success, Timestamp::ZERO);
        let admitted = lowering.join().unwrap();
        assert_eq!(bulkhead.in_flight(), u32::from(admitted.is_ok()));
    });
}
