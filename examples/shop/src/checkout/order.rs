//! Orders.

use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

use crate::answer::Refusal;
use crate::word::is_word;

/// The largest quantity of one order.
const QUANTITY_MAX: u32 = 1_000;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The order's id, chosen by the client so that it can safely send the order again.
    #[serde(default)]
    pub id: Option<String>,
    /// The id of the item.
    pub item: String,
    /// How many.
    pub quantity: u32,
}

/// An order as it is kept and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The id of the item.
    pub item: String,
    /// How many.
    pub quantity: u32,
    /// The price of all in euro cents, as the catalog said when the order was placed.
    pub total_cents: i64,
}

impl NewOrder {
    /// The id to keep this order under: the client's, from wherever it was given, or a new one.
    ///
    /// # Errors
    ///
    /// 400 where the ids given differ or are malformed, 422 for an impossible quantity or item.
    pub fn checked(self, elsewhere: Option<&str>) -> Result<(String, Self), Refusal> {
        let id = match (self.id.as_deref(), elsewhere) {
            (Some(here), Some(there)) if here != there => {
                return Err(Refusal::bad_request("the request names two different ids"));
            }
            (Some(id), _) | (None, Some(id)) => id.to_owned(),
            (None, None) => random_id(),
        };
        if !is_word(&id) {
            return Err(Refusal::bad_request(
                "an id has 1 to 64 letters, digits, `-`, `_` and `.`",
            ));
        }
        if self.quantity == 0 || self.quantity > QUANTITY_MAX {
            let sentence = format!("the quantity must be between 1 and {QUANTITY_MAX}");
            return Err(Refusal::unprocessable(sentence));
        }
        if !is_word(&self.item) {
            return Err(Refusal::unprocessable("there is no such item"));
        }
        Ok((id, self))
    }
}

impl Order {
    /// Whether this is what the client asks for again.
    #[must_use]
    pub fn is(&self, asked: &NewOrder) -> bool {
        self.item == asked.item && self.quantity == asked.quantity
    }
}

/// 128 random bits: the standard library seeds its hashers from the system's randomness, and a
/// process asks only twice; the thread's counter makes each seed a new one.
fn random_id() -> String {
    let bits = || RandomState::new().hash_one(std::time::Instant::now());
    format!("{:016x}{:016x}", bits(), bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: Option<&str>) -> NewOrder {
        NewOrder {
            id: id.map(str::to_owned),
            item: "mug".into(),
            quantity: 2,
        }
    }

    #[test]
    fn the_id_comes_from_body_or_elsewhere() {
        assert_eq!(order(Some("a")).checked(None).unwrap().0, "a");
        assert_eq!(order(None).checked(Some("b")).unwrap().0, "b");
        assert_eq!(order(Some("c")).checked(Some("c")).unwrap().0, "c");
        assert!(order(Some("a")).checked(Some("b")).is_err());
        assert!(order(Some("a b")).checked(None).is_err());
        let made = order(None).checked(None).unwrap().0;
        assert_eq!(made.len(), 32);
        assert_ne!(made, order(None).checked(None).unwrap().0);
    }

    #[test]
    fn impossible_orders_are_refused() {
        for quantity in [0, QUANTITY_MAX + 1] {
            let bad = NewOrder {
                quantity,
                ..order(None)
            };
            assert!(bad.checked(None).is_err());
        }
        let bad = NewOrder {
            item: "../ready".into(),
            ..order(None)
        };
        assert!(bad.checked(None).is_err());
    }
}
