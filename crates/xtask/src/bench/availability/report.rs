//! Tables for people, one object for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::behind::behind;
use super::column::{self, Figures, spread};
use super::peer::Peer;
use super::row::Row;
use super::sample::{Outcome, Sample};
use crate::bench::machine;

/// What stands above the tables.
const HEAD: &str = "\
# The gateway and its peers under the same faults

Written by `cargo xtask bench availability --save`. Every figure is the median of all rounds, with the least and the
most where they differ. The load is an open loop: 300 requests/s for each proxy where the load is not the fault, over
replicas that take 5 to 15 ms; latency counts from the intended start, and is that of good answers. A client waits 3 s,
in overload 1 s. In overload three replicas of four slots answer 600 requests/s in all, 10 to 30 ms each; before and
after it there is half of that; one request in ten says `x-criticality: critical`, the others `sheddable`.

Each proxy has replicas and a load of its own, and starts anew in every row. As many as the machine can carry meet the
fault side by side at the same moment: all of them, five at twice and one at ten times what the replicas can answer.
Ninefold has the smallest file that names its endpoints. Its peers are *tuned* as their documentation advises, with
limits that know the replicas, and once more, as *default*, in the shape of their quickstart
(`benches/availability/src/subject`).

- **failed**: no answer below 400 in time, from the fault to 2.5 s after it. **hurt**: failed, or 3 times slower than
  the p99 before.
- **isolated**: from then on fewer than 5 % of the attempts in a second went to the bad replica; where it cannot tell,
  because it is dead or stopped, fewer than 5 % of requests were hurt. 0.00: callers never saw more than that.
- **back**: after the fault, when the replica has half its fair share of attempts again; *never*: not within 2.5 s.
- **goodput**: good answers given while the fault lasted, over what the replicas can do in that time.
- **given twice**: POSTs of which replicas were given more than one attempt.
";

/// All samples, and under which conditions they were taken.
#[derive(Clone, Debug)]
pub(super) struct Report {
    facts: Vec<(String, String)>,
    rounds: u32,
    runs: BTreeMap<(Row, Peer), Vec<Figures>>,
    without: BTreeMap<(Row, Peer), String>,
}

