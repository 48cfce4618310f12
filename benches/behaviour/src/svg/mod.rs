//! Plots as SVG, written by hand: readable on light and on dark, the same bytes for the same data.

mod axis;
mod bars;
mod canvas;
mod lines;
mod plot;

pub(crate) use axis::Axis;
pub(crate) use bars::{Bar, Bars};
pub(crate) use lines::{Band, Lines, Series};
pub(crate) use plot::{Mark, Plot};
