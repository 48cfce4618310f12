//! How much of a gateway's traffic leaves its zone, and how much its region: the same rule twice.

use super::{Drift, DriftMemento, LocalityRules, NearMax, Place, Reach, place_shares};
use crate::ejection::Tally;

/// Two [`Drift`]s: one of the zone within its region, one of the region among all.
#[derive(Clone, Debug, Default)]
pub struct Spillover {
    zone: Drift,
    region: Drift,
}

impl Spillover {
    /// The most that stays near.
    #[must_use]
    pub const fn most(&self) -> NearMax {
        NearMax {
            zone: self.zone.near_max(),
            region: self.region.near_max(),
        }
    }

    /// Looks at what the endpoints of the own zone, of the rest of its region and of everywhere else did so far. `places`
    /// are the zones, the own one at `own`.
    pub fn look(
        &mut self,
        places: &[Place],
        own: usize,
        rules: &LocalityRules,
        [zone, rest, elsewhere]: [Tally; 3],
    ) -> NearMax {
        let Some(here) = places.get(own) else {
            return self.most();
        };
        let able = place_shares(places, own, NearMax::default(), rules);
        let zone_able = able.get(own).copied().unwrap_or(0.0);
        let (mut region_able, mut region, mut whole) = (0.0, 0.0, 0.0);
        for (place, able) in places.iter().zip(able) {
            let in_rotation = place.domain.in_rotation;
            whole += in_rotation;
            if place.region == here.region {
                region_able += able;
                region += in_rotation;
            }
        }
        let zone_able = if region_able > 0.0 {
            zone_able / region_able
        } else {
            0.0
        };
        let mut near = zone.clone();
        near.add(&rest);
        let reach_of_zone = reach(here.domain.in_rotation, region, zone_able);
        self.zone.look(reach_of_zone, zone, rest);
        let reach_of_region = reach(region, whole, region_able);
        self.region.look(reach_of_region, near, elsewhere);
        self.most()
    }

    /// What another one has to know to go on in its place: of the zone, and of the region.
    #[must_use]
    pub const fn memento(&self) -> (DriftMemento, DriftMemento) {
        (self.zone.memento(), self.region.memento())
    }

    /// Goes on from what another one knew, as far as it makes sense.
    #[must_use]
    pub fn restore(zone: &DriftMemento, region: &DriftMemento) -> Self {
        Self {
            zone: Drift::restore(zone),
            region: Drift::restore(region),
        }
    }

    /// What goes on where answers are counted anew.
    #[must_use]
    pub fn carried(&self) -> Self {
        Self {
            zone: self.zone.carried(),
            region: self.region.carried(),
        }
    }
}

/// What a part of several takes by what is in rotation: evenly, and as far as it can.
fn reach(part: f64, whole: f64, able: f64) -> Reach {
    let even = if whole > 0.0 { part / whole } else { 0.0 };
    Reach {
        even: even.min(able),
        able,
    }
}
