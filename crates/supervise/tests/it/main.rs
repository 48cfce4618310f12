//! Real processes under a real supervisor.

mod adoption;
mod file;
mod lifecycle;
mod output;
mod probes;
mod rig;
mod starts;
mod stopping;
