//! When a fault stops to matter.

use std::time::Duration;

/// The share below which it does not matter any more.
const SHARE: f64 = 0.05;
/// For how long the share must be so low: a moment of luck is no isolation.
const WINDOW: Duration = Duration::from_secs(1);
/// Requests in such a window without which it says nothing.
const REQUESTS_MIN: usize = 20;

/// Between two looks at what comes back.
const STEP: Duration = Duration::from_millis(50);

/// One request: when, and whether it was touched by the fault.
pub(super) type Touch = (Duration, bool);

/// The time from `from` on until the share of touched requests is low for a whole window that ends
/// before `to`; nothing if it never is.
pub(super) fn isolated(mut touches: Vec<Touch>, from: Duration, to: Duration) -> Option<Duration> {
    touches.retain(|(at, _)| (from..to).contains(at));
    touches.sort_unstable();
    // The earliest that a window may begin is after a touched request, or at the fault.
    let after = touches.iter().filter(|(_, touched)| *touched);
    let starts = after.map(|(at, _)| *at + Duration::from_nanos(1));
    let low = |start: &Duration| {
        if *start + WINDOW > to {
            return false;
        }
        let begin = touches.partition_point(|(at, _)| at < start);
        let end = touches.partition_point(|(at, _)| *at < *start + WINDOW);
        let window = touches.get(begin..end).unwrap_or_default();
        let touched = window.iter().filter(|(_, touched)| *touched).count();
        window.len() >= REQUESTS_MIN && share(touched, window.len()) < SHARE
    };
    let begin = std::iter::once(from).chain(starts).find(low)?;
    Some(begin - from)
}

/// The time from `from` on until the share of touched requests is `enough` for half a window that
/// ends before `to`; nothing if it never is.
pub(super) fn returned(
    mut touches: Vec<Touch>,
    from: Duration,
    to: Duration,
    enough: f64,
) -> Option<Duration> {
    touches.sort_unstable();
    let mut at = from;
    while at + WINDOW / 2 <= to {
        let begin = touches.partition_point(|(time, _)| *time < at);
        let end = touches.partition_point(|(time, _)| *time < at + WINDOW / 2);
        let window = touches.get(begin..end).unwrap_or_default();
        let touched = window.iter().filter(|(_, touched)| *touched).count();
        if share(touched, window.len()) >= enough {
            return Some(at - from);
        }
        at += STEP;
    }
    None
}

/// A part of a whole; 0 of nothing.
pub(super) fn share(part: usize, whole: usize) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a bench does not send 2^53 requests"
    )]
    let ratio = part as f64 / whole.max(1) as f64;
    ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_ten_ms(touched: impl Fn(u64) -> bool) -> Vec<Touch> {
        let at = |ms| (Duration::from_millis(ms), touched(ms));
        (0..8_000).step_by(10).map(at).collect()
    }

    fn millis(touches: Vec<Touch>) -> Option<u128> {
        let (from, to) = (Duration::from_secs(1), Duration::from_secs(7));
        isolated(touches, from, to).map(|time| time.as_millis())
    }

    #[test]
    fn it_is_over_when_few_are_touched_for_a_while() {
        assert_eq!(millis(every_ten_ms(|_| false)), Some(0));
        assert_eq!(millis(every_ten_ms(|ms| ms <= 3_000)), Some(1_960));
        // One request in fifty is what a trial may cost.
        assert_eq!(millis(every_ten_ms(|ms| ms % 500 == 0)), Some(0));
    }

    #[test]
    fn a_share_returns_when_it_is_large_enough_for_a_while() {
        let (from, to) = (Duration::from_secs(1), Duration::from_secs(4));
        let back = |touched: fn(u64) -> bool| {
            returned(every_ten_ms(touched), from, to, 0.25).map(|time| time.as_millis())
        };
        assert_eq!(back(|ms| ms >= 3_000 && ms % 20 == 0), Some(1_750));
        assert_eq!(back(|ms| ms % 100 == 0), None);
    }

    #[test]
    fn what_comes_back_or_never_ends_is_not_over() {
        assert_eq!(millis(every_ten_ms(|ms| ms % 100 == 0)), None);
        // Quiet for half a second only.
        assert_eq!(millis(every_ten_ms(|ms| ms % 1_000 < 500)), None);
        assert_eq!(millis(Vec::new()), None);
    }
}
