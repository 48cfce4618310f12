//! A course for each subject, as lines.

use super::axis::tick_text;
use super::canvas::{Anchor, Canvas, WIDTH};
use super::{Axis, Mark};

const LEFT: f64 = 74.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 56.0;
const HEIGHT: f64 = 320.0;
/// Pixels from one line of the legend to the next, and of its columns.
const LEGEND: f64 = 22.0;
const LEGEND_COLUMNS: usize = 2;

/// Dashes, so that lines can be told apart without colour.
const DASHES: [&str; 5] = ["none", "7 4", "2 3", "9 3 2 3", "4 3"];
/// Colours of ours and of the peers'.
const OURS: [&str; 4] = ["s0", "s1", "s2", "s3"];
const PEERS: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];

/// Lines.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// From left to right.
    pub(crate) x: Axis,
    /// From bottom to top.
    pub(crate) y: Axis,
    /// The lines.
    pub(crate) series: Vec<Series>,
    /// A stretch of the x axis that is special.
    pub(crate) band: Option<Band>,
    /// A value worth a line across.
    pub(crate) mark: Option<Mark>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Whose it is.
    pub(crate) name: String,
    /// Whether it is one of ours.
    pub(crate) ours: bool,
    /// From left to right.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A stretch of the x axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    /// Where it begins.
    pub(crate) from: f64,
    /// Where it ends.
    pub(crate) to: f64,
    /// What it is.
    pub(crate) text: &'static str,
}

impl Lines {
    pub(super) fn draw(&self, title: &str) -> String {
        let entries = self.series.len() + usize::from(self.mark.is_some());
        let rows = entries.div_ceil(LEGEND_COLUMNS) as f64;
        let mut canvas = Canvas::new(title, TOP + HEIGHT + 66.0 + LEGEND * rows);
        self.draw_ground(&mut canvas);
        let (mut ours, mut peers) = (0, 0);
        for (index, series) in self.series.iter().enumerate() {
            let (class, dash) = if series.ours {
                ours += 1;
                (OURS[(ours - 1) % OURS.len()], DASHES[(ours - 1) % 5])
            } else {
                peers += 1;
                (PEERS[(peers - 1) % PEERS.len()], DASHES[(peers - 1) % 5])
            };
            let points: Vec<(f64, f64)> = series
                .points
                .iter()
                .map(|(x, y)| (self.x_at(*x), self.y_at(*y)))
                .collect();
            canvas.path(class, dash, &points);
            let (x, y) = legend(index);
            canvas.path(class, dash, &[(x, y - 4.0), (x + 34.0, y - 4.0)]);
            canvas.text("", (x + 42.0, y), Anchor::Start, &series.name);
        }
        if let Some(mark) = self.mark {
            let (x, y) = legend(self.series.len());
            canvas.line("mark", (x, y - 4.0), (x + 34.0, y - 4.0));
            canvas.text("marked", (x + 42.0, y), Anchor::Start, mark.text);
        }
        canvas.finish()
    }

    fn draw_ground(&self, canvas: &mut Canvas) {
        let (right, bottom) = (WIDTH - RIGHT, TOP + HEIGHT);
        if let Some(band) = self.band {
            let (from, to) = (self.x_at(band.from), self.x_at(band.to));
            canvas.rect("band", (from, TOP), (to - from, HEIGHT));
            let middle = f64::midpoint(from, to);
            canvas.text("small", (middle, TOP - 6.0), Anchor::Middle, band.text);
        }
        for tick in self.y.ticks() {
            let y = self.y_at(tick);
            canvas.line("grid", (LEFT, y), (right, y));
            let text = tick_text(tick);
            canvas.text("small", (LEFT - 8.0, y + 4.0), Anchor::End, &text);
        }
        for tick in self.x.ticks() {
            let x = self.x_at(tick);
            canvas.line("axis", (x, bottom), (x, bottom + 5.0));
            let text = tick_text(tick);
            canvas.text("small", (x, bottom + 19.0), Anchor::Middle, &text);
        }
        canvas.line("axis", (LEFT, TOP), (LEFT, bottom));
        canvas.line("axis", (LEFT, bottom), (right, bottom));
        if let Some(mark) = self.mark {
            let y = self.y_at(mark.at);
            canvas.line("mark", (LEFT, y), (right, y));
        }
        let middle = f64::midpoint(LEFT, right);
        canvas.text(
            "small",
            (middle, bottom + 40.0),
            Anchor::Middle,
            self.x.label,
        );
        canvas.upright((20.0, f64::midpoint(TOP, bottom)), self.y.label);
    }

    fn x_at(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * self.x.place(value)
    }

    fn y_at(&self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - self.y.place(value))
    }
}

/// Where an entry of the legend is.
fn legend(index: usize) -> (f64, f64) {
    let column = (index % LEGEND_COLUMNS) as f64;
    let row = (index / LEGEND_COLUMNS) as f64;
    let width = (WIDTH - LEFT - RIGHT) / LEGEND_COLUMNS as f64;
    (LEFT + width * column, TOP + HEIGHT + 70.0 + LEGEND * row)
}
