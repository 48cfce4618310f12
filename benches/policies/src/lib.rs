//! Ninefold's policies beside their peers, each as its documentation advises.
//!
//! A [`Subject`] is one library's way to do one [`Case`]: what is shared by all callers is built
//! once, each thread gets its own handle to it (a clone of the service), and only calls are
//! measured. All of them call the same [`bare`] service, which is ready at once, and all are driven
//! by the same loop, which also checks that every call ended as the case says. The bare service in
//! that loop is a subject of each case.
//!
//! Three programs measure them: `measure` (time, by criterion, on 1, 2 and 4 threads),
//! `allocations`, and `instructions`, which is run by callgrind. They are apart, so that counting
//! allocations costs no time and criterion costs no instructions.
//! `cargo xtask bench policies` runs all of them and writes the tables.

pub mod bare;
pub mod cases;
mod drive;
mod ear;
mod filter;
mod subject;

pub use cases::Case;
pub use filter::Filter;
pub use subject::{Runner, Subject, Surface};
