//! What came of one fault.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::cluster::NODES;
use super::change::{Change, What};

/// One fault as it was.
#[derive(Clone, Debug)]
pub(super) struct Injected {
    /// Nanoseconds since the epoch.
    pub(super) began: u64,
    pub(super) over: u64,
    pub(super) touched: Vec<usize>,
}

impl Injected {
    /// Those whom it does not touch.
    pub(super) fn healthy(&self) -> Vec<usize> {
        let healthy = (1..=NODES).filter(|node| !self.touched.contains(node));
        healthy.collect()
    }

    /// When an observer had convicted all that are touched, if it did.
    fn convicted_at(&self, changes: &[Change], observer: usize) -> Option<u64> {
        let first = |member: &usize| {
            let of = changes.iter().filter(|one| one.observer == observer);
            let downs = of.filter(|one| one.down() == Some(*member));
            downs.map(|one| one.at).min()
        };
        let all: Option<Vec<u64>> = self.touched.iter().map(first).collect();
        all?.into_iter().max()
    }

    /// Whether all that are not touched have convicted all that are.
    pub(super) fn is_convicted(&self, changes: &[Change]) -> bool {
        let all = self.healthy();
        all.into_iter()
            .all(|observer| self.convicted_at(changes, observer).is_some())
    }

    /// The figures, of what was said from its beginning on until all were well again.
    pub(super) fn figures(&self, changes: &[Change]) -> Value {
        let healthy = self.healthy();
        let mut found: Vec<u64> = healthy
            .iter()
            .filter_map(|observer| self.convicted_at(changes, *observer))
            .collect();
        found.sort_unstable();
        let ms = |at: Option<&u64>| at.map(|at| since_ms(*at, self.began));
        // The last of them that has it, only if all have it.
        let all = found.len() == healthy.len();
        let of = |observers: &dyn Fn(usize) -> bool, members: &dyn Fn(usize) -> bool| {
            let pairs = changes.iter().filter_map(|one| {
                let member = one.down()?;
                (observers(one.observer) && members(member)).then_some((one.observer, member))
            });
            pairs.collect::<BTreeSet<_>>().len()
        };
        let is_touched = |node: usize| self.touched.contains(&node);
        let is_healthy = |node: usize| !is_touched(node);
        let any = changes
            .iter()
            .any(|one| matches!(one.what, What::Down(_) | What::Began));
        let back = changes
            .iter()
            .filter(|one| matches!(one.what, What::Up(_)))
            .map(|one| one.at)
            .max();
        json!({
            "observers": healthy.len(),
            "convicted_by": found.len(),
            "any_convicted": of(&is_healthy, &is_touched) > 0,
            "first_ms": ms(found.first()),
            "median_ms": ms(found.get(found.len().saturating_sub(1) / 2)),
            "last_ms": if all { ms(found.last()) } else { None },
            "false": of(&is_healthy, &is_healthy),
            "by_touched": of(&is_touched, &is_healthy),
            "back_ms": back.filter(|_| any).map(|at| since_ms(at, self.over)),
        })
    }
}

/// Milliseconds from one moment to another, none if it was not later.
pub(super) fn since_ms(at: u64, from: u64) -> f64 {
    let micros = at.saturating_sub(from) / 1_000;
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn says(at_ms: u64, observer: usize, what: What) -> Change {
        Change {
            at: at_ms * MS,
            observer,
            what,
        }
    }

    #[test]
    fn a_fault_is_found_by_all_who_are_well_and_others_are_not_accused() {
        let fault = Injected {
            began: 100 * MS,
            over: 1_000 * MS,
            touched: vec![3],
        };
        let mut changes = vec![
            says(110, 1, What::Down(3)),
            says(130, 2, What::Down(3)),
            says(140, 4, What::Down(3)),
            says(150, 3, What::Down(1)),
        ];
        assert!(!fault.is_convicted(&changes));
        assert_eq!(fault.figures(&changes)["last_ms"], Value::Null);
        changes.push(says(190, 5, What::Down(3)));
        changes.push(says(200, 5, What::Down(2)));
        changes.push(says(1_250, 5, What::Up(2)));
        assert!(fault.is_convicted(&changes));
        let figures = fault.figures(&changes);
        for (key, value) in [
            ("first_ms", json!(10.0)),
            ("median_ms", json!(30.0)),
            ("last_ms", json!(90.0)),
            ("convicted_by", json!(4)),
            ("false", json!(1)),
            ("by_touched", json!(1)),
            ("back_ms", json!(250.0)),
        ] {
            assert_eq!(figures[key], value, "{key}");
        }
    }

    #[test]
    fn of_two_that_are_touched_both_must_be_convicted() {
        let fault = Injected {
            began: 0,
            over: MS,
            touched: vec![1, 4],
        };
        let changes = [says(5, 2, What::Down(1)), says(9, 2, What::Down(4))];
        assert_eq!(fault.convicted_at(&changes, 2), Some(9 * MS));
        assert_eq!(fault.convicted_at(&changes[..1], 2), None);
    }
}
