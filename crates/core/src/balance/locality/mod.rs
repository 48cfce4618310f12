//! Traffic stays near: in the gateway's own zone, else in its region, else anywhere.
//!
//! Near endpoints answer sooner, cost no traffic between zones, and do not share the fate of
//! another zone. But a zone that has lost endpoints, that is small beside the others, or that has
//! more to do than it can, must give some of its traffic away. [`shares`] says how much by what is
//! in rotation, [`Drift`] by what is measured; [`place_shares`] does so for regions first, and then
//! for the zones of each; [`Spillover`] keeps what is measured of both.

mod drift;
mod shares;
mod spillover;

pub use drift::{Drift, DriftMemento, Reach};
pub use shares::{Domain, LocalityRules, NearMax, Place, drawn, place_shares, shares};
pub use spillover::Spillover;
