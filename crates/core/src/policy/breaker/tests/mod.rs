//! The breaker as its callers see it.

mod changes;
mod complaints;
mod mementos;
mod model;
mod naive;
mod rig;
mod threads;
