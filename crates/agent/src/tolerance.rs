//! How much may still fail before a service is out: pure counting over the instances that are up.

/// Ready instances that may fail, and whole zones, until fewer than `min_ready` are left.
///
/// `ready` holds one entry per ready instance: its zone, if it has one. Zones are taken away in the
/// worst order, largest first, so the answer holds for every choice of that many zones.
#[must_use]
pub(crate) fn failures_left(ready: &[Option<&str>], min_ready: u32) -> (u32, u32) {
    let min_ready = usize::try_from(min_ready).unwrap_or(usize::MAX);
    let instances = ready.len().saturating_sub(min_ready);
    let mut zones: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for zone in ready.iter().flatten() {
        *zones.entry(zone).or_default() += 1;
    }
    let mut sizes: Vec<usize> = zones.into_values().collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut left = ready.len();
    let mut zones_left = 0usize;
    for size in sizes {
        left -= size;
        if left < min_ready {
            break;
        }
        zones_left += 1;
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (count(instances), count(zones_left))
}

#[cfg(test)]
mod tests {
    use super::failures_left;

    #[test]
    fn counts_instances_and_zones_down_to_the_minimum() {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        assert_eq!(failures_left(&[a, b, c], 1), (2, 2));
        assert_eq!(failures_left(&[a, a, b], 1), (2, 1));
        assert_eq!(failures_left(&[a, b, c], 2), (1, 1));
        assert_eq!(
            failures_left(&[a, a, a], 1),
            (2, 0),
            "one zone holds everything"
        );
        assert_eq!(failures_left(&[None, None], 1), (1, 0));
        assert_eq!(failures_left(&[a], 1), (0, 0));
        assert_eq!(failures_left(&[], 1), (0, 0));
        assert_eq!(failures_left(&[a], 3), (0, 0));
    }
}
