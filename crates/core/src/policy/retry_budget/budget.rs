//! The budget.

use super::RetryBudgetConfig;
use crate::policy::ring::{Padded, Ring, count_of, pack, tick_of};
use crate::policy::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::policy::{Change, InvalidPolicy, Now, PolicyKind, Reason, Rejected, Source};
use crate::time::Timestamp;
use crate::units::{Rate, Ratio};

/// Seconds that a budget looks back over, the present one included.
pub(super) const SLOTS: usize = 10;
const WINDOW: u32 = 10;

/// Deposits for each reading of the clock, which costs far more than to count. Those since the last
/// reading count as of the next one, or of the next question if that is first.
const UNTIMED_MAX: u32 = 16;

/// What was counted over some time.
#[derive(Clone, Copy)]
struct Counts {
    deposits: u64,
    withdrawals: u64,
}

/// Whether one more is granted: within the floor, or within the share of the window and, while
/// repetitions are refused, of the present second.
const fn allows(window: Counts, present: Option<Counts>, config: &RetryBudgetConfig) -> bool {
    let next = billionths(window.withdrawals + 1);
    if next <= floor_billionths(config) {
        return true;
    }
    let within_second = match present {
        None => true,
        Some(second) => {
            // A second is young at first: then it counts as an average one.
            let average = window.deposits / WINDOW as u64;
            let deposits = if second.deposits > average {
                second.deposits
            } else {
                average
            };
            billionths(second.withdrawals + 1) <= share_billionths(deposits, config)
        }
    };
    within_second && next <= share_billionths(window.deposits, config)
}

const fn billionths(count: u64) -> u128 {
    count as u128 * 1_000_000_000
}

const fn share_billionths(deposits: u64, config: &RetryBudgetConfig) -> u128 {
    deposits as u128 * config.ratio.parts_per_billion() as u128
}

const fn floor_billionths(config: &RetryBudgetConfig) -> u128 {
    config.floor.as_millihertz() as u128 * WINDOW as u128 * 1_000_000
}

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// First attempts of the last 10 s.
    pub deposits: u64,
    /// Repetitions granted in the last 10 s.
    pub withdrawals: u64,
    /// Repetitions that may still be granted in this window; while repetitions are refused, no more
    /// than its share in each second.
    pub left: u64,
}

/// A budget for repetitions, shared by all threads and by all policies that repeat.
///
/// **Invariant:** withdrawals are granted one after the other, by a compare-and-swap on their
/// total, so in no interleaving are more granted than the formula allows. Each second remembers
/// the total it began with; those of a window are the total less what the window began with.
#[derive(Debug)]
pub struct RetryBudget {
    ratio: AtomicU64,
    floor: AtomicU64,
    suspended: AtomicBool,
    /// Deposits that are not in the ring yet.
    untimed: Padded<AtomicU32>,
    deposits: Ring<SLOTS>,
    total: Padded<AtomicU64>,
    began: [AtomicU64; SLOTS],
    /// The second after the last one in which the budget refused; 0 if it never did.
    refused: AtomicU32,
    source: Source,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::of(RetryBudgetConfig::default())
    }
}

