//! `cargo xtask bench gateway`: Ninefold beside HAProxy, nginx, Envoy, Traefik and Pingora, in one run
//! on one machine.
//!
//! The proxy under test has one data thread, pinned to the first core. The backend (nginx with
//! answers from memory) and the load (`wrk`, `h2load`, closed loop, kept connections) share the last
//! core. Besides, the latency that a proxy adds is measured in an open loop at a low rate, and the
//! memory of connections that wait.
//! Rounds are interleaved, so that a slow moment of the machine falls on all. CPU is what the
//! kernel charged to the proxy's processes, over the requests that were answered.
//!
//! This compares proxies on this machine at this moment; it is no statement about another one.

mod case;
mod child;
mod configuration;
mod cpu;
mod envoy;
mod extra;
mod extras;
mod idle;
mod load;
mod options;
mod peer;
mod place;
mod programs;
mod report;
mod run;
mod sample;
mod scene;
mod socket;
mod steady;
mod traefik;
mod versions;

pub(crate) use run::run;
