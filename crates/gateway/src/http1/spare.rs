//! Header maps that are used again. A map of the usual size is larger than what an allocator keeps at hand, so that
//! getting and giving back its memory would cost more than filling it.

use std::cell::RefCell;

use http::HeaderMap;

/// Maps that a thread keeps at most.
pub(crate) const SPARE_MAPS_MAX: usize = 64;
/// Fields for which each has room: at least, and at most.
const USUAL: usize = 12;
const LARGE: usize = 24;

thread_local! {
    static SPARE: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// An empty map with room for as many fields, and for some.
pub(crate) fn map_for(fields: usize) -> HeaderMap {
    let spare = if fields <= USUAL {
        SPARE.with_borrow_mut(Vec::pop)
    } else {
        None
    };
    spare.unwrap_or_else(|| HeaderMap::with_capacity(fields.max(USUAL)))
}

/// Keeps a map for another message. What is in it is dropped now.
pub(crate) fn give_back(mut map: HeaderMap) {
    if !(USUAL..=LARGE).contains(&map.capacity()) {
        return;
    }
    map.clear();
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < SPARE_MAPS_MAX {
            spare.push(map);
        }
    });
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_given_back_is_empty_and_comes_again() {
        let mut map = map_for(3);
        assert!(map.capacity() >= USUAL);
        map.insert("a", HeaderValue::from_static("1"));
        map.append("a", HeaderValue::from_static("2"));
        give_back(map);
        let again = map_for(1);
        assert!(again.is_empty() && again.get("a").is_none());
        assert_eq!(SPARE.with_borrow(Vec::len), 0, "it was the one");
    }

    #[test]
    fn only_the_usual_sizes_are_kept_and_not_many() {
        give_back(HeaderMap::new());
        give_back(map_for(100));
        assert_eq!(SPARE.with_borrow(Vec::len), 0);
        for _ in 0..SPARE_MAPS_MAX + 5 {
            give_back(HeaderMap::with_capacity(USUAL));
        }
        assert_eq!(SPARE.with_borrow(Vec::len), SPARE_MAPS_MAX);
        assert!(map_for(100).capacity() >= 100);
        assert_eq!(SPARE.with_borrow(Vec::len), SPARE_MAPS_MAX);
    }
}
