//! `detect`: failure detectors on traces of heartbeats.

mod canvas;
mod chart;
mod json;
mod measure;
mod model;
mod reader;
mod replay;
mod table;

pub(super) use replay::run;
