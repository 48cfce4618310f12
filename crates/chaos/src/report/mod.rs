//! What `verify` found, as a value and in four forms.

mod claim;
mod figures;
mod json;
mod junit;
mod markdown;
mod text;
mod trial;
mod whole;

pub use claim::ClaimReport;
pub use figures::{Percentiles, Readback, Requests};
pub(crate) use text::{in_words, share};
pub use trial::{Away, TrialReport};
pub use whole::Report;
