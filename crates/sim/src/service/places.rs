//! Zones as the gateway sees them, and how much of its traffic each takes.

use ninefold_core::balance::{Domain, LocalityRules, Place, Spillover, place_shares};
use ninefold_core::ejection::Tally;

use super::endpoint::Endpoint;
use crate::Topology;

/// The gateway's own place.
const OWN: usize = 0;

/// The zones, the gateway's own one first.
#[derive(Debug)]
pub(super) struct Places {
    /// Zones of the topology, and their regions.
    zones: Vec<(u32, usize)>,
    rules: LocalityRules,
    spillover: Spillover,
}

impl Places {
    pub(super) fn new(
        topology: &Topology,
        own: u32,
        regions: &[usize],
        rules: LocalityRules,
    ) -> Self {
        let region = |zone: u32| regions.get(zone as usize).copied().unwrap_or(0);
        let others = (0..topology.zones()).filter(|zone| *zone != own);
        let zones = [own].into_iter().chain(others);
        Self {
            zones: zones.map(|zone| (zone, region(zone))).collect(),
            rules,
            spillover: Spillover::default(),
        }
    }

    /// The place of a zone, and how far it is: 0 is the own zone, 1 its region, 2 everywhere else.
    pub(super) fn find(&self, zone: u32) -> (usize, usize) {
        let place = self.zones.iter().position(|one| one.0 == zone);
        let place = place.unwrap_or(self.zones.len());
        let region = |place: usize| self.zones.get(place).map(|one| one.1);
        let tier = match place {
            OWN => 0,
            place if region(place) == region(OWN) => 1,
            _ => 2,
        };
        (place, tier)
    }

    /// The share of the traffic that each place takes, by who may be taken.
    pub(super) fn shares(&self, endpoints: &[Endpoint], who: &[usize]) -> Vec<f64> {
        let places = self.filled(endpoints, who);
        place_shares(&places, OWN, self.spillover.most(), &self.rules)
    }

    /// Looks at what near and far endpoints did so far.
    pub(super) fn look(&mut self, endpoints: &[Endpoint], who: &[usize]) {
        let mut tiers: [Tally; 3] = Default::default();
        for one in endpoints {
            if let Some(tier) = tiers.get_mut(one.tier) {
                tier.add(&one.tally);
            }
        }
        let places = self.filled(endpoints, who);
        self.spillover.look(&places, OWN, &self.rules, tiers);
    }

    fn filled(&self, endpoints: &[Endpoint], who: &[usize]) -> Vec<Place> {
        let place = |(index, (_, region)): (usize, &(u32, usize))| {
            let here = |one: &Endpoint| f64::from(u8::from(one.place == index));
            let taking = who.iter().filter_map(|one| endpoints.get(*one));
            Place {
                region: *region,
                domain: Domain {
                    in_rotation: taking.map(here).sum(),
                    of: endpoints.iter().map(here).sum(),
                    traffic: 1.0,
                },
            }
        };
        self.zones.iter().enumerate().map(place).collect()
    }
}
