//! How much of a service's traffic leaves its zone, as all threads share it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ninefold_core::balance::{DriftMemento, Eligible, NearMax, Place, Spillover, place_shares};
use ninefold_core::ejection::Tally;

use super::hub::lock;
use super::outliers::tally;
use super::{Hub, Member};
use crate::places::OWN;
use crate::plan::ServicePlan;

/// What is remembered of it.
#[derive(Debug)]
pub(super) struct Spill {
    spillover: Mutex<Spillover>,
    /// The most that stays, of the zone and of the region, as the bits of floats.
    zone_max: AtomicU64,
    region_max: AtomicU64,
    /// Counts their changes.
    version: AtomicU64,
}

impl Default for Spill {
    fn default() -> Self {
        let whole = || AtomicU64::new(1.0f64.to_bits());
        Self {
            spillover: Mutex::default(),
            zone_max: whole(),
            region_max: whole(),
            version: AtomicU64::new(0),
        }
    }
}

impl Spill {
    /// That of the next generation, which counts anew.
    pub(super) fn carried(&self) -> Self {
        Self {
            spillover: Mutex::new(lock(&self.spillover).carried()),
            zone_max: AtomicU64::new(self.zone_max.load(Relaxed)),
            region_max: AtomicU64::new(self.region_max.load(Relaxed)),
            version: AtomicU64::new(0),
        }
    }

    /// What another process has to know of the zone and of the region.
    pub(super) fn memento(&self) -> (DriftMemento, DriftMemento) {
        lock(&self.spillover).memento()
    }

    /// Goes on from what another process knew.
    pub(super) fn restore(&self, zone: &DriftMemento, region: &DriftMemento) {
        let mut spillover = lock(&self.spillover);
        *spillover = Spillover::restore(zone, region);
        self.set(spillover.most());
    }

    fn most(&self) -> NearMax {
        NearMax {
            zone: f64::from_bits(self.zone_max.load(Relaxed)),
            region: f64::from_bits(self.region_max.load(Relaxed)),
        }
    }

    fn set(&self, most: NearMax) {
        if most != self.most() {
            self.zone_max.store(most.zone.to_bits(), Relaxed);
            self.region_max.store(most.region.to_bits(), Relaxed);
            self.version.fetch_add(1, Relaxed);
        }
    }
}

impl Hub {
    /// Differs whenever the most that stays near does.
    pub(crate) fn spill_version(&self, service: usize) -> u64 {
        let pool = self.pools.get(service);
        pool.map_or(0, |pool| pool.spill.version.load(Relaxed))
    }

    /// What each place has in rotation, and what it should have: of the primaries, or of the backups
    /// while these serve. None where all are equally far.
    pub(crate) fn places<'a>(
        &self,
        service: usize,
        members: impl Iterator<Item = &'a Member>,
        now: &Eligible,
    ) -> Option<Vec<Place>> {
        let plan = self.plan.services.get(service)?;
        plan.locality.as_ref()?;
        let places = self.plan.places.as_ref()?;
        let mut in_rotation = vec![0.0; places.count()];
        let mut of = in_rotation.clone();
        for (index, member) in members.enumerate() {
            let place = member.endpoint.place;
            let weight = f64::from(member.weight);
            if let Some(of) = of.get_mut(place).filter(|_| member.backup == now.backups) {
                *of += weight;
            }
            let takes = now.who.binary_search(&index).is_ok();
            if let Some(in_rotation) = in_rotation.get_mut(place).filter(|_| takes) {
                *in_rotation += weight;
            }
        }
        if !now.backups {
            for (of, wanted) in of.iter_mut().zip(&plan.wanted_at) {
                *of = of.max(*wanted);
            }
        }
        Some(places.filled(&in_rotation, &of))
    }

    /// The share of a service's traffic that each place takes.
    pub(crate) fn place_shares(&self, service: usize, places: &[Place]) -> Vec<f64> {
        let plan = self.plan.services.get(service);
        let rules = plan.and_then(|plan| plan.locality.as_ref());
        let pool = self.pools.get(service);
        rules.zip(pool).map_or_else(Vec::new, |(rules, pool)| {
            place_shares(places, OWN, pool.spill.most(), rules)
        })
    }

    /// Looks at what each place did lately.
    pub(super) fn look_near(&self, service: usize, members: &[Member], plan: &ServicePlan) {
        let (Some(rules), Some(pool)) = (&plan.locality, self.pools.get(service)) else {
            return;
        };
        let now = self.eligible(service);
        let Some(places) = self.places(service, members.iter(), &now) else {
            return;
        };
        let mut tiers: [Tally; 3] = Default::default();
        for member in members {
            if let Some(tier) = tiers.get_mut(member.endpoint.tier) {
                tier.add(&tally(&member.endpoint));
            }
        }
        let mut spillover = lock(&pool.spill.spillover);
        let most = spillover.look(&places, OWN, rules, tiers);
        pool.spill.set(most);
    }
}
