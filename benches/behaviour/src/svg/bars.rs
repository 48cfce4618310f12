//! A figure for each subject, as bars from left to right.

use super::axis::tick_text;
use super::canvas::{Anchor, Canvas, WIDTH};
use super::{Axis, Mark};

/// Pixels from one bar to the next.
const STEP: f64 = 30.0;
const BAR: f64 = 18.0;
/// Pixels of a character of a name, and around the names.
const CHARACTER: f64 = 7.0;
const MARGIN: f64 = 36.0;
const RIGHT: f64 = 120.0;
const TOP: f64 = 56.0;

/// Bars.
#[derive(Clone, Debug)]
pub(crate) struct Bars {
    /// From left to right.
    pub(crate) x: Axis,
    /// From top to bottom.
    pub(crate) bars: Vec<Bar>,
    /// A value worth a line.
    pub(crate) mark: Option<Mark>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    /// Whose it is.
    pub(crate) name: String,
    /// Whether it is one of ours.
    pub(crate) ours: bool,
    /// How long it is; `None` goes to the end.
    pub(crate) value: Option<f64>,
    /// The value in words.
    pub(crate) label: String,
}

impl Bars {
    pub(super) fn draw(&self, title: &str) -> String {
        let bottom = TOP + STEP * self.bars.len() as f64;
        let longest = self.bars.iter().map(|bar| bar.name.chars().count()).max();
        let left = MARGIN + CHARACTER * longest.unwrap_or_default() as f64;
        let width = WIDTH - left - RIGHT;
        let mut canvas = Canvas::new(title, bottom + 62.0);
        for tick in self.x.ticks() {
            let x = left + width * self.x.place(tick);
            canvas.line("grid", (x, TOP - 6.0), (x, bottom));
            canvas.text(
                "small",
                (x, bottom + 18.0),
                Anchor::Middle,
                &tick_text(tick),
            );
        }
        for (index, bar) in self.bars.iter().enumerate() {
            let y = TOP + STEP * index as f64;
            let length = width * bar.value.map_or(1.0, |value| self.x.place(value));
            let class = if bar.ours { "ours" } else { "peer" };
            let middle = y + BAR / 2.0 + 4.5;
            canvas.text("", (left - 10.0, middle), Anchor::End, &bar.name);
            canvas.rect(class, (left, y), (length.max(1.0), BAR));
            canvas.text("", (left + length + 8.0, middle), Anchor::Start, &bar.label);
        }
        canvas.line("axis", (left, TOP - 6.0), (left, bottom));
        if let Some(mark) = self.mark {
            let x = left + width * self.x.place(mark.at);
            canvas.line("mark", (x, TOP - 6.0), (x, bottom));
            canvas.text("marked", (x, TOP - 10.0), Anchor::Middle, mark.text);
        }
        canvas.text(
            "small",
            (left + width / 2.0, bottom + 44.0),
            Anchor::Middle,
            self.x.label,
        );
        canvas.finish()
    }
}
