//! Endpoints that come and go: those of a name, or of a watched file.
//!
//! Each endpoint has a driver of its own, as if it were written in the file of the cluster. What is
//! here finds out who there is, lets drivers begin, and takes out who left: it gets no new requests,
//! and is there until nothing of it is under way.

mod driver;
mod kept;
mod lookup;
mod names;

pub(crate) use driver::SourceDriver;
