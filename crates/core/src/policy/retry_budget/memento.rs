//! How a budget stands, for the one that takes its place.

use serde::{Deserialize, Serialize};

use super::budget::{RetryBudget, SLOTS};
use crate::policy::Now;

/// Counts of one second at most, far below where sums of them would overflow.
const COUNT_MAX: u32 = 1 << 26;

/// What was counted in the last ten seconds, without a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetMemento {
    /// First attempts and repetitions of each second, the present one first.
    seconds: [(u32, u32); SLOTS],
    /// So many seconds ago a repetition was refused.
    refused: Option<u32>,
}

impl BudgetMemento {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.seconds.iter().all(|second| *second == (0, 0)) && self.refused.is_none()
    }

    /// What two budgets counted together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (mine, other) in self.seconds.iter_mut().zip(&other.seconds) {
            mine.0 = mine.0.saturating_add(other.0);
            mine.1 = mine.1.saturating_add(other.1);
        }
        self.refused = match (self.refused, other.refused) {
            (Some(mine), Some(other)) => Some(mine.min(other)),
            (mine, other) => mine.or(other),
        };
        self
    }

    /// The part of one of so many budgets that share it. All together they grant no more than one
    /// would.
    #[must_use]
    pub fn part_of(mut self, budgets: u32) -> Self {
        let budgets = budgets.max(1);
        for (deposits, withdrawals) in &mut self.seconds {
            *deposits /= budgets;
            *withdrawals = withdrawals.div_ceil(budgets);
        }
        self
    }
}

impl RetryBudget {
    /// What another one has to know to go on in its place.
    #[must_use]
    pub fn memento(&self, now: impl Now) -> BudgetMemento {
        let (seconds, refused) = self.seconds(now.now());
        BudgetMemento { seconds, refused }
    }

    /// Goes on from what another one counted. For a budget in which nothing was counted yet.
    pub fn restore(&self, memento: &BudgetMemento, now: impl Now) {
        let bounded = |(deposits, withdrawals): (u32, u32)| {
            (deposits.min(COUNT_MAX), withdrawals.min(COUNT_MAX))
        };
        let seconds = memento.seconds.map(bounded);
        self.resume(&seconds, memento.refused, now.now());
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use proptest::prelude::*;

    use super::super::RetryBudgetConfig;
    use super::*;
    use crate::time::Timestamp;
    use crate::units::{Rate, Ratio};

    fn budget() -> RetryBudget {
        RetryBudget::new(RetryBudgetConfig {
            ratio: Ratio::percent(20),
            floor: Rate::millihertz(300),
        })
        .unwrap()
    }

    fn carried(memento: &BudgetMemento) -> BudgetMemento {
        let text = serde_json::to_string(memento).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn drive(budgets: &[RetryBudget], asked: &(u8, u8, u8), at: Timestamp) -> usize {
        let (deposits, withdrawals, _) = *asked;
        let mut turns = budgets.iter().cycle();
        for _ in 0..deposits {
            turns.next().unwrap().deposit(at);
        }
        let granted = (0..withdrawals).filter(|_| turns.next().unwrap().withdraw(at).is_ok());
        granted.count()
    }

    fn traffic() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
        prop::collection::vec((0_u8..80, 0_u8..30, 0_u8..4), 1..30)
    }

    proptest! {
        #[test]
        fn it_grants_what_the_one_before_would_have(
            before in traffic(),
            after in traffic(),
            origin in 20_u64..5_000,
        ) {
            let (one, next) = ([budget()], [budget()]);
            let mut now = Timestamp::from_secs(1_000);
            for asked in &before {
                now = now + std::time::Duration::from_secs(asked.2.into());
                drive(&one, asked, now);
            }
            let mut elsewhere = Timestamp::from_secs(origin);
            next[0].restore(&carried(&one[0].memento(now)), elsewhere);
            prop_assert_eq!(next[0].state(elsewhere), one[0].state(now));
            for asked in &after {
                let passes = std::time::Duration::from_secs(asked.2.into());
                (now, elsewhere) = (now + passes, elsewhere + passes);
                prop_assert_eq!(drive(&next, asked, elsewhere), drive(&one, asked, now));
            }
        }

        /// Other numbers of threads share no more than there was.
        #[test]
        fn budgets_of_another_number_have_no_more_left(
            before in traffic(),
            threads in (1_usize..5, 1_usize..5),
        ) {
            let of = |n: usize| -> Vec<RetryBudget> { (0..n).map(|_| budget()).collect() };
            let (old, new) = (of(threads.0), of(threads.1));
            let mut now = Timestamp::from_secs(1_000);
            for asked in &before {
                now = now + std::time::Duration::from_secs(asked.2.into());
                drive(&old, asked, now);
            }
            let each = old.iter().map(|one| one.memento(now));
            let all = each.fold(BudgetMemento::default(), |all, one| all.and(&one));
            let part = all.part_of(u32::try_from(threads.1).unwrap());
            for one in &new {
                one.restore(&carried(&part), now);
            }
            let sum = |of: &[RetryBudget]| {
                let states = of.iter().map(|one| one.state(now));
                states.fold((0, 0), |sum, one| (sum.0 + one.deposits, sum.1 + one.withdrawals))
            };
            let ((was_in, was_out), (is_in, is_out)) = (sum(&old), sum(&new));
            prop_assert!(is_in <= was_in && is_out >= was_out);
        }
    }

    #[test]
    fn numbers_that_nobody_counted_grant_nothing() {
        let memento = BudgetMemento {
            seconds: [(u32::MAX, u32::MAX); SLOTS],
            refused: Some(u32::MAX),
        };
        let next = budget();
        let now = Timestamp::from_secs(50);
        next.restore(&carried(&memento.and(&memento).part_of(0)), now);
        assert!(next.withdraw(now).is_err());
        assert!(!memento.is_blank() && BudgetMemento::default().is_blank());
    }
}
