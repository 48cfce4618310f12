//! One level.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::super::{Cohort, Criticality, RequestMeta};

/// How many ranks there are.
pub(crate) const RANKS: usize = 4 * Cohort::COUNT as usize;

/// Parts of a rank that can be refused.
const PARTS: u32 = 1_000;

/// What is let in: all requests of higher rank, and a share of those of its own. A rank is a
/// criticality and a cohort within it. Greater is stricter.
///
/// As text, for a header: `critical/37/250` refuses everything below critical, critical's cohorts
/// above 37, and 250 in a thousand of cohort 37; `all` refuses nothing.
///
/// ```
/// use ninefold_core::policy::{Criticality, Level, RequestMeta};
///
/// let level: Level = "critical/37".parse()?;
/// let call = |criticality| RequestMeta { criticality, ..RequestMeta::default() };
/// assert!(level.admits(&call(Criticality::Critical), || 0));
/// assert!(!level.admits(&call(Criticality::SheddablePlus), || 0));
/// assert_eq!(level.to_string(), "critical/37");
/// # Ok::<(), ninefold_core::policy::ParseLevelError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u32);

/// A text that is no level. Whoever gets it from a peer should go on as if there were none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no level: write `all`, or criticality/cohort, as in critical/37")]
pub struct ParseLevelError;

impl Level {
    /// Everything is let in.
    pub const ALL: Self = Self(0);

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn of_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The rank of a request, the first to shed first.
    pub(crate) fn rank(request: &RequestMeta) -> usize {
        let within = Cohort::COUNT - 1 - request.cohort.get();
        usize::from(request.criticality.rank()) * usize::from(Cohort::COUNT) + usize::from(within)
    }

