//! Which share of a gateway's traffic goes to which failure domain, by what is in rotation there.
//!
//! No gateway sees the traffic of the others, so it assumes what they do: traffic begins in each
//! domain as [`Domain::traffic`] says, and the gateways there decide by this same function. Envoy's
//! zone-aware routing counts proxies by zone for that, Kubernetes' topology hints count cores. Both
//! divide the whole evenly over the endpoints and keep local what fits; what does not fit goes
//! where less traffic begins than could be served, by how much room there is.
//!
//! Two things differ. An endpoint may get more than its even share, by the factor of
//! [`LocalityRules::factor`] (as in Envoy's over-provisioning of priorities), before traffic leaves:
//! a zone with three endpoints beside one with four is no reason to. And the factor rises as far as
//! it must when too few are left everywhere: then all are equally full, and still as much is local
//! as can be. So the loss of a domain is borne by all that have room, and none of them gets more
//! than the factor allows while another has room.

/// How far from evenly endpoints may be loaded for the sake of nearness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalityRules {
    /// How many times its even share an endpoint may get; at least 1.
    pub factor: f64,
}

/// A failure domain as one service sees it: a zone, or a region as the sum of its zones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Domain {
    /// The weight of the endpoints that may take traffic.
    pub in_rotation: f64,
    /// The weight of all endpoints that there should be.
    pub of: f64,
    /// How much traffic begins here, beside the others.
    pub traffic: f64,
}

/// A zone, and the region that it is in, by number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The region.
    pub region: usize,
    /// The zone.
    pub domain: Domain,
}

/// The most that stays near, as [`super::Drift`] found it: 1 where nothing speaks against it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearMax {
    /// Of the region's traffic, in the zone.
    pub zone: f64,
    /// In the region.
    pub region: f64,
}

impl Default for NearMax {
    fn default() -> Self {
        Self {
            zone: 1.0,
            region: 1.0,
        }
    }
}

/// What can be said of each domain, as shares of all traffic that begins anywhere.
struct Capacity {
    traffic: f64,
    keep: f64,
    room: f64,
}

fn capacities(domains: &[Domain], own: usize, factor: f64) -> Vec<Capacity> {
    let there: f64 = domains.iter().map(|one| one.in_rotation).sum();
    let of: f64 = domains.iter().map(|one| one.of.max(one.in_rotation)).sum();
    let begins = |index: usize, one: &Domain| match one.traffic {
        // Something begins here: this gateway's own.
        none if none <= 0.0 && index == own => 1.0,
        traffic => traffic.max(0.0),
    };
    let all: f64 = domains
        .iter()
        .enumerate()
        .map(|(n, one)| begins(n, one))
        .sum();
    // Of the whole traffic that one endpoint in rotation may get: more than the factor allows when
    // the others cannot take it.
    let each = (factor.max(1.0) / of).max(1.0 / there);
    let capacity = |(index, one): (usize, &Domain)| {
        let traffic = begins(index, one) / all.max(f64::MIN_POSITIVE);
        let keep = traffic.min(each * one.in_rotation);
        Capacity {
            traffic,
            keep,
            room: each * one.in_rotation - keep,
        }
    };
    domains.iter().enumerate().map(capacity).collect()
}

/// The share that each domain takes of the traffic of a gateway in `own`; together 1, unless nobody
/// is in rotation. No more than `own_max` stays, as long as that is more than its even share.
#[must_use]
pub fn shares(domains: &[Domain], own: usize, own_max: f64, rules: &LocalityRules) -> Vec<f64> {
    let there: f64 = domains.iter().map(|one| one.in_rotation).sum();
    let (Some(here), true) = (domains.get(own), there > 0.0) else {
        return by_weight(domains);
    };
    let capacities = capacities(domains, own, rules.factor);
    let able = capacities
        .get(own)
        .map_or(0.0, |own| own.keep / own.traffic.max(f64::MIN_POSITIVE));
    let even = here.in_rotation / there;
    let kept = able.min(own_max).max(even.min(able));
    let others = |index: &usize| *index != own;
    let room: f64 = (0..domains.len())
        .filter(others)
        .filter_map(|index| Some(capacities.get(index)?.room))
        .sum();
    let elsewhere = there - here.in_rotation;
    let share = |(index, (domain, capacity)): (usize, (&Domain, &Capacity))| {
        if index == own {
            // Nobody else can take it.
            return if elsewhere > 0.0 { kept } else { 1.0 };
        }
        let weight = domain.in_rotation / elsewhere.max(f64::MIN_POSITIVE);
        let by_room = if room > 0.0 {
            capacity.room / room
        } else {
            weight
        };
        (1.0 - able) * by_room + (able - kept) * weight
    };
    domains
        .iter()
        .zip(&capacities)
        .enumerate()
        .map(share)
        .collect()
}

/// The domain that a request goes to, by shares: `lot` is drawn evenly between 0 and 1. None where nobody takes anything.
#[must_use]
pub fn drawn(shares: &[f64], lot: f64) -> Option<usize> {
    let mut left = lot;
    let drawn = shares.iter().position(|share| {
        left -= share;
        *share > 0.0 && left < 0.0
    });
    // What rounding leaves over is the last one's.
    drawn.or_else(|| shares.iter().rposition(|share| *share > 0.0))
}

fn by_weight(domains: &[Domain]) -> Vec<f64> {
    let there: f64 = domains.iter().map(|one| one.in_rotation).sum();
    let share = |one: &Domain| one.in_rotation / there.max(f64::MIN_POSITIVE);
    domains.iter().map(share).collect()
}

/// The share that each place takes of the traffic of a gateway in the place `own`: regions are
/// decided first, and then the zones of each.
#[must_use]
pub fn place_shares(
    places: &[Place],
    own: usize,
    most: NearMax,
    rules: &LocalityRules,
) -> Vec<f64> {
    let mut regions: Vec<usize> = places.iter().map(|place| place.region).collect();
    regions.sort_unstable();
    regions.dedup();
    let own_region = places.get(own).map(|place| place.region);
    let within = |region: usize| {
        places
            .iter()
            .enumerate()
            .filter(move |(_, p)| p.region == region)
    };
    let sums: Vec<Domain> = regions
        .iter()
        .map(|region| sum(within(*region).map(|(_, place)| &place.domain)))
        .collect();
    let home = regions
        .iter()
        .position(|region| Some(*region) == own_region);
    let home = home.unwrap_or(usize::MAX);
    let by_region = shares(&sums, home, most.region, rules);
    let mut all = vec![0.0; places.len()];
    for (region, share) in regions.iter().zip(by_region) {
        let (indexes, zones): (Vec<usize>, Vec<Domain>) = within(*region)
            .map(|(index, place)| (index, place.domain))
            .unzip();
        // Elsewhere no zone is nearer than another.
        let here = indexes.iter().position(|index| *index == own);
        let parts = shares(&zones, here.unwrap_or(usize::MAX), most.zone, rules);
        for (index, part) in indexes.into_iter().zip(parts) {
            if let Some(all) = all.get_mut(index) {
                *all = share * part;
            }
        }
    }
    all
}

fn sum<'a>(domains: impl Iterator<Item = &'a Domain>) -> Domain {
    domains.fold(Domain::default(), |sum, one| Domain {
        in_rotation: sum.in_rotation + one.in_rotation,
        of: sum.of + one.of.max(one.in_rotation),
        traffic: sum.traffic + one.traffic,
    })
}

#[cfg(test)]
mod tests;
