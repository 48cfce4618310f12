//! Which endpoints may take traffic: those in rotation, the backups in their absence, and what
//! happens when they are too few.
//!
//! A pool that shrinks asks for a decision that no default makes well for everybody: whether the
//! few that are left take everything, whether doubtful ones are used too so that the healthy are
//! not crushed, or whether requests are better refused than served by a remnant. So it is a
//! declared choice ([`WhenTooFew`]), and a state that is shown.

/// How many times its even share an endpoint may get before degraded ones are asked too.
const OVER_PROVISIONED: f64 = 1.4;

/// What happens when fewer endpoints are in rotation than are wanted, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenTooFew {
    /// `fail-open`: all endpoints take traffic, ejected ones and those too that run and have lost
    /// their readiness.
    FailOpen,
    /// `fail-fast`: requests are refused at once.
    FailFast,
    /// `degraded`: those in rotation go on; when none is left, ejected ones come back.
    #[default]
    Degraded,
}

impl WhenTooFew {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FailOpen => "fail-open",
            Self::FailFast => "fail-fast",
            Self::Degraded => "degraded",
        }
    }
}

/// What speaks for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is ready, and live traffic holds nothing against it.
    In,
    /// The same, but it says itself that others should be asked first.
    Degraded,
    /// It is ready, but live traffic took it out.
    Ejected,
    /// It runs and was ready, and is no longer.
    Doubtful,
    /// It is no use.
    Out,
}

/// How many endpoints a service should have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Those that take traffic first.
    pub primaries: usize,
    /// Those that take it in their absence.
    pub backups: usize,
    /// The share, 0 to 1, below which those in rotation are too few.
    pub threshold: f64,
    /// What happens then.
    pub when_too_few: WhenTooFew,
}

/// Who may take traffic now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Eligible {
    /// Their indexes, in order.
    pub who: Vec<usize>,
    /// Those that are degraded, where others are not; their indexes, in order.
    pub degraded: Vec<usize>,
    /// The share of the traffic that these take: what the others cannot, 0 to 1.
    pub degraded_share: f64,
    /// Whether these are the backups, because no other one is in rotation.
    pub backups: bool,
    /// How many are in rotation, of those that are looked at: the primaries, or the backups.
    pub in_rotation: usize,
    /// How many there should be.
    pub of: usize,
    /// Whether they are too few.
    pub too_few: bool,
    /// Whether the ejected ones are to be brought back because nothing else is left.
    pub release: bool,
}

/// Who may take traffic, of endpoints each with its standing and whether it is a backup.
#[must_use]
pub fn eligible(all: &[(Standing, bool)], wanted: &Wanted) -> Eligible {
    let those = |backups: bool, fits: fn(Standing) -> bool| -> Vec<usize> {
        let indexed = all.iter().enumerate();
        let found = indexed.filter(|(_, (standing, backup))| *backup == backups && fits(*standing));
        found.map(|(index, _)| index).collect()
    };
    let is_in = |standing| matches!(standing, Standing::In | Standing::Degraded);
    let primaries = those(false, is_in);
    let backups = primaries.is_empty() && !those(true, is_in).is_empty();
    let within = if backups {
        those(true, is_in)
    } else {
        primaries
    };
    let expected = if backups {
        wanted.backups
    } else {
        wanted.primaries
    };
    let of = expected.max(those(backups, |_| true).len());
    let too_few = too_few(within.len(), of, wanted.threshold);
    let (in_rotation, mut release) = (within.len(), false);
    let first_of = |fits: fn(Standing) -> bool| {
        let primaries = those(false, fits);
        if primaries.is_empty() {
            those(true, fits)
        } else {
            primaries
        }
    };
    let who = match wanted.when_too_few {
        _ if !too_few => within,
        WhenTooFew::FailFast => Vec::new(),
        WhenTooFew::FailOpen if in_rotation > 0 => those(backups, |s| s != Standing::Out),
        WhenTooFew::FailOpen => first_of(|standing| standing != Standing::Out),
        WhenTooFew::Degraded if in_rotation > 0 => within,
        WhenTooFew::Degraded => {
            let ejected = first_of(|standing| standing == Standing::Ejected);
            release = !ejected.is_empty();
            ejected
        }
    };
    let (who, degraded) = apart(who, all);
    Eligible {
        degraded_share: if degraded.is_empty() {
            0.0
        } else {
            beyond(who.len(), of)
        },
        who,
        degraded,
        backups,
        in_rotation,
        of,
        too_few,
        release,
    }
}

