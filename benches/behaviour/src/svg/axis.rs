//! From values to pixels.

/// One axis: what it shows and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// What it shows, with the unit.
    pub(crate) label: &'static str,
    /// The least value on it; above zero if it is logarithmic.
    pub(crate) least: f64,
    /// The greatest.
    pub(crate) most: f64,
    /// Whether equal distances are equal factors.
    pub(crate) log: bool,
}

impl Axis {
    /// Where a value is between 0 and 1; beyond the ends it is at the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = if self.log {
            let value = value.max(self.least);
            (value / self.least).ln() / (self.most / self.least).ln()
        } else {
            (value - self.least) / (self.most - self.least)
        };
        place.clamp(0.0, 1.0)
    }

    /// Values that are labelled.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.log {
            return self.log_ticks();
        }
        let step = nice((self.most - self.least) / 6.0);
        let first = (self.least / step).ceil() as i64;
        let last = (self.most / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }

    /// Powers of ten; with fewer than three of them also twice and five times those.
    fn log_ticks(&self) -> Vec<f64> {
        let decades = (self.most / self.least).log10();
        let factors: &[f64] = if decades > 2.5 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let first = self.least.log10().floor() as i32;
        let last = self.most.log10().ceil() as i32;
        (first..=last)
            .flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)))
            .filter(|tick| (self.least * 0.999..=self.most * 1.001).contains(tick))
            .collect()
    }
}

/// The next larger of 1, 2, 5, 10, 20 and so on.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= step);
    factor.unwrap_or(10.0) * power
}

/// A tick in words: `0.5`, `20`, `10k`, `1M`.
pub(super) fn tick_text(value: f64) -> String {
    let (scaled, unit) = if value >= 1e6 {
        (value / 1e6, "M")
    } else if value >= 1e4 {
        (value / 1e3, "k")
    } else {
        (value, "")
    };
    let text = format!("{scaled:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let linear = Axis {
            label: "",
            least: 0.0,
            most: 130.0,
            log: false,
        };
        let texts =
            |axis: Axis| -> Vec<String> { axis.ticks().into_iter().map(tick_text).collect() };
        assert_eq!(texts(linear), ["0", "50", "100"]);
        let log = Axis {
            least: 0.5,
            most: 10.0,
            log: true,
            ..linear
        };
        assert_eq!(texts(log), ["0.5", "1", "2", "5", "10"]);
        let wide = Axis {
            least: 1.0,
            most: 1e6,
            log: true,
            ..linear
        };
        assert_eq!(texts(wide), ["1", "10", "100", "1000", "10k", "100k", "1M"]);
        assert!((log.place(0.5)).abs() < 1e-9 && (log.place(10.0) - 1.0).abs() < 1e-9);
    }
}
