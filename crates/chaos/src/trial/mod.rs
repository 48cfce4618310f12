//! One trial of one claim: the life of an injected fault.

mod bench;
mod experiment;
mod expose;
mod judge;
mod nodes;
mod pace;
mod quiet;
mod run;
mod steps;
mod view;
mod watchdog;

pub(crate) use bench::Bench;
pub(crate) use experiment::Experiment;
pub(crate) use judge::{Seen, claim_verdict, judge, summary};
pub(crate) use nodes::process_of;
pub(crate) use pace::Pace;
pub(crate) use run::run;
pub(crate) use steps::fit;
pub(crate) use watchdog::Watchdog;
