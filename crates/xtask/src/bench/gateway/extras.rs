//! The tables of the extra measurements.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::extra::Measured;
use super::peer::Peer;
use super::steady::RATE_HZ;
use crate::bench::spread::Spread;

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras(BTreeMap<Peer, Vec<Measured>>);

/// One column: a figure of those measurements that have it.
type Figure = fn(&Measured) -> Option<f64>;

const ADDED_P50: Figure = |measured| match measured {
    Measured::Steady { added_p50_us, .. } => Some(*added_p50_us),
    Measured::Idle { .. } => None,
};
const ADDED_P99: Figure = |measured| match measured {
    Measured::Steady { added_p99_us, .. } => Some(*added_p99_us),
    Measured::Idle { .. } => None,
};
const CPU: Figure = |measured| match measured {
    Measured::Steady { cpu_us, .. } => Some(*cpu_us),
    Measured::Idle { .. } => None,
};
const KIB: Figure = |measured| match measured {
    Measured::Idle { kib_per_connection } => Some(*kib_per_connection),
    Measured::Steady { .. } => None,
};

impl Extras {
    pub(super) fn add(&mut self, peer: Peer, measured: Measured) {
        self.0.entry(peer).or_default().push(measured);
    }

    fn spread(&self, peer: Peer, figure: Figure) -> Option<Spread> {
        let values: Vec<f64> = self.0.get(&peer)?.iter().filter_map(figure).collect();
        (!values.is_empty()).then(|| Spread::new(values))
    }

    pub(super) fn to_markdown(&self, text: &mut String) {
        if self.0.keys().any(|peer| self.spread(*peer, CPU).is_some()) {
            text.push_str(&format!(
                "\n## steady: GET, 100 B answer, {RATE_HZ} requests/s in an open loop\n\n\
                 Latency beyond that of the backend alone, from the intended start.\n\n\
                 | proxy | added p50 µs | added p99 µs | CPU µs/request |\n|---|---|---|---|\n"
            ));
            self.lines(&[ADDED_P50, ADDED_P99, CPU], 0, text);
        }
        if self.0.keys().any(|peer| self.spread(*peer, KIB).is_some()) {
            text.push_str(
                "\n## idle: connections that wait after an answer\n\n\
                 Resident memory, without what the kernel holds.\n\n\
                 | proxy | KiB/connection |\n|---|---|\n",
            );
            self.lines(&[KIB], 1, text);
        }
    }

    fn lines(&self, figures: &[Figure], digits: usize, text: &mut String) {
        for peer in self.0.keys() {
            let cells = figures.iter().filter_map(|figure| {
                let Spread { min, median, max } = self.spread(*peer, *figure)?;
                Some(format!(
                    " {median:.digits$} ({min:.digits$}–{max:.digits$}) |"
                ))
            });
            let cells: String = cells.collect();
            if !cells.is_empty() {
                text.push_str(&format!("| {} |{cells}\n", peer.name()));
            }
        }
    }

    /// `[{"peer", "added_p50_us", "added_p99_us", "cpu_us_per_request", "kib_per_idle_connection"}]`.
    pub(super) fn to_json(&self) -> Value {
        let of = |peer: Peer, figure| {
            let spread = self.spread(peer, figure);
            spread.map(|s| json!({ "min": s.min, "median": s.median, "max": s.max }))
        };
        let results = self.0.keys().map(|peer| {
            json!({
                "peer": peer.name(),
                "added_p50_us": of(*peer, ADDED_P50),
                "added_p99_us": of(*peer, ADDED_P99),
                "cpu_us_per_request": of(*peer, CPU),
                "kib_per_idle_connection": of(*peer, KIB),
            })
        });
        results.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measurement_has_its_table() {
        let mut extras = Extras::default();
        let mut text = String::new();
        extras.to_markdown(&mut text);
        assert_eq!(text, "");
        for kib_per_connection in [1.0, 3.0, 2.0] {
            extras.add(Peer::Nginx, Measured::Idle { kib_per_connection });
        }
        extras.add(
            Peer::Ninefold,
            Measured::Steady {
                added_p50_us: 90.0,
                added_p99_us: 250.0,
                cpu_us: 30.0,
            },
        );
        extras.to_markdown(&mut text);
        assert!(text.contains("| nginx | 2.0 (1.0–3.0) |\n"), "{text}");
        assert!(text.contains("| ninefold | 90 (90–90) | 250 (250–250) | 30 (30–30) |\n"));
        assert_eq!(extras.to_json()[1]["added_p50_us"], Value::Null);
        assert_eq!(extras.to_json()[0]["added_p50_us"]["median"], 90.0);
    }
}
