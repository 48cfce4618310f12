//! The breaker as its callers see it.

mod changes;
mod complaints;
mod model;
mod naive;
mod rig;
mod threads;
