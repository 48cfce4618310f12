//! The data plane.
mod guard;
pub mod strict;