impl Report {
    pub(super) const fn new(facts: Vec<(String, String)>, rounds: u32) -> Self {
        Self {
            facts,
            rounds,
            runs: BTreeMap::new(),
            without: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, sample: Sample) {
        let key = (sample.row, sample.peer);
        match sample.outcome {
            Outcome::Figures(figures) => self.runs.entry(key).or_default().push(figures),
            Outcome::Without(why) => drop(self.without.insert(key, why)),
        }
    }

    fn runs(&self, row: Row, peer: Peer) -> &[Figures] {
        self.runs.get(&(row, peer)).map_or(&[], Vec::as_slice)
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let there = |row: &Row| {
            let mut keys = self.runs.keys().chain(self.without.keys());
            keys.any(|(other, _)| other == row)
        };
        Row::ALL.into_iter().filter(there)
    }

    /// Markdown that can also be read as it is.
    pub(super) fn to_markdown(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for (label, fact) in &self.facts {
            text.push_str(&format!("- {label}: {fact}\n"));
        }
        let late = self.driver_late_ms();
        text.push_str(&format!("- run: {} interleaved rounds; the load itself was late by {late:.1} ms (the highest p99 of a row)\n", self.rounds));
        self.losses(&mut text);
        for row in self.rows() {
            self.table(row, &mut text);
        }
        text
    }

    /// The highest of all medians: how much of a latency may be the bench's own.
    fn driver_late_ms(&self) -> f64 {
        let medians = self
            .runs
            .values()
            .map(|runs| spread(runs, "driver_late_p99_ms").median);
        medians.fold(0.0, f64::max)
    }

    fn losses(&self, text: &mut String) {
        text.push_str("\n## Where Ninefold is behind\n\n");
        let mut none = true;
        for row in self.rows() {
            let ours = self.runs(row, Peer::Ninefold);
            for peer in Peer::ALL.into_iter().filter(|peer| *peer != Peer::Ninefold) {
                let lost = behind(row, ours, self.runs(row, peer));
                if !lost.is_empty() {
                    none = false;
                    let (row, peer, lost) = (row.name(), peer.name(), lost.join("; "));
                    text.push_str(&format!("- {row}, {peer}: {lost}\n"));
                }
            }
            if let Some(why) = self.without.get(&(row, Peer::Ninefold)) {
                none = false;
                text.push_str(&format!("- {}: {why}\n", row.name()));
            }
        }
        if none {
            text.push_str("In nothing that was run.\n");
        }
        text.push_str(
            "\nLatencies are compared with peers that fail at most one percentage point more, and \
             have at most three points less goodput and three points more of critical requests failed.\n",
        );
    }

    fn table(&self, row: Row, text: &mut String) {
        let columns = column::of(row);
        text.push_str(&format!(
            "\n## {}: {}\n\n| proxy |",
            row.name(),
            row.about()
        ));
        for column in &columns {
            text.push_str(&format!(" {} |", column.title));
        }
        text.push_str(&format!("\n|---|{}\n", "---|".repeat(columns.len())));
        for peer in Peer::ALL {
            let runs = self.runs(row, peer);
            let cells: Vec<String> = match (runs, self.without.get(&(row, peer))) {
                ([], None) => continue,
                ([], Some(why)) => {
                    let mut cells = vec!["–".to_owned(); columns.len()];
                    if let Some(first) = cells.first_mut() {
                        why.replace('|', "/").clone_into(first);
                    }
                    cells
                }
                (runs, _) => columns.iter().map(|column| (column.cell)(runs)).collect(),
            };
            text.push_str(&format!("| {} | {} |\n", peer.name(), cells.join(" | ")));
        }
    }

    /// `{"machine": {…}, "rounds": N, "results": [{"row", "peer", "figures": {NAME: {min, median,
    /// max}}}]}`; instead of figures there may be a reason, `without`.
    pub(super) fn to_json(&self) -> Value {
        let machine = machine::json(&self.facts);
        let mut results: Vec<Value> = Vec::new();
        for ((row, peer), runs) in &self.runs {
            let names = runs.iter().flat_map(Figures::keys);
            let figures: serde_json::Map<String, Value> = names
                .map(|name| {
                    let s = spread(runs, name);
                    let figure = json!({ "min": s.min, "median": s.median, "max": s.max });
                    (name.clone(), figure)
                })
                .collect();
            results.push(json!({ "row": row.name(), "peer": peer.name(), "figures": figures }));
        }
        for ((row, peer), why) in &self.without {
            results.push(json!({ "row": row.name(), "peer": peer.name(), "without": why }));
        }
        json!({ "machine": machine, "rounds": self.rounds, "results": results })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::new(vec![("CPU".into(), "a fast one".into())], 1);
        for line in [
            r#"{"row":"gray","peer":"ninefold","figures":{"sent":100,"failed":2,"hurt":2,"p50_before_ms":10,"p50_during_ms":11,"p99_before_ms":20,"p99_during_ms":40,"p99_settled_ms":20,"isolated_s":1.5,"back_s":null,"driver_late_p99_ms":1.2}}"#,
            r#"{"row":"gray","peer":"envoy","figures":{"sent":100,"failed":0,"hurt":2,"p99_before_ms":20,"p99_during_ms":60}}"#,
            r#"{"row":"reload","peer":"ninefold","figures":{"skipped":"none yet"}}"#,
        ] {
            report.add(Sample::parse(line).unwrap());
        }
        report
    }

    #[test]
    fn tables_and_losses_are_shown() {
        let text = report().to_markdown();
        for line in [
            "- CPU: a fast one\n",
            "- gray, envoy: failed % 2.00 against 0.00\n",
            "- reload: none yet\n",
            "| ninefold | 100 | 2.00 | 2.00 | 10, 11 | 20 | 40 | 2.0 | 20 | 1.50 | never |\n",
            "| ninefold | none yet | – | – | – | – | – | – |\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn json_has_one_entry_a_row_and_peer() {
        let json = report().to_json();
        let results = json["results"].as_array().unwrap();
        assert_eq!(results.len(), 3);
        assert_eq!(results[0]["peer"], "ninefold");
        assert_eq!(results[0]["figures"]["isolated_s"]["median"], 1.5);
        assert_eq!(results[2]["without"], "none yet");
    }
}
