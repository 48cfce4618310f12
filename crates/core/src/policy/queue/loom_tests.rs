//! A place given back always reaches who waits for it, as the module's protocol promises.

use loom::sync::{Arc, Mutex};
use loom::thread;

use super::super::{Admission, Bulkhead, BulkheadConfig, Outcome, RequestMeta};
use super::{Queue, WaiterId, Waiting};
use crate::time::Timestamp;
use crate::units::Span;

struct Driver {
    bulkhead: Bulkhead,
    room: Mutex<(Queue, Vec<WaiterId>)>,
}

impl Driver {
    /// A call that waits; true if it has a place at once.
    fn call(&self) -> Option<WaiterId> {
        let request = RequestMeta::default();
        let placed = self.bulkhead.try_place(&request, Timestamp::ZERO).unwrap();
        if let Some(token) = placed {
            self.end(token);
            return None;
        }
        let mut room = self.room.lock().unwrap();
        let id = self
            .bulkhead
            .enter(&mut room.0, &request, Timestamp::ZERO)
            .unwrap();
        self.hand_out(&mut room);
        Some(id)
    }

    fn end(&self, token: super::super::bulkhead::BulkheadToken) {
        self.bulkhead
            .settle(token, Outcome::Success, Timestamp::ZERO);
        if self.bulkhead.waiting() > 0 {
            self.hand_out(&mut self.room.lock().unwrap());
        }
    }

    fn hand_out(&self, room: &mut (Queue, Vec<WaiterId>)) {
        // The model's waiters end as soon as they are woken.
        while let Some((id, token)) = self.bulkhead.next(&mut room.0, Timestamp::ZERO) {
            room.1.push(id);
            self.bulkhead
                .settle(token, Outcome::Success, Timestamp::ZERO);
        }
    }
}

#[test]
fn no_wake_up_is_lost() {
    loom::model(|| {
        let bulkhead = Bulkhead::new(BulkheadConfig {
            max_concurrent_calls: 1,
            max_wait: Span::secs(1),
            ..BulkheadConfig::default()
        })
        .unwrap();
        let room = Mutex::new((bulkhead.room(), Vec::new()));
        let driver = Arc::new(Driver { bulkhead, room });
        let other = {
            let driver = Arc::clone(&driver);
            thread::spawn(move || driver.call())
        };
        let waited = [driver.call(), other.join().unwrap()];
        let waited: Vec<_> = waited.into_iter().flatten().collect();
        assert_eq!(driver.room.lock().unwrap().1, waited);
        assert_eq!(driver.bulkhead.waiting() + driver.bulkhead.in_flight(), 0);
    });
}