/// Those that are whole, and those that are degraded beside them. Where nobody is whole, or even
/// worse ones are needed, all take traffic alike.
fn apart(who: Vec<usize>, all: &[(Standing, bool)]) -> (Vec<usize>, Vec<usize>) {
    let is =
        |standing: Standing| move |index: &usize| all.get(*index).map(|of| of.0) == Some(standing);
    let healthy = |index: &usize| is(Standing::In)(index) || is(Standing::Degraded)(index);
    if who.iter().any(is(Standing::In)) && who.iter().all(healthy) {
        who.into_iter().partition(is(Standing::In))
    } else {
        (who, Vec::new())
    }
}

/// What so many of all cannot take.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of endpoints far below 2^53"
)]
fn beyond(count: usize, of: usize) -> f64 {
    (1.0 - OVER_PROVISIONED * count as f64 / of.max(1) as f64).max(0.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of endpoints far below 2^53"
)]
fn too_few(in_rotation: usize, of: usize, threshold: f64) -> bool {
    in_rotation == 0 || (in_rotation as f64) < threshold * of as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Standing::{Degraded, Doubtful, Ejected, In, Out};
    use super::*;

    fn wanted(threshold: f64, when_too_few: WhenTooFew) -> Wanted {
        Wanted {
            primaries: 3,
            backups: 0,
            threshold,
            when_too_few,
        }
    }

    fn primaries(all: [Standing; 3]) -> Vec<(Standing, bool)> {
        all.map(|standing| (standing, false)).to_vec()
    }

    #[test]
    fn none_is_always_too_few_and_else_the_threshold_decides() {
        assert!(too_few(0, 0, 0.0) && too_few(0, 3, 0.0));
        assert!(!too_few(1, 3, 0.0));
        assert!(too_few(1, 3, 0.5) && !too_few(2, 4, 0.5));
        assert!(too_few(2, 3, 1.0) && !too_few(3, 3, 1.0));
    }

    #[test]
    fn enough_are_those_in_rotation_whatever_the_mode() {
        for mode in [
            WhenTooFew::FailOpen,
            WhenTooFew::FailFast,
            WhenTooFew::Degraded,
        ] {
            let now = eligible(&primaries([In, Ejected, In]), &wanted(0.6, mode));
            assert_eq!(
                (now.who, now.too_few, now.in_rotation),
                (vec![0, 2], false, 2)
            );
        }
    }

    #[test]
    fn too_few_do_as_was_declared() {
        let all = primaries([In, Ejected, Doubtful]);
        let who = |mode| eligible(&all, &wanted(0.6, mode)).who;
        assert_eq!(who(WhenTooFew::FailOpen), [0, 1, 2]);
        assert_eq!(who(WhenTooFew::FailFast), [0; 0]);
        assert_eq!(who(WhenTooFew::Degraded), [0]);
    }

    #[test]
    fn none_left_brings_the_ejected_back() {
        let all = primaries([Out, Ejected, Doubtful]);
        let degraded = eligible(&all, &wanted(0.0, WhenTooFew::Degraded));
        assert_eq!((degraded.who, degraded.release), (vec![1], true));
        let open = eligible(&all, &wanted(0.0, WhenTooFew::FailOpen));
        assert_eq!((open.who, open.release), (vec![1, 2], false));
        let fast = eligible(&all, &wanted(0.0, WhenTooFew::FailFast));
        assert!(fast.who.is_empty() && fast.too_few && !fast.release);
    }

    /// A replica that does not even run is missed all the same.
    #[test]
    fn who_is_wanted_counts_and_not_only_who_is_there() {
        let all = [(In, false)];
        assert!(!eligible(&all, &wanted(0.3, WhenTooFew::FailFast)).too_few);
        assert!(eligible(&all, &wanted(0.5, WhenTooFew::FailFast)).too_few);
    }

    #[test]
    fn backups_serve_only_while_no_other_is_in_rotation() {
        let usual = Wanted {
            primaries: 2,
            backups: 2,
            ..Wanted::default()
        };
        let of = |first, second| {
            let all = [(first, false), (second, false), (In, true), (Ejected, true)];
            eligible(&all, &usual)
        };
        assert_eq!((of(In, Out).who, of(In, Out).backups), (vec![0], false));
        let without = of(Ejected, Doubtful);
        assert_eq!((without.who, without.backups), (vec![2], true));
        assert_eq!(
            (without.in_rotation, without.of, without.too_few),
            (1, 2, false)
        );
    }

    #[test]
    fn degraded_ones_take_what_the_others_cannot() {
        let of = |all: &[Standing]| {
            let all: Vec<_> = all.iter().map(|standing| (*standing, false)).collect();
            eligible(&all, &Wanted::default())
        };
        let few = of(&[In, In, In, Degraded]);
        assert_eq!((few.who, few.degraded), (vec![0, 1, 2], vec![3]));
        assert!(few.degraded_share.abs() < 1e-9);
        let half = of(&[In, Degraded, In, Degraded]);
        assert_eq!((half.who, half.degraded), (vec![0, 2], vec![1, 3]));
        assert!((half.degraded_share - 0.3).abs() < 1e-9);
        assert_eq!((half.in_rotation, half.too_few), (4, false));
        // Better than an ejected one, and than a backup.
        let none = of(&[Degraded, Ejected, Out, Degraded]);
        assert_eq!(
            (none.who, none.degraded, none.release),
            (vec![0, 3], vec![], false)
        );
        assert!(none.degraded_share.abs() < 1e-9);
    }

    proptest! {
        /// Whoever is chosen is of some use, and somebody is whenever anybody in rotation may be.
        #[test]
        fn never_who_is_out_and_never_nobody_without_need(
            all in prop::collection::vec((0u8..5, any::<bool>()), 0..8),
            threshold in 0.0f64..1.0,
            mode in 0u8..3,
        ) {
            let all: Vec<_> = all
                .into_iter()
                .map(|(n, backup)| ([In, Ejected, Doubtful, Out, Degraded][usize::from(n)], backup))
                .collect();
            let mode = [WhenTooFew::FailOpen, WhenTooFew::FailFast, WhenTooFew::Degraded]
                [usize::from(mode)];
            let wanted = Wanted { threshold, when_too_few: mode, ..Wanted::default() };
            let now = eligible(&all, &wanted);
            prop_assert!(now.who.iter().all(|index| all[*index].0 != Out));
            let is_in = |standing: &Standing| matches!(standing, In | Degraded);
            let any_in = all.iter().any(|(standing, _)| is_in(standing));
            if any_in && (mode != WhenTooFew::FailFast || !now.too_few) {
                prop_assert!(now.who.iter().any(|index| is_in(&all[*index].0)));
                let worse = now.who.iter().any(|index| !is_in(&all[*index].0));
                let mixed = now.who.iter().any(|index| all[*index].0 == In)
                    && now.who.iter().any(|index| all[*index].0 == Degraded);
                prop_assert!(worse || !mixed);
            }
            prop_assert!(now.in_rotation <= now.of);
            prop_assert_eq!(now.in_rotation == 0, !any_in);
        }
    }
}
