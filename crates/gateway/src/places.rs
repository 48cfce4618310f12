//! The zones that endpoints may be in, as seen from the gateway's own.

use std::collections::BTreeSet;
use std::sync::Arc;

use ninefold_config::model::{File, Name, Service, ServiceKind, Spread};
use ninefold_core::balance::{Domain, Place};

/// The gateway's own place.
pub(crate) const OWN: usize = 0;

/// All zones, the own one first. Whoever is in none of them is in a place of its own, the last one.
#[derive(Debug)]
pub(crate) struct Places {
    zones: Vec<Zone>,
    regions: Vec<Arc<str>>,
    /// Whether the file says in which zones there are gateways; else it is where endpoints are.
    declared: bool,
}

#[derive(Debug)]
struct Zone {
    name: Arc<str>,
    /// Index of its region; beyond them for one that is in none.
    region: usize,
    declared: bool,
}

impl Places {
    /// None where the gateway is in no zone: then all endpoints are equally far.
    pub(crate) fn new(file: &File) -> Option<Self> {
        let own = file.node.zone.as_ref()?;
        let declared = &file.cluster.zones;
        let external = file
            .services
            .values()
            .flat_map(|service| match &service.kind {
                ServiceKind::External(external) => external.endpoints.as_slice(),
                ServiceKind::Supervised(_) => &[],
            });
        let external = external.filter_map(|endpoint| endpoint.zone.as_ref());
        let mut seen = BTreeSet::new();
        let all = [own].into_iter().chain(declared).chain(external);
        let region = |zone: &Name| {
            let mut regions = file.cluster.regions.values();
            let found = regions.position(|zones| zones.contains(zone));
            found.unwrap_or(file.cluster.regions.len())
        };
        let zones = all.filter(|zone| seen.insert(*zone)).map(|zone| Zone {
            name: zone.shared(),
            region: region(zone),
            declared: declared.contains(zone),
        });
        Some(Self {
            zones: zones.collect(),
            regions: file.cluster.regions.keys().map(Name::shared).collect(),
            declared: !declared.is_empty(),
        })
    }

    /// Where a zone is.
    pub(crate) fn find(&self, zone: Option<&str>) -> usize {
        let found = zone.and_then(|zone| self.zones.iter().position(|one| *one.name == *zone));
        found.unwrap_or(self.zones.len())
    }

    pub(crate) const fn count(&self) -> usize {
        self.zones.len() + 1
    }

    fn region(&self, place: usize) -> usize {
        let zone = self.zones.get(place);
        zone.map_or(self.regions.len(), |zone| zone.region)
    }

    /// How far a place is: 0 is the own zone, 1 the own region, 2 everywhere else.
    pub(crate) fn tier(&self, place: usize) -> usize {
        match place {
            OWN => 0,
            place if self.region(place) == self.region(OWN) => 1,
            _ => 2,
        }
    }

    /// The names of a place's zone and region.
    pub(crate) fn names(&self, place: usize) -> (Option<&Arc<str>>, Option<&Arc<str>>) {
        let zone = self.zones.get(place).map(|zone| &zone.name);
        (zone, self.regions.get(self.region(place)))
    }

    /// By place, the weight of the endpoints that a service should have there.
    pub(crate) fn wanted(&self, file: &File, service: &Service) -> Vec<f64> {
        let mut wanted = vec![0.0; self.count()];
        let mut add = |zone: Option<&Name>, weight: u32| {
            let place = self.find(zone.map(|zone| &**zone));
            if let Some(wanted) = wanted.get_mut(place) {
                *wanted += f64::from(weight);
            }
        };
        match &service.kind {
            ServiceKind::External(external) => {
                for endpoint in external.endpoints.iter().filter(|one| !one.backup) {
                    add(endpoint.zone.as_ref(), endpoint.weight);
                }
            }
            ServiceKind::Supervised(supervised) => {
                let zones = &file.cluster.zones;
                for ordinal in 0..supervised.replicas as usize {
                    let spread = supervised.spread == Spread::Zone;
                    let zone = spread.then(|| zones.get(ordinal % zones.len().max(1)));
                    add(zone.flatten(), 1);
                }
            }
        }
        wanted
    }

    /// The places as a service sees them, of what is in rotation and what should be, by place.
    pub(crate) fn filled(&self, in_rotation: &[f64], of: &[f64]) -> Vec<Place> {
        let place = |place: usize| {
            let of = of.get(place).copied().unwrap_or(0.0);
            let gateways = match self.zones.get(place) {
                Some(zone) if self.declared => zone.declared || place == OWN,
                Some(_) => of > 0.0 || place == OWN,
                None => false,
            };
            Place {
                region: self.region(place),
                domain: Domain {
                    in_rotation: in_rotation.get(place).copied().unwrap_or(0.0),
                    of,
                    traffic: f64::from(u8::from(gateways)),
                },
            }
        };
        (0..self.count()).map(place).collect()
    }
}