impl RetryBudget {
    /// A budget in which nothing was withdrawn yet.
    ///
    /// # Errors
    ///
    /// What [`RetryBudgetConfig::validate`] says.
    pub fn new(config: RetryBudgetConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::of(config))
    }

    fn of(config: RetryBudgetConfig) -> Self {
        Self {
            ratio: AtomicU64::new(config.ratio.parts_per_billion()),
            floor: AtomicU64::new(config.floor.as_millihertz()),
            suspended: AtomicBool::new(false),
            untimed: Padded(AtomicU32::new(0)),
            deposits: Ring::new(),
            total: Padded(AtomicU64::new(0)),
            began: std::array::from_fn(|_| AtomicU64::new(0)),
            refused: AtomicU32::new(0),
            source: Source::default(),
        }
    }

    /// The same, telling `source` what it refuses.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The present configuration.
    pub fn config(&self) -> RetryBudgetConfig {
        RetryBudgetConfig {
            ratio: Ratio::from_parts_per_billion(self.ratio.load(Ordering::Relaxed)),
            floor: Rate::millihertz(self.floor.load(Ordering::Relaxed)),
        }
    }

    /// Follows another configuration from now on. Deposits and withdrawals are kept.
    ///
    /// # Errors
    ///
    /// What [`RetryBudgetConfig::validate`] says; then nothing changes.
    pub fn reconfigure(&self, config: RetryBudgetConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        self.ratio
            .store(config.ratio.parts_per_billion(), Ordering::Relaxed);
        self.floor
            .store(config.floor.as_millihertz(), Ordering::Relaxed);
        Ok(())
    }

    /// Grants nothing until it is called with `false`, whatever the configuration: what breaks a
    /// loop that keeps an overload alive.
    pub fn suspend(&self, suspended: bool) {
        self.suspended.store(suspended, Ordering::Relaxed);
    }

    /// Whether it grants nothing at present.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::Relaxed)
    }

    /// A first attempt. Call it once for each call, not for its repetitions.
    #[inline]
    pub fn deposit(&self, now: impl Now) {
        let before = self.untimed.0.fetch_add(1, Ordering::Relaxed);
        if before + 1 >= UNTIMED_MAX {
            self.count(second(now.now()));
        }
    }

    /// Puts what was deposited since the clock was last read into the window.
    fn count(&self, now: u32) {
        if self.untimed.0.load(Ordering::Relaxed) == 0 {
            return;
        }
        let deposits = self.untimed.0.swap(0, Ordering::Relaxed);
        self.deposits.add(now, WINDOW, deposits);
    }

    /// Asks for one repetition, at the moment when it is scheduled.
    ///
    /// # Errors
    ///
    /// [`Reason::BudgetExhausted`], not worth trying again: then the answer that is there is the
    /// answer.
    pub fn withdraw(&self, now: impl Now) -> Result<(), Rejected> {
        if !self.suspended.load(Ordering::Relaxed) && self.take(second(now.now())) {
            return Ok(());
        }
        let rejected = Rejected::new(PolicyKind::RetryBudget, Reason::BudgetExhausted).for_good();
        self.source
            .emit(PolicyKind::RetryBudget, || Change::Rejected(rejected));
        Err(rejected)
    }

    /// How it stands.
    pub fn state(&self, now: impl Now) -> BudgetState {
        let total = self.total.0.load(Ordering::Acquire);
        let now = second(now.now());
        self.count(now);
        let (second, _) = self.deposits.turn(now, WINDOW);
        let withdrawals = self.withdrawn(second, WINDOW, total);
        let deposits = u64::from(self.deposits.sum(second, WINDOW));
        let config = self.config();
        let allowed = share_billionths(deposits, &config).max(floor_billionths(&config));
        let allowed = allowed / 1_000_000_000;
        let left = if self.suspended.load(Ordering::Relaxed) {
            0
        } else {
            u64::try_from(allowed)
                .unwrap_or(u64::MAX)
                .saturating_sub(withdrawals)
        };
        BudgetState {
            deposits,
            withdrawals,
            left,
        }
    }

    /// What was counted in each second of the window, the present one first, and how many seconds ago
    /// it refused last.
    pub(super) fn seconds(&self, now: Timestamp) -> ([(u32, u32); SLOTS], Option<u32>) {
        let total = self.total.0.load(Ordering::Acquire);
        let now = second(now);
        self.count(now);
        let (second, _) = self.deposits.turn(now, WINDOW);
        let mut younger = 0;
        let mut window = 0;
        let seconds = std::array::from_fn(|_| {
            window += 1;
            let withdrawn = self.withdrawn(second, window, total);
            let of_it = withdrawn.saturating_sub(std::mem::replace(&mut younger, withdrawn));
            let deposits = self.deposits.of(second.saturating_sub(window - 1));
            (deposits, u32::try_from(of_it).unwrap_or(u32::MAX))
        });
        let refused = self.refused.load(Ordering::Relaxed);
        let refused = refused.checked_sub(1).map(|at| second.saturating_sub(at));
        (seconds, refused)
    }

    /// Counts, in a budget in which nothing was counted yet, what another one had.
    pub(super) fn resume(
        &self,
        seconds: &[(u32, u32); SLOTS],
        refused: Option<u32>,
        now: Timestamp,
    ) {
        let now = second(now);
        let mut total = 0_u32;
        let mut at = now.saturating_sub(WINDOW);
        for (deposits, withdrawals) in seconds.iter().rev() {
            at = at.saturating_add(1).min(now);
            self.begin(at, u64::from(total));
            self.deposits.add(at, WINDOW, *deposits);
            total = total.saturating_add(*withdrawals);
        }
        self.total.0.store(u64::from(total), Ordering::Release);
        if let Some(ago) = refused {
            let refused = now.saturating_sub(ago).saturating_add(1);
            self.refused.store(refused, Ordering::Relaxed);
        }
    }

    fn take(&self, now: u32) -> bool {
        self.count(now);
        let config = self.config();
        // The total is read before the newest second: whoever reads a withdrawal also reads the
        // second it was in, so no second begins with a withdrawal of a later one.
        let mut total = self.total.0.load(Ordering::Acquire);
        loop {
            let (second, _) = self.deposits.turn(now, WINDOW);
            self.begin(second, total);
            let window = Counts {
                deposits: u64::from(self.deposits.sum(second, WINDOW)),
                withdrawals: self.withdrawn(second, WINDOW, total),
            };
            let present = self.refuses_of_late(second).then(|| Counts {
                deposits: u64::from(self.deposits.of(second)),
                withdrawals: self.withdrawn(second, 1, total),
            });
            if !allows(window, present, &config) {
                self.refused
                    .fetch_max(second.saturating_add(1), Ordering::Relaxed);
                return false;
            }
            match self.total.0.compare_exchange_weak(
                total,
                total.wrapping_add(1),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(other) => total = other,
            }
        }
    }

    /// Whether somebody was refused within the window, as all through an outage.
    fn refuses_of_late(&self, second: u32) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        refused > 0 && second < refused.saturating_add(WINDOW - 1)
    }

    /// Notes the total that a second began with, if nobody did yet.
    fn begin(&self, second: u32, total: u64) {
        let Some(slot) = self.began.get(second as usize % SLOTS) else {
            return;
        };
        let mut word = slot.load(Ordering::Acquire);
        // Second 0 needs no note: it began with nothing.
        while tick_of(word) < second {
            match slot.compare_exchange_weak(
                word,
                pack(second, count_of(total)),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return,
                Err(other) => word = other,
            }
        }
    }

    /// What was withdrawn in the `window` seconds that end with `second`, of `total`. A slot that is
    /// newer counts as well: leaving it out would grant more.
    fn withdrawn(&self, second: u32, window: u32, total: u64) -> u64 {
        let oldest = second.saturating_sub(window - 1);
        self.began
            .iter()
            .map(|slot| slot.load(Ordering::Acquire))
            .filter(|word| tick_of(*word) >= oldest)
            .map(|word| count_of(total).wrapping_sub(count_of(word)))
            // A note ahead of this total: then the compare-and-swap fails anyway.
            .filter(|difference| *difference <= u32::MAX / 2)
            .max()
            .map_or(0, u64::from)
    }
}

fn second(now: Timestamp) -> u32 {
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[cfg(loom)]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    fn budget(withdrawals: u64) -> RetryBudget {
        RetryBudget::of(RetryBudgetConfig {
            ratio: Ratio::percent(0),
            floor: Rate::millihertz(withdrawals * 100),
        })
    }

    /// Withdraws in two threads at two times and returns how many were granted.
    fn race(budget: RetryBudget, at: [u64; 2]) -> usize {
        let budget = Arc::new(budget);
        let other = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || budget.withdraw(Timestamp::from_secs(at[0])).is_ok())
        };
        let mine = budget.withdraw(Timestamp::from_secs(at[1])).is_ok();
        usize::from(mine) + usize::from(other.join().unwrap())
    }

    #[test]
    fn the_last_repetition_is_granted_once() {
        loom::model(|| assert_eq!(race(budget(1), [5, 5]), 1));
    }

    #[test]
    fn the_last_repetition_is_granted_once_over_a_change_of_second() {
        loom::model(|| assert_eq!(race(budget(1), [5, 6]), 1));
    }

    #[test]
    fn two_are_granted_twice() {
        loom::model(|| assert_eq!(race(budget(2), [5, 6]), 2));
    }
}
