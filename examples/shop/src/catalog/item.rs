//! Items and the list of them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id, as in `/items/espresso`.
    pub id: Cow<'static, str>,
    /// Its name for people.
    pub name: Cow<'static, str>,
    /// Its price in euro cents.
    pub price_cents: u32,
}

/// How many similar items are shown.
const SIMILAR: usize = 3;

/// All items, in memory: every replica has the same list and none can lose it.
#[derive(Clone, Debug)]
pub struct Catalog(Vec<Item>);

impl Default for Catalog {
    fn default() -> Self {
        let item = |id, name, price_cents| Item {
            id: Cow::Borrowed(id),
            name: Cow::Borrowed(name),
            price_cents,
        };
        Self(vec![
            item("espresso", "Espresso, 250 g", 790),
            item("filter", "Filter coffee, 500 g", 1_090),
            item("decaf", "Decaffeinated, 250 g", 850),
            item("grinder", "Hand grinder", 5_900),
            item("kettle", "Gooseneck kettle", 4_450),
            item("scale", "Scale with timer", 2_995),
            item("mug", "Stoneware mug", 1_250),
            item("papers", "Filter papers, 100 pieces", 495),
        ])
    }
}

impl Catalog {
    /// Every item.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.0
    }

    /// What else may please who looks at this item: those nearest in price. A page does without, when
    /// there is much to do.
    pub fn similar(&self, to: &Item) -> Vec<&Item> {
        let mut others: Vec<&Item> = self.0.iter().filter(|item| item.id != to.id).collect();
        others.sort_by_key(|item| item.price_cents.abs_diff(to.price_cents));
        others.truncate(SIMILAR);
        others
    }

    /// The item with this id.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.0.iter().find(|item| item.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::is_word;

    #[test]
    fn every_item_can_be_found_by_its_id() {
        let catalog = Catalog::default();
        for item in catalog.items() {
            assert!(is_word(&item.id));
            assert_eq!(catalog.item(&item.id), Some(item));
        }
        assert_eq!(catalog.item("tea"), None);
    }

    #[test]
    fn similar_items_cost_about_the_same() {
        let catalog = Catalog::default();
        let similar = catalog.similar(catalog.item("espresso").unwrap());
        let ids: Vec<_> = similar.iter().map(|item| &*item.id).collect();
        assert_eq!(ids, ["decaf", "papers", "filter"]);
    }
}
