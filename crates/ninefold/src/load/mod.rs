//! Telling callers how much this server has to do.
//!
//! A balancer that only knows its own requests sends too many where others do the same. One that asks,
//! such as Ninefold's gateway with `balance = "prequal"`, needs somebody who answers: a [`LoadMeter`]
//! counts requests, and says in the header [`LOAD_HEADER`] how many are in flight and how long
//! requests took that found as many.
//!
//! ```
//! use ninefold::load::LoadMeter;
//!
//! let meter = LoadMeter::default();
//! let request = meter.begin();
//! assert_eq!(meter.report().in_flight, 1);
//! request.answered();
//! assert!(meter.report().to_string().starts_with("TEXT named_metrics.rif=0,"));
//! ```
//!
//! With the features `http` and `tower`, a layer does both: it counts, and answers one path by itself.
//!
//! ```
//! # #[cfg(all(feature = "http", feature = "tower"))] {
//! use ninefold::load::LoadMeter;
//! # struct Handler;
//! # use tower_layer::Layer as _;
//!
//! let meter = LoadMeter::default();
//! let service = meter.layer("/load").layer(Handler);
//! # }
//! ```
//!
//! When not to use it: where each caller is the only one, or calls are alike and short, its own view
//! is as good. It costs two atomic operations and a short lock a request.

#[cfg(all(feature = "http", feature = "tower"))]
mod future;
#[cfg(all(feature = "http", feature = "tower"))]
mod layer;
mod meter;
#[cfg(all(feature = "http", feature = "tower"))]
mod service;
#[cfg(all(test, feature = "http", feature = "tower"))]
mod tests;

pub use ninefold_core::balance::{LOAD_HEADER, LoadReport, NoLoadReport};

pub use self::meter::{LoadMeter, UnderWay};
#[cfg(all(feature = "http", feature = "tower"))]
pub use self::{future::ReportsLoadFuture, layer::LoadLayer, service::ReportsLoad};
