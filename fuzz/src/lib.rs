//! What the fuzz targets share: other readers of HTTP to compare with, and folders in memory.
//!
//! A target is one file in `targets`; it says what must hold for every input. `cargo xtask fuzz`
//! builds and runs them.

mod answer;
mod differ;
mod peer;
mod reference;
mod scan;
mod scratch;

pub use answer::answer;
pub use differ::differ;
pub use scratch::Scratch;
