//! How many may ask at once, and how many who are refused are told so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ninefold_core::time::Timestamp;

/// Joins under way at once.
pub(super) const JOINS_MAX: usize = 16;

/// Of these, from one address: one host alone cannot keep all others out.
pub(super) const ADDRESS_JOINS_MAX: usize = 4;

/// Failures in one second that are answered and logged. Further ones are closed without a word.
pub(super) const FAILURES_MAX: u32 = 5;

/// The joins that are under way, by address.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<BTreeMap<IpAddr, usize>>);

/// One of them; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// None when there are too many.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&address).copied().unwrap_or_default();
        if all >= JOINS_MAX || own >= ADDRESS_JOINS_MAX {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// Failures of the present second.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<(u64, u32)>);

impl Failures {
    /// Whether there is room for one more.
    pub(super) fn has_room(&self, now: Timestamp) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (second, count) = &mut *counted;
        if *second != now.as_secs() {
            (*second, *count) = (now.as_secs(), 0);
        }
        *count = count.saturating_add(1);
        *count <= FAILURES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_places() {
        let places = Arc::new(Places::default());
        let address = |n: u8| IpAddr::from([10, 0, 0, n]);
        let mut held = Vec::new();
        for n in 0..4 {
            for _ in 0..ADDRESS_JOINS_MAX {
                held.push(places.take(address(n)).unwrap());
            }
            assert!(places.take(address(n)).is_none());
        }
        assert_eq!(held.len(), JOINS_MAX);
        assert!(places.take(address(9)).is_none());
        held.pop();
        assert!(places.take(address(9)).is_some());
        held.clear();
        assert!(places.0.lock().unwrap().is_empty());
    }

    #[test]
    fn so_many_failures_a_second_are_answered() {
        let failures = Failures::default();
        let answered = |second| {
            let now = Timestamp::from_secs(second);
            (0..20).filter(|_| failures.has_room(now)).count()
        };
        assert_eq!((answered(1), answered(2), answered(2)), (5, 5, 0));
    }
}
