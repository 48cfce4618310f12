//! The run over all claims: options, progress, and the driver.

mod error;
mod options;
mod progress;
mod replay;
mod run;

pub use error::VerifyError;
pub use options::{Traffic, VerifyOptions};
pub use progress::{Phase, Progress};
pub use run::{check, verify};
