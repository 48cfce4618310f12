//! The endpoints of a service by place, where traffic stays near.

use ninefold_core::balance::{RoundRobin, drawn};
use ninefold_core::rng::Rng;

use super::Local;
use crate::fleet::Hub;
use ninefold_core::balance::Eligible;

/// Makes the lot of a key among places another one than its lot among endpoints.
const SALT: u64 = 0x7a6f_6e65_7469_6572;

/// Whom a draw is among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Among {
    /// All that may be taken.
    All,
    /// Those in a place.
    Place(usize),
    /// Those that are degraded, while others are not.
    Degraded,
    /// Those this far away and in no zone where the request was tried already.
    Away(usize),
}

/// Who may be taken in each place, and how much of the traffic each takes.
#[derive(Debug, Default)]
pub(super) struct Parts {
    shares: Vec<f64>,
    who: Vec<Vec<usize>>,
    turns: Vec<RoundRobin>,
    /// Of which state of the spill-over that was made.
    pub(super) spill: u64,
}

impl Parts {
    /// Those of a new view: turns go on.
    pub(super) fn renewed(old: Option<Box<Self>>) -> Box<Self> {
        Box::new(Self {
            turns: old.map(|old| old.turns).unwrap_or_default(),
            ..Self::default()
        })
    }

    /// Looks who takes how much.
    pub(super) fn look(&mut self, hub: &Hub, service: usize, locals: &[Local], now: &Eligible) {
        self.spill = hub.spill_version(service);
        let members = locals.iter().map(|local| &local.member);
        let Some(places) = hub.places(service, members, now) else {
            return;
        };
        self.shares = hub.place_shares(service, &places);
        self.turns.resize_with(places.len(), RoundRobin::default);
        self.who = vec![Vec::new(); places.len()];
        for index in &now.who {
            let place = locals.get(*index).map(|one| one.upstream.endpoint.place);
            if let Some(who) = place.and_then(|place| self.who.get_mut(place)) {
                who.push(*index);
            }
        }
    }

    /// The place that a request goes to; the same one for the same key.
    pub(super) fn draw(&self, key: Option<u64>, rng: &mut Rng) -> Option<usize> {
        // Nearly always all stays.
        if self.shares.first().is_some_and(|own| *own >= 1.0) {
            return Some(0);
        }
        let lot = match key {
            Some(key) => Rng::new(key ^ SALT).unit(),
            None => rng.unit(),
        };
        drawn(&self.shares, lot)
    }

    pub(super) fn who(&self, place: usize) -> &[usize] {
        self.who.get(place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn turns(&mut self, place: usize) -> Option<&mut RoundRobin> {
        self.turns.get_mut(place)
    }
}
