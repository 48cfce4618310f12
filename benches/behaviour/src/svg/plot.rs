//! What can be drawn.

use super::{Bars, Lines};

/// A picture.
#[derive(Clone, Debug)]
pub(crate) enum Plot {
    /// A figure for each subject.
    Bars(Bars),
    /// A course for each subject.
    Lines(Lines),
}

/// A value worth a line across.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Where.
    pub(crate) at: f64,
    /// What it is.
    pub(crate) text: &'static str,
}

impl Plot {
    /// The file.
    pub(crate) fn draw(&self, title: &str) -> String {
        match self {
            Self::Bars(bars) => bars.draw(title),
            Self::Lines(lines) => lines.draw(title),
        }
    }
}
