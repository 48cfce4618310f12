//! How much may still fail before a service is out: pure counting over the instances that are up.

/// Ready instances that may fail, of `ready`, until fewer than `min_ready` are left.
#[must_use]
pub(crate) fn failures_left(ready: usize, min_ready: u32) -> u32 {
    let min_ready = usize::try_from(min_ready).unwrap_or(usize::MAX);
    u32::try_from(ready.saturating_sub(min_ready)).unwrap_or(u32::MAX)
}

/// Whole failure domains (zones, nodes) that may fail until fewer than `min_ready` instances are left.
///
/// `ready` holds one entry per ready instance: its domain, if it has one. Domains are taken away in the
/// worst order, largest first, so the answer holds for every choice of that many.
#[must_use]
pub(crate) fn domains_left(ready: &[Option<&str>], min_ready: u32) -> u32 {
    let min_ready = usize::try_from(min_ready).unwrap_or(usize::MAX);
    let mut domains: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for domain in ready.iter().flatten() {
        *domains.entry(domain).or_default() += 1;
    }
    let mut sizes: Vec<usize> = domains.into_values().collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut left = ready.len();
    let mut domains_left = 0u32;
    for size in sizes {
        left -= size;
        if left < min_ready {
            break;
        }
        domains_left += 1;
    }
    domains_left
}

#[cfg(test)]
mod tests {
    use super::{domains_left, failures_left};

    #[test]
    fn counts_instances_and_domains_down_to_the_minimum() {
        let left = |ready: &[Option<&str>], min_ready| {
            (
                failures_left(ready.len(), min_ready),
                domains_left(ready, min_ready),
            )
        };
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        assert_eq!(left(&[a, b, c], 1), (2, 2));
        assert_eq!(left(&[a, a, b], 1), (2, 1));
        assert_eq!(left(&[a, b, c], 2), (1, 1));
        assert_eq!(left(&[a, a, a], 1), (2, 0), "one zone holds everything");
        assert_eq!(left(&[None, None], 1), (1, 0));
        assert_eq!(left(&[a], 1), (0, 0));
        assert_eq!(left(&[], 1), (0, 0));
        assert_eq!(left(&[a], 3), (0, 0));
    }
}
