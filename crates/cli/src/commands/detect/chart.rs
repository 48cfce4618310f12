//! The curves as a drawing: detection time from left to right, mistakes an hour from bottom to top, both in
//! equal factors. A curve nearer to the lower left corner is better. A ring is a detector as it is shipped.

use ninefold_cluster::detector::Kind;
use ninefold_cluster::qos::Qos;

use super::canvas::{Anchor, Canvas};
use super::measure::Results;
use super::replay::{Trace, short};

const WIDTH: f64 = 820.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 66.0;
const HEIGHT: f64 = 380.0;
/// From the axis down to the names, and from one row of them to the next.
const LEGEND: f64 = 74.0;
const ROW: f64 = 22.0;
const COLUMNS: usize = 4;

/// Dashes, so that lines can be told apart without colour; ours is whole.
const DASHES: [&str; 8] = [
    "2 3", "7 4", "9 3 2 3", "12 4", "4 3", "1 4", "14 3 3 3", "none",
];

/// Draws the curves.
pub(super) fn draw(trace: &Trace<'_>, results: &Results) -> String {
    let frame = Frame::around(results);
    let rows = Kind::ALL.len().div_ceil(COLUMNS);
    let height = TOP + HEIGHT + LEGEND + ROW * float(rows);
    let name = trace.path.file_name().unwrap_or_default();
    let title = format!("Detection time against mistakes: {}", name.display());
    let mut canvas = Canvas::new(&title, WIDTH, height);
    let about = format!(
        "{} heartbeats in {}; rings: as shipped",
        trace.summary.heartbeats,
        short(trace.summary.span())
    );
    canvas.text("small", (20.0, 50.0), Anchor::Start, &about);
    frame.draw(&mut canvas);
    for (index, (kind, points)) in results.curve.iter().enumerate() {
        let class = format!("c{index}");
        let dash = DASHES.get(index).copied().unwrap_or("none");
        let points: Vec<&Qos> = points.iter().map(|point| &point.qos).collect();
        canvas.path(&class, dash, &frame.course(&points));
        let shipped = results
            .shipped
            .iter()
            .find(|shipped| shipped.setting.kind() == *kind);
        if let Some(at) = shipped.and_then(|shipped| frame.at(&shipped.qos)) {
            canvas.dot(&class, at);
        }
        let (x, y) = legend(index);
        canvas.path(&class, dash, &[(x, y - 4.0), (x + 34.0, y - 4.0)]);
        canvas.text("", (x + 42.0, y), Anchor::Start, kind.name());
    }
    canvas.finish()
}

/// Where the name of a curve stands.
fn legend(index: usize) -> (f64, f64) {
    let width = (WIDTH - LEFT - RIGHT) / float(COLUMNS);
    let (column, row) = (index % COLUMNS, index / COLUMNS);
    (
        LEFT + width * float(column),
        TOP + HEIGHT + LEGEND + ROW * float(row),
    )
}

/// What is to be seen: seconds, and mistakes an hour.
#[derive(Clone, Copy, Debug)]
struct Frame {
    least: f64,
    most: f64,
    /// Where no mistakes at all are drawn: below one in the whole trace.
    none: f64,
    worst: f64,
}

impl Frame {
    fn around(results: &Results) -> Self {
        let curves = results.curve.iter().flat_map(|(_, points)| points);
        let all = || results.shipped.iter().chain(curves.clone());
        let times = all().filter_map(|measured| seconds(&measured.qos));
        let (least, most) = times.fold((f64::MAX, 0.0f64), |(least, most), time| {
            (least.min(time), most.max(time))
        });
        let hours = all().map(|measured| measured.qos.observed.as_secs_f64() / 3_600.0);
        let one = 1.0 / hours.fold(1e-6, f64::max);
        let rates = all().map(|measured| measured.qos.mistakes_per_hour());
        let least = if least < most { least } else { most / 2.0 };
        Self {
            least: least.max(1e-6),
            most: most.max(2e-6),
            none: one / 3.0,
            worst: rates.fold(one * 10.0, f64::max),
        }
    }

