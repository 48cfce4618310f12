//! Passive health: when live traffic takes an endpoint out of rotation.
