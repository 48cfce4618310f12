use proptest::prelude::*;

use super::*;

const RULES: LocalityRules = LocalityRules { factor: 1.4 };

fn domain(in_rotation: u32, of: u32) -> Domain {
    Domain {
        in_rotation: f64::from(in_rotation),
        of: f64::from(of),
        traffic: 1.0,
    }
}

fn domains(counts: &[(u32, u32)]) -> Vec<Domain> {
    let domain = |(in_rotation, of): &(u32, u32)| domain(*in_rotation, *of);
    counts.iter().map(domain).collect()
}

fn near(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
}

/// What each domain gets when the gateways of all of them decide by the function.
fn loads(domains: &[Domain]) -> Vec<f64> {
    let all: f64 = domains.iter().map(|one| one.traffic).sum();
    let mut loads = vec![0.0; domains.len()];
    for (own, from) in domains.iter().enumerate() {
        for (load, share) in loads.iter_mut().zip(shares(domains, own, 1.0, &RULES)) {
            *load += share * from.traffic / all;
        }
    }
    loads
}

#[test]
fn all_stays_while_enough_are_there_and_falls_with_them() {
    let of = |here| shares(&domains(&[(here, 10), (10, 10), (10, 10)]), 0, 1.0, &RULES);
    assert!(near(&of(10), &[1.0, 0.0, 0.0]));
    assert!(of(8)[0] > 1.0 - 1e-9);
    let six = of(6);
    assert!(near(&six, &[0.84, 0.08, 0.08]), "{six:?}");
    assert!(near(&of(0), &[0.0, 0.5, 0.5]));
}

/// What users of local-first routing complain of elsewhere.
#[test]
fn a_small_zone_is_not_overloaded_by_its_own_traffic() {
    let small = domains(&[(1, 1), (4, 4), (4, 4)]);
    let now = shares(&small, 0, 1.0, &RULES);
    // Of nine endpoints, one takes 1.4 ninths of all traffic, of which a third begins here.
    assert!((now[0] - 1.4 / 3.0).abs() < 1e-9, "{now:?}");
    assert!(near(&shares(&small, 1, 1.0, &RULES), &[0.0, 1.0, 0.0]));
    // A little smaller is no reason to leave.
    let uneven = domains(&[(3, 3), (4, 4), (4, 4)]);
    assert!(near(&shares(&uneven, 0, 1.0, &RULES), &[1.0, 0.0, 0.0]));
}

#[test]
fn the_loss_of_a_zone_is_borne_by_all_others() {
    let now = loads(&domains(&[(0, 2), (2, 2), (2, 2), (2, 2)]));
    assert!(
        near(&now, &[0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]),
        "{now:?}"
    );
    // Too few everywhere: all are equally full, and what begins near them stays.
    let worse = domains(&[(0, 2), (2, 2), (1, 2)]);
    let now = loads(&worse);
    assert!(near(&now, &[0.0, 2.0 / 3.0, 1.0 / 3.0]), "{now:?}");
    assert!(near(&shares(&worse, 1, 1.0, &RULES), &[0.0, 1.0, 0.0]));
}

#[test]
fn what_is_overloaded_gives_away_until_all_are_even() {
    let all = domains(&[(2, 2), (2, 2), (2, 2)]);
    let of = |most| shares(&all, 0, most, &RULES);
    assert!(near(&of(0.8), &[0.8, 0.1, 0.1]));
    assert!(near(&of(0.0), &[1.0 / 3.0; 3]));
    let alone = domains(&[(2, 2), (0, 2)]);
    assert!(near(&shares(&alone, 0, 0.3, &RULES), &[1.0, 0.0]));
}

#[test]
fn a_region_is_left_only_when_it_cannot_take_it() {
    let places = |a, b, c| {
        [(0, a), (0, b), (1, c)].map(|(region, here)| Place {
            region,
            domain: domain(here, 4),
        })
    };
    let of = |a, b, c| place_shares(&places(a, b, c), 0, NearMax::default(), &RULES);
    assert!(near(&of(4, 4, 4), &[1.0, 0.0, 0.0]));
    // The zone is lost, the region can take it: half of it is there, and 1.4 times that is room.
    let lost = of(0, 4, 4);
    assert!(lost[1] > 0.74 && lost[2] < 0.26, "{lost:?}");
    let half = of(2, 4, 4);
    assert!(half[2] < 1e-9 && half[0] > 0.69, "{half:?}");
    assert!(near(&of(0, 0, 4), &[0.0, 0.0, 1.0]));
    assert!(near(&of(0, 0, 0), &[0.0; 3]));
    let most = NearMax {
        zone: 0.6,
        region: 0.8,
    };
    let eased = place_shares(&places(4, 4, 4), 0, most, &RULES);
    assert!(near(&eased, &[0.48, 0.32, 0.2]), "{eased:?}");
}