    /// Lets in `room` of what was counted by rank, the most important first. Never nothing at all.
    pub(crate) fn for_room(counts: &[f64; RANKS], room: f64) -> Self {
        let mut above = 0.0;
        for (rank, count) in counts.iter().enumerate().rev() {
            if above + count > room && *count > 0.0 {
                let refused = ((above + count - room) / count).clamp(0.0, 1.0);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 1000"
                )]
                let parts = (refused * f64::from(PARTS)).round() as u32;
                let rank = u32::try_from(rank).unwrap_or(0);
                return Self(rank * PARTS + parts.min(PARTS - 1));
            }
            above += count;
        }
        Self::ALL
    }

    /// How many of those counted by rank it lets in, on average.
    pub(crate) fn admitted_of(self, counts: &[f64; RANKS]) -> f64 {
        let own = (self.0 / PARTS) as usize;
        let above: f64 = counts.iter().skip(own + 1).sum();
        let refused = f64::from(self.0 % PARTS) / f64::from(PARTS);
        above + counts.get(own).unwrap_or(&0.0) * (1.0 - refused)
    }

    /// The same for a caller all of whose requests are of `cohort`, and who does not say so: what it
    /// lets in of requests without a cohort is what this lets in of that one's.
    #[must_use]
    pub fn seen_by(self, cohort: Cohort) -> Self {
        if self.0 == 0 {
            return self;
        }
        let cohorts = u32::from(Cohort::COUNT);
        let (rank, parts) = (self.0 / PARTS, self.0 % PARTS);
        let (criticality, within) = (rank / cohorts, rank % cohorts);
        let mine = cohorts - 1 - u32::from(cohort.get());
        let last = u32::try_from(RANKS).unwrap_or(0) - 1;
        let (rank, parts) = match mine.cmp(&within) {
            // All of this criticality, and nothing below it.
            Ordering::Greater => (criticality * cohorts, 0),
            // A share of it, in the one cohort that such a caller has.
            Ordering::Equal => (criticality * cohorts + cohorts - 1, parts),
            Ordering::Less if rank + cohorts <= last => ((criticality + 1) * cohorts, 0),
            // Never nothing at all.
            Ordering::Less => (last, PARTS - 1),
        };
        Self(rank * PARTS + parts)
    }

    /// Whether a request is let in. `draw` gives 64 uniform bits, asked for only if the level falls
    /// into the request's own rank.
    #[inline]
    pub fn admits(self, request: &RequestMeta, draw: impl FnOnce() -> u64) -> bool {
        if self.0 == 0 {
            return true;
        }
        let rank = Self::rank(request);
        let own = (self.0 / PARTS) as usize;
        if rank != own {
            return rank > own;
        }
        // Lemire's multiply-shift: uniform in 0..PARTS.
        let part = (u128::from(draw()) * u128::from(PARTS)) >> 64;
        part >= u128::from(self.0 % PARTS)
    }

    /// As a number, for a gauge: 0 lets everything in, 512 nothing.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(PARTS)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        let (rank, parts) = (self.0 / PARTS, self.0 % PARTS);
        let count = u32::from(Cohort::COUNT);
        let criticality = Criticality::ALL
            .get((rank / count) as usize)
            .copied()
            .unwrap_or(Criticality::CriticalPlus);
        write!(f, "{}/{}", criticality.as_str(), count - 1 - rank % count)?;
        if parts > 0 {
            write!(f, "/{parts}")?;
        }
        Ok(())
    }
}

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        if text == "all" {
            return Ok(Self::ALL);
        }
        let number = |text: &str, limit: u32| {
            let plain = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|number| *number < limit);
            number.filter(|_| plain).ok_or(ParseLevelError)
        };
        let mut parts = text.splitn(3, '/');
        let name = parts.next().ok_or(ParseLevelError)?;
        let criticality = Criticality::ALL
            .into_iter()
            .find(|criticality| criticality.as_str() == name)
            .ok_or(ParseLevelError)?;
        let count = u32::from(Cohort::COUNT);
        let cohort = number(parts.next().ok_or(ParseLevelError)?, count)?;
        let refused = parts.next().map_or(Ok(0), |part| number(part, PARTS))?;
        let rank = u32::from(criticality.rank()) * count + (count - 1 - cohort);
        Ok(Self(rank * PARTS + refused))
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Rng;

    fn request(rank: usize) -> RequestMeta {
        let criticality = Criticality::ALL[rank / 128];
        let cohort = (0..)
            .map(|hash| Cohort::of(hash, 0))
            .find(|cohort| usize::from(cohort.get()) == 127 - rank % 128)
            .unwrap();
        RequestMeta {
            criticality,
            cohort,
            ..RequestMeta::default()
        }
    }

    #[test]
    fn garbage_of_a_peer_is_no_level() {
        for text in [
            "",
            "/",
            "critical",
            "critical/",
            "critical/128",
            "critical/-1",
            "critical/+1",
            "critical/1/1000",
            "critical/1/",
            "critical/1/2/3",
            "Critical/1",
            " all",
            "critical/0001",
        ] {
            assert_eq!(text.parse::<Level>(), Err(ParseLevelError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_goes_and_comes_back(bits in 0u32..512_000) {
            let level = Level(bits);
            prop_assert_eq!(level.to_string().parse::<Level>(), Ok(level));
        }

        #[test]
        fn lets_in_the_room_there_is_and_the_most_important(
            filled in prop::collection::btree_map(0usize..RANKS, 1u32..500, 1..20),
            share in 0.0f64..1.2,
        ) {
            let mut counts = [0.0; RANKS];
            for (rank, count) in &filled {
                counts[*rank] = f64::from(*count);
            }
            let total: f64 = counts.iter().sum();
            let level = Level::for_room(&counts, total * share);
            let mut rng = Rng::new(1);
            let (mut expected, mut lower_is_in) = (0.0, false);
            for (rank, count) in &filled {
                let (request, draws) = (request(*rank), 2_000u32);
                let admitted = (0..draws).filter(|_| level.admits(&request, || rng.next_u64())).count();
                prop_assert!(!lower_is_in || admitted == draws as usize);
                lower_is_in = admitted == draws as usize;
                expected += f64::from(*count) * admitted as f64 / f64::from(draws);
            }
            let room = total * share.min(1.0);
            // A thousandth of a rank and the noise of 2,000 draws.
            prop_assert!((expected - room).abs() <= 0.05 * 500.0, "{expected} for {room}");
        }
    }
}
