use ninefold_core::time::Timestamp;

/// A slot's length. Eleven of them are more than a second, wherever it begins.
const SLOT_NANOS: u64 = 100_000_000;
const SLOTS: usize = 11;

/// How much a packet matters when there is not room for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Questions and answers: all that may be sent. A quarter is theirs alone: who cannot answer for all its news is
    /// taken for silent, and that is more news.
    Probe,
    /// Who is a member and who contradicts: up to three quarters.
    Decision,
    /// News: up to five eighths.
    News,
    /// Comparing what is known: up to a half.
    Bulk,
    /// What members say: up to three eighths. However much that is, there is room to compare, which shows
    /// what is better fetched over a stream.
    Entries,
}

/// Bytes sent in the last second, and what may still be: in no second more than the limit.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    limit: u64,
    slots: [u64; SLOTS],
    slot: u64,
}

impl Budget {
    pub(super) fn new(bytes_per_second: u32) -> Self {
        Self {
            limit: bytes_per_second.into(),
            slots: [0; SLOTS],
            slot: 0,
        }
    }

    /// Takes room for `bytes`, if there is any.
    pub(super) fn take(&mut self, bytes: usize, class: Class, now: Timestamp) -> bool {
        let fits = bytes <= self.left(class, now);
        let at = usize::try_from(self.slot).map_or(0, |slot| slot % SLOTS);
        if let Some(slot) = self.slots.get_mut(at)
            && fits
        {
            *slot += u64::try_from(bytes).unwrap_or(u64::MAX);
        }
        fits
    }

    /// Bytes that there is room for.
    pub(super) fn left(&mut self, class: Class, now: Timestamp) -> usize {
        self.turn(now.as_nanos() / SLOT_NANOS);
        let limit = match class {
            Class::Probe => self.limit,
            Class::Decision => self.limit - self.limit / 4,
            Class::News => self.limit - self.limit / 8 * 3,
            Class::Bulk => self.limit / 2,
            Class::Entries => self.limit / 8 * 3,
        };
        let left = limit.saturating_sub(self.slots.iter().sum());
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    fn turn(&mut self, slot: u64) {
        let steps = slot.saturating_sub(self.slot);
        for step in 1..=steps.min(11) {
            let at = usize::try_from(self.slot + step).map_or(0, |slot| slot % SLOTS);
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = 0;
            }
        }
        if steps > 11 {
            self.slots = [0; SLOTS];
        }
        self.slot = self.slot.max(slot);
    }
}

#[cfg(test)]
mod tests {
    use ninefold_core::rng::Rng;

    use super::*;

    #[test]
    fn no_second_has_more_than_the_limit() {
        let (mut budget, mut rng) = (Budget::new(1_000), Rng::new(4));
        let mut sent: Vec<(u64, u16)> = Vec::new();
        let mut now = 0;
        for _ in 0..5_000 {
            now += rng.below(60_000_000);
            let bytes = u16::try_from(rng.below(200)).unwrap();
            let class = [Class::Probe, Class::Decision, Class::News, Class::Bulk]
                [usize::try_from(rng.below(4)).unwrap()];
            if budget.take(bytes.into(), class, Timestamp::from_nanos(now)) {
                sent.push((now, bytes));
            }
        }
        for (end, _) in &sent {
            let second = sent
                .iter()
                .filter(|(at, _)| at <= end && at + 1_000_000_000 > *end);
            let bytes: u64 = second.map(|(_, bytes)| u64::from(*bytes)).sum();
            assert!(bytes <= 1_000, "{bytes}");
        }
        assert!(sent.len() > 500, "{}", sent.len());
    }

    #[test]
    fn what_matters_more_finds_room_longer() {
        let mut budget = Budget::new(800);
        let now = Timestamp::from_secs(5);
        assert!(budget.take(300, Class::Entries, now));
        assert!(!budget.take(1, Class::Entries, now));
        assert!(budget.take(100, Class::Bulk, now));
        assert!(!budget.take(1, Class::Bulk, now));
        assert!(budget.take(100, Class::News, now));
        assert!(!budget.take(1, Class::News, now));
        assert!(budget.take(100, Class::Decision, now));
        assert!(!budget.take(1, Class::Decision, now));
        assert!(budget.take(200, Class::Probe, now));
        assert!(!budget.take(1, Class::Probe, now));
        assert!(budget.take(400, Class::Bulk, Timestamp::from_millis(6_100)));
    }
}
