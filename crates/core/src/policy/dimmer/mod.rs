//! Under load, answers without the extras rather than no answers.
//!
//! # What it is for
//!
//! A page without recommendations is a page; one that takes ten seconds is none. What an answer can
//! do without, and takes a good part of its time, is optional: recommendations, previews, exact
//! counts. The dimmer says for each request whether to do the optional part, and steers the share
//! that gets it so that response times stay at a target (Klein, Maggio, Årzén and
//! Hernández-Rodriguez, "Brownout: Building More Robust Cloud Applications", ICSE 2014).
//!
//! # When not to use it
//!
//! - Where nothing is optional, or the optional part costs little: dimming then gives nothing, and a
//!   [load shedder](super::shedder) must refuse.
//! - For what a caller was promised. The answer should say what was left out.
//!
//! # How it works
//!
//! Once a `period` a PI controller compares response times, their 95th percentile or their mean, with
//! `target`, and moves the share of requests that get the optional part. Its error is relative to
//! the target and at most 1 either way, so a single hang cannot throw it. In velocity form the
//! share itself is the integral, so at 0 % and 100 % there is nothing to wind up. The paper's
//! controller adapts its gain to an estimate of the service; with relative errors fixed gains have
//! served as well here, and are easier to reason about.
//!
//! Each request is drawn by itself, as in the paper: the share of users who get the full page is the
//! share of requests.
//!
//! # Knobs
//!
//! | knob | default | |
//! |---|---|---|
//! | `target` | `500ms` | the response time to keep. Well above that of an idle service with everything |
//! | `measure` | `{ quantile = "95%" }` | or `mean` |
//! | `period` | `500ms` | how often the share moves. Not shorter than `target`, or it steers by what it has not seen yet |
//! | `gains` | 0.2, 0.1 and 0 | reaction to a change of the error and to the error, a period |
//! | `min_share` | `0%` | of requests that always get the optional part |
//! | `min_samples` | 10 | answers without which a period goes on |
//!
//! # How it composes
//!
//! Innermost at a server, around the handler, which asks [`Dimmer::serve_optional`] once a request.
//! As an [`Admission`](super::Admission) it guards a call that is optional as a whole. Response times
//! come by [`Dimmer::observe`] and are those of whole requests, with the optional part or without.
//!
//! # What it emits
//!
//! `Rejected` with `dimmed` as an admission, and `Level` of `optional_share`, 0 to 1.
//!
//! # What it costs
//!
//! A decision is one atomic load, and an atomic addition while anything is dimmed. An observation is
//! two or three atomic additions. Less than 2 KiB.
//!
//! ```
//! use std::time::Duration;
//! use ninefold_core::policy::Dimmer;
//! use ninefold_core::time::Timestamp;
//!
//! let dimmer = Dimmer::default();
//! assert!(dimmer.serve_optional());
//! let mut now = Timestamp::from_secs(1);
//! for _ in 0..1_000 {
//!     dimmer.observe(Duration::from_secs(2), now);
//!     now = now + Duration::from_millis(10);
//! }
//! assert_eq!(dimmer.share(), 0.0);
//! assert!(!dimmer.serve_optional());
//! ```

mod config;
mod memento;
mod state;

pub use config::{DimmerConfig, Measure};
pub use memento::DimmerMemento;
pub use state::Dimmer;

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
