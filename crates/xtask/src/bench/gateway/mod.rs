//! `cargo xtask bench gateway`: Ninefold beside HAProxy and nginx, in one run on one machine.
//!
//! The proxy under test has one data thread, pinned to the first core. The backend (nginx with
//! answers from memory) and the load (`wrk`, closed loop, kept connections) share the last core.
//! Rounds are interleaved, so that a slow moment of the machine falls on all. CPU is what the
//! kernel charged to the proxy's processes, over the requests that were answered.
//!
//! This compares proxies on this machine at this moment; it is no statement about another one.

mod case;
mod child;
mod cpu;
mod load;
mod options;
mod peer;
mod report;
mod run;
mod sample;
mod scene;
mod socket;
mod versions;

pub(crate) use run::run;