    fn draw(&self, canvas: &mut Canvas) {
        let (right, bottom) = (WIDTH - RIGHT, TOP + HEIGHT);
        for tick in ticks(self.least, self.most) {
            let x = self.x(tick);
            canvas.line("grid", (x, TOP), (x, bottom));
            let text = label(tick);
            canvas.text("small", (x, bottom + 19.0), Anchor::Middle, &text);
        }
        for tick in ticks(self.none * 2.0, self.worst) {
            let y = self.y(tick);
            canvas.line("grid", (LEFT, y), (right, y));
            canvas.text("small", (LEFT - 8.0, y + 4.0), Anchor::End, &label(tick));
        }
        canvas.text("small", (LEFT - 8.0, bottom + 4.0), Anchor::End, "none");
        canvas.line("axis", (LEFT, TOP), (LEFT, bottom));
        canvas.line("axis", (LEFT, bottom), (right, bottom));
        let middle = f64::midpoint(LEFT, right);
        let text = "mean detection time T_D, seconds";
        canvas.text("small", (middle, bottom + 42.0), Anchor::Middle, text);
        canvas.upright((20.0, f64::midpoint(TOP, bottom)), "mistakes an hour");
    }

    /// A curve down to its first point without a mistake, in the order of detection times.
    fn course(&self, points: &[&Qos]) -> Vec<(f64, f64)> {
        let mut sorted: Vec<&&Qos> = points.iter().collect();
        sorted.sort_by(|a, b| {
            seconds(a)
                .unwrap_or(0.0)
                .total_cmp(&seconds(b).unwrap_or(0.0))
        });
        let last = sorted.iter().rposition(|qos| qos.count() > 0);
        let shown = last.map_or(1, |last| last + 2);
        let shown = sorted.iter().take(shown);
        shown.filter_map(|qos| self.at(qos)).collect()
    }

    fn at(&self, qos: &Qos) -> Option<(f64, f64)> {
        let rate = qos.mistakes_per_hour().max(self.none);
        Some((self.x(seconds(qos)?), self.y(rate)))
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * share(seconds, self.least, self.most)
    }

    fn y(&self, rate: f64) -> f64 {
        TOP + HEIGHT * (1.0 - share(rate, self.none, self.worst))
    }
}

fn seconds(qos: &Qos) -> Option<f64> {
    qos.detection.map(|times| times.mean.as_secs_f64())
}

/// How far a value is from the least to the most, in factors.
fn share(value: f64, least: f64, most: f64) -> f64 {
    ((value / least).ln() / (most / least).ln()).clamp(0.0, 1.0)
}

/// Powers of ten, and with few of them twice and five times those.
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let decades = (most / least).log10();
    let factors: &[f64] = if decades > 3.5 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let mut ticks = Vec::new();
    let mut power = 1e-9;
    while power <= most && power < 1e12 {
        let here = factors.iter().map(|factor| factor * power);
        ticks.extend(here.filter(|tick| (least..=most).contains(tick)));
        power *= 10.0;
    }
    ticks
}

/// A tick in words: `0.05`, `20`, `10k`.
fn label(value: f64) -> String {
    match value {
        v if v >= 9_999.0 => format!("{:.0}k", v / 1e3),
        v if v >= 0.999 => format!("{v:.0}"),
        v => {
            let text = format!("{v:.6}");
            text.trim_end_matches('0').to_owned()
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let texts =
            |least, most| -> Vec<String> { ticks(least, most).into_iter().map(label).collect() };
        assert_eq!(texts(0.09, 1.1), ["0.1", "0.2", "0.5", "1"]);
        assert_eq!(
            texts(0.02, 20_000.0),
            ["0.1", "1", "10", "100", "1000", "10k"]
        );
    }

    #[test]
    fn a_value_beyond_the_frame_is_at_its_edge() {
        let frame = Frame {
            least: 0.1,
            most: 10.0,
            none: 0.01,
            worst: 100.0,
        };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(frame.x(0.01), LEFT) && near(frame.x(10.0), WIDTH - RIGHT));
        assert!(near(frame.x(1.0), f64::midpoint(LEFT, WIDTH - RIGHT)));
        assert!(near(frame.y(1e9), TOP) && near(frame.y(0.01), TOP + HEIGHT));
    }
}
