//! From the file to one launch: ports, placeholders, environment.

mod addresses;
mod env_file;
mod fill;
mod plan;
mod ports;

pub use addresses::Addresses;
pub(crate) use env_file::read as read_env_file;
pub(crate) use plan::{LaunchError, Plan};
pub(crate) use ports::Ports;
