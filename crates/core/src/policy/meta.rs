//! What a policy may know of a call before it begins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How much it hurts to refuse a call, from Google's four levels (SRE book, chapter 21). The order
/// is that of shedding: the smallest goes first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Criticality {
    /// Partial or even frequent unavailability is expected: batch work, prefetching.
    Sheddable,
    /// Retried minutes or hours later without harm.
    SheddablePlus,
    /// What a user waits for. Services must be provisioned for this and above.
    #[default]
    Critical,
    /// Serious harm that users see if it fails. Used sparingly.
    CriticalPlus,
}

impl Criticality {
    /// All levels, the first to shed first.
    pub const ALL: [Self; 4] = [
        Self::Sheddable,
        Self::SheddablePlus,
        Self::Critical,
        Self::CriticalPlus,
    ];

    /// 0 for [`Criticality::Sheddable`] to 3 for [`Criticality::CriticalPlus`].
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Sheddable => 0,
            Self::SheddablePlus => 1,
            Self::Critical => 2,
            Self::CriticalPlus => 3,
        }
    }

    /// The name, as in configuration and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sheddable => "sheddable",
            Self::SheddablePlus => "sheddable-plus",
            Self::Critical => "critical",
            Self::CriticalPlus => "critical-plus",
        }
    }
}

/// One of [`Cohort::COUNT`] groups of users within a criticality, so that a level can be shed in
/// part and always the same users are served (DAGOR's user priority).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cohort(u8);

impl Cohort {
    /// How many there are.
    pub const COUNT: u8 = 128;

    /// The cohort of a user, or of whatever else should be treated alike, from any hash of it.
    /// `epoch` rotates the assignment, so that nobody is refused for ever: pass the hour, say.
    #[must_use]
    pub const fn of(hash: u64, epoch: u64) -> Self {
        let mixed =
            (hash ^ epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        Self((mixed >> 57) as u8)
    }

    /// 0 to 127; the higher the sooner shed.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// What a policy may know of a call. The default is a first attempt of ordinary weight without a
/// deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestMeta {
    /// When the caller stops waiting. On the clock of the [`Now`](super::Now) that comes with it.
    pub deadline: Option<Timestamp>,
    /// How much it hurts to refuse it.
    pub criticality: Criticality,
    /// Whose call it is, within the criticality.
    pub cohort: Cohort,
    /// A hash of the tenant, user or resource, for limits per key.
    pub key: u64,
    /// 0 for the first attempt, 1 for the first retry or hedge.
    pub attempt: u32,
    /// How much it weighs in a rate limit; an ordinary call is 1.
    pub cost: u32,
}

impl Default for RequestMeta {
    fn default() -> Self {
        Self {
            deadline: None,
            criticality: Criticality::default(),
            cohort: Cohort::default(),
            key: 0,
            attempt: 0,
            cost: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_shed_in_order() {
        assert!(Criticality::ALL.is_sorted());
        let text = serde_json::to_string(&Criticality::SheddablePlus).unwrap();
        assert_eq!(text, "\"sheddable-plus\"");
        for level in Criticality::ALL {
            assert_eq!(
                usize::from(level.rank()),
                Criticality::ALL.iter().position(|l| *l == level).unwrap()
            );
        }
    }

    #[test]
    fn cohorts_are_even_and_rotate() {
        let mut sizes = [0u32; Cohort::COUNT as usize];
        for user in 0..128_000u64 {
            sizes[usize::from(Cohort::of(user, 7).get())] += 1;
        }
        assert!(
            sizes.iter().all(|size| (700..1_300).contains(size)),
            "{sizes:?}"
        );
        let moved = (0..1_000u64)
            .filter(|user| Cohort::of(*user, 7) != Cohort::of(*user, 8))
            .count();
        assert!(moved > 950, "{moved}");
    }
}