fn counts() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let one = (0u32..6, 0u32..4).prop_map(|(here, missing)| (here, here + missing));
    prop::collection::vec(one, 1..6)
}

proptest! {
    #[test]
    fn shares_are_whole_and_nothing_goes_where_nobody_is(
        counts in counts(),
        own in 0usize..6,
        most in 0.0f64..=1.0,
        factor in 0.5f64..4.0,
    ) {
        let domains = domains(&counts);
        let now = shares(&domains, own, most, &LocalityRules { factor });
        let any = counts.iter().any(|(here, _)| *here > 0);
        let total: f64 = now.iter().sum();
        prop_assert!((total - f64::from(u8::from(any))).abs() < 1e-9, "{:?}", now);
        for (share, (here, _)) in now.iter().zip(&counts) {
            prop_assert!((-1e-12..=1.0 + 1e-9).contains(share), "{:?}", now);
            prop_assert!(*here > 0 || share.abs() < 1e-12, "{:?}", now);
        }
    }

    #[test]
    fn so_are_those_of_zones_in_regions(
        counts in prop::collection::vec((0usize..3, 0u32..5, 0u32..4), 1..8),
        own in 0usize..8,
        zone in 0.0f64..=1.0,
        region in 0.0f64..=1.0,
    ) {
        let place = |(region, here, missing): &(usize, u32, u32)| Place {
            region: *region,
            domain: domain(*here, here + missing),
        };
        let places: Vec<Place> = counts.iter().map(place).collect();
        let now = place_shares(&places, own, NearMax { zone, region }, &RULES);
        let any = counts.iter().any(|(_, here, _)| *here > 0);
        let total: f64 = now.iter().sum();
        prop_assert!((total - f64::from(u8::from(any))).abs() < 1e-9, "{:?}", now);
        for (share, (_, here, _)) in now.iter().zip(&counts) {
            prop_assert!(*share >= -1e-12 && (*here > 0 || share.abs() < 1e-12), "{:?}", now);
        }
    }

    /// Whatever is lost: no domain's endpoints get more than the factor times their even share,
    /// unless all are as full as that.
    #[test]
    fn no_loss_overloads_another_domain_while_any_has_room(
        counts in counts(),
        traffic in prop::collection::vec(0.1f64..3.0, 6),
    ) {
        let mut domains = domains(&counts);
        for (domain, traffic) in domains.iter_mut().zip(traffic) {
            domain.traffic = traffic;
        }
        let there: f64 = domains.iter().map(|one| one.in_rotation).sum();
        let of: f64 = domains.iter().map(|one| one.of).sum();
        prop_assume!(there > 0.0);
        let each = (RULES.factor / of).max(1.0 / there);
        for (load, domain) in loads(&domains).into_iter().zip(&domains) {
            prop_assert!(load <= each * domain.in_rotation + 1e-9, "{} of {:?}", load, domain);
        }
    }

    #[test]
    fn a_small_change_of_health_moves_a_small_share(
        counts in prop::collection::vec((2u32..6, 0u32..3), 2..6),
        which in 0usize..6,
        own in 0usize..6,
        most in 0.0f64..=1.0,
    ) {
        const CHANGE: f64 = 1e-4;
        let counts: Vec<_> = counts.iter().map(|(here, more)| (*here, here + more)).collect();
        let (own, which) = (own % counts.len(), which % counts.len());
        let before = domains(&counts);
        let mut after = before.clone();
        after[which].in_rotation -= CHANGE;
        let before = shares(&before, own, most, &RULES);
        let after = shares(&after, own, most, &RULES);
        let moved = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        prop_assert!(moved < 20.0 * CHANGE, "{} from {:?} to {:?}", moved, before, after);
    }

    #[test]
    fn more_health_never_sends_more_away(
        counts in prop::collection::vec((1u32..6, 0u32..3), 2..6),
        own in 0usize..6,
    ) {
        let counts: Vec<_> = counts.iter().map(|(here, more)| (*here, here + more)).collect();
        let own = own % counts.len();
        let before = domains(&counts);
        let mut after = before.clone();
        after[own].in_rotation += 0.5;
        after[own].of = after[own].of.max(after[own].in_rotation);
        prop_assume!(after[own].of <= before[own].of);
        let before = shares(&before, own, 1.0, &RULES)[own];
        let after = shares(&after, own, 1.0, &RULES)[own];
        prop_assert!(after >= before - 1e-9, "{} then {}", before, after);
    }
}
