//! The run over all claims: options, progress, and the driver.

mod choose;
mod error;
mod options;
mod progress;
mod replay;
mod run;

pub use choose::check;
pub(crate) use choose::{Asked, chosen};
pub use error::VerifyError;
pub use options::{Traffic, VerifyOptions};
pub use progress::{Phase, Progress};
pub(crate) use replay::of as replay_of;
pub use run::{verify, verify_nodes};
