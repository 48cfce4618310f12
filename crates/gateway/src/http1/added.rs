//! Header fields that the gateway adds to a request.

use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields for which there is room at once: what most requests get.
const EXPECTED: usize = 8;
/// Lists that a thread keeps for other requests at most.
pub(crate) const SPARE_LISTS_MAX: usize = 64;

type List = Vec<(&'static str, HeaderValue)>;

thread_local! {
    static SPARE: RefCell<Vec<List>> = const { RefCell::new(Vec::new()) };
}

/// Fields beside those that came with a message. They are written behind them as they are: to put
/// each into the map would cost more than all the rest of writing a head.
///
/// **Invariant:** the map has none of these names, unless both lines are meant.
#[derive(Clone, Debug)]
pub(crate) struct Added(List);

impl Added {
    /// None at all.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// None yet.
    pub(crate) fn new() -> Self {
        let spare = SPARE.with_borrow_mut(Vec::pop);
        Self(spare.unwrap_or_else(|| List::with_capacity(EXPECTED)))
    }

    /// One more.
    pub(crate) fn put(&mut self, name: &'static str, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// The only one of this name.
    pub(crate) fn set(&mut self, name: &'static str, value: HeaderValue) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.put(name, value),
        }
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// The first of one name, which is in small letters.
    pub(crate) fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.all(name).next()
    }

    /// Those of one name, which is in small letters.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &HeaderValue> {
        let of_name = self.iter().filter(move |(known, _)| *known == name);
        of_name.map(|(_, value)| value)
    }

    /// The same in a map, for who needs all fields in one place.
    pub(crate) fn append_to(&self, headers: &mut HeaderMap) {
        for (name, value) in self.iter() {
            headers.append(HeaderName::from_static(name), value.clone());
        }
    }

    /// Moves them into a map.
    pub(crate) fn settle_in(&mut self, headers: &mut HeaderMap) {
        self.append_to(headers);
        self.0.clear();
    }
}

impl Drop for Added {
    fn drop(&mut self) {
        if self.0.capacity() != EXPECTED {
            return;
        }
        self.0.clear();
        let list = std::mem::take(&mut self.0);
        // A thread that ends keeps nothing.
        let _ended = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARE_LISTS_MAX {
                spare.push(list);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_a_map_would_be() {
        let mut added = Added::new();
        added.put("via", HeaderValue::from_static("1.1 a"));
        added.put("via", HeaderValue::from_static("1.1 b"));
        added.set("x-deadline-ms", HeaderValue::from_static("7"));
        added.set("x-deadline-ms", HeaderValue::from_static("5"));
        let via = HeaderName::from_static("via");
        assert_eq!(added.all("via").count(), 2);
        let mut headers = HeaderMap::new();
        headers.append(&via, HeaderValue::from_static("1.0 c"));
        added.settle_in(&mut headers);
        let via: Vec<_> = headers.get_all(via).iter().collect();
        assert_eq!(via, ["1.0 c", "1.1 a", "1.1 b"]);
        assert_eq!(headers.get("x-deadline-ms").unwrap(), "5");
        assert_eq!(added.iter().count(), 0);
    }
}
