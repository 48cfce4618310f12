//! Tables for people, one object for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::case::Case;
use super::extra::Measured;
use super::extras::Extras;
use super::options::Options;
use super::peer::Peer;
use super::sample::Sample;
use crate::bench::machine;
use crate::bench::spread::Spread;

/// The proxy that the others are held against.
const REFERENCE: Peer = Peer::Haproxy;

/// All samples, and under which conditions they were taken.
#[derive(Clone, Debug)]
pub(super) struct Report {
    facts: Vec<(String, String)>,
    conditions: String,
    samples: BTreeMap<(Case, Peer), Vec<Sample>>,
    extras: Extras,
}

impl Report {
    pub(super) fn new(options: &Options, facts: Vec<(String, String)>) -> Self {
        let Options {
            rounds,
            seconds,
            connections,
            ..
        } = options;
        Self {
            facts,
            conditions: format!(
                "{rounds} interleaved rounds of {seconds} s; {connections} connections, each with its next request as soon as the last is answered"
            ),
            samples: BTreeMap::new(),
            extras: Extras::default(),
        }
    }

    pub(super) fn add(&mut self, case: Case, peer: Peer, sample: Sample) {
        self.samples.entry((case, peer)).or_default().push(sample);
    }

    pub(super) fn add_extra(&mut self, peer: Peer, measured: Measured) {
        self.extras.add(peer, measured);
    }

    fn of(&self, case: Case) -> impl Iterator<Item = (Peer, &[Sample])> {
        let of_case = self.samples.iter().filter(move |((c, _), _)| *c == case);
        of_case.map(|((_, peer), samples)| (*peer, samples.as_slice()))
    }

    /// How often the reference's this figure is, round by round: a machine that is slower for a while is
    /// so for both of a round.
    fn times(&self, case: Case, samples: &[Sample], figure: fn(&Sample) -> f64) -> Option<Spread> {
        let reference = self.samples.get(&(case, REFERENCE))?;
        let rounds = samples.iter().zip(reference);
        let times: Vec<f64> = rounds
            .map(|(sample, reference)| figure(sample) / figure(reference))
            .filter(|times| times.is_finite())
            .collect();
        (!times.is_empty()).then(|| Spread::new(times))
    }

    /// Markdown that can also be read as it is.
    pub(super) fn to_markdown(&self) -> String {
        let mut text = String::from("# The gateway beside its peers\n\n");
        text.push_str(
            "Written by `cargo xtask bench gateway --save`. CPU is user and system time of the \
             proxy's processes over\nanswered requests; the median of all rounds, and the least and \
             the most of them. Ratios are taken round by round.\nLatency is under full load.\n\n",
        );
        for (label, fact) in &self.facts {
            line(&mut text, format_args!("- {label}: {fact}"));
        }
        line(&mut text, format_args!("- run: {}", self.conditions));
        for case in Case::ALL {
            if self.of(case).next().is_some() {
                self.table(case, &mut text);
            }
        }
        self.extras.to_markdown(&mut text);
        text
    }

    fn table(&self, case: Case, text: &mut String) {
        let reference = REFERENCE.name();
        line(
            text,
            format_args!("\n## {}: {}\n", case.name(), case.about()),
        );
        line(
            text,
            format_args!(
                "| proxy | CPU µs/request | × {reference} | requests/s | × {reference} | p50 ms | p99 ms | errors |"
            ),
        );
        line(text, format_args!("|---|---|---|---|---|---|---|---|"));
        for (peer, samples) in self.of(case) {
            let cpu = Spread::of(samples, |s| s.cpu_us);
            let rate = Spread::of(samples, |s| s.rate);
            let times = |figure| match self.times(case, samples, figure) {
                Some(Spread { min, median, max }) if peer != REFERENCE => {
                    format!("{median:.2} ({min:.2}–{max:.2})")
                }
                Some(_) => "1".to_owned(),
                None => "–".to_owned(),
            };
            line(
                text,
                format_args!(
                    "| {} | {:.1} ({:.1}–{:.1}) | {} | {:.0} ({:.0}–{:.0}) | {} | {:.2} | {:.2} | {} |",
                    peer.name(),
                    cpu.median,
                    cpu.min,
                    cpu.max,
                    times(|s| s.cpu_us),
                    rate.median,
                    rate.min,
                    rate.max,
                    times(|s| s.rate),
                    Spread::of(samples, |s| s.p50_us).median / 1e3,
                    Spread::of(samples, |s| s.p99_us).median / 1e3,
                    errors(samples),
                ),
            );
        }
    }

    /// `{"machine": {…}, "run": "…", "results": [{"case", "peer", "cpu_us", "rate", …}]}`.
    pub(super) fn to_json(&self) -> Value {
        let spread = |samples: &[Sample], figure| {
            let spread = Spread::of(samples, figure);
            json!({ "min": spread.min, "median": spread.median, "max": spread.max })
        };
        let results: Vec<Value> = self
            .samples
            .iter()
            .map(|((case, peer), samples)| {
                let cpu: fn(&Sample) -> f64 = |s| s.cpu_us;
                let ratio = self.times(*case, samples, cpu).map(|times| times.median);
                json!({
                    "case": case.name(),
                    "peer": peer.name(),
                    "cpu_us_per_request": spread(samples, cpu),
                    "cpu_ratio": ratio,
                    "requests_per_second": spread(samples, |s| s.rate),
                    "p50_us": spread(samples, |s| s.p50_us),
                    "p99_us": spread(samples, |s| s.p99_us),
                    "errors": errors(samples),
                })
            })
            .collect();
        let machine = machine::json(&self.facts);
        json!({
            "machine": machine,
            "run": self.conditions,
            "reference": REFERENCE.name(),
            "results": results,
            "extras": self.extras.to_json(),
        })
    }
}

fn errors(samples: &[Sample]) -> u64 {
    samples.iter().map(|sample| sample.errors).sum()
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.push_str(&arguments.to_string());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(cpu_us: f64, rate: f64) -> Sample {
        Sample {
            cpu_us,
            rate,
            p50_us: 1_000.0,
            p99_us: 2_500.0,
            errors: 1,
        }
    }

    fn report() -> Report {
        let mut report = Report::new(
            &Options::default(),
            vec![("CPU".into(), "a fast one".into())],
        );
        for cpu in [20.0, 22.0, 30.0] {
            report.add(Case::Small, Peer::Haproxy, sample(cpu, 40_000.0));
        }
        for cpu in [10.0, 11.0, 12.0] {
            report.add(Case::Small, Peer::Ninefold, sample(cpu, 60_000.0));
        }
        report.add(Case::Post, Peer::Ninefold, sample(11.0, 60_000.0));
        report
    }

    #[test]
    fn tables_show_medians_and_ratios() {
        let text = report().to_markdown();
        assert!(text.contains("- CPU: a fast one\n"), "{text}");
        let rows: Vec<&str> = text
            .lines()
            .filter(|l| l.contains("| ninefold |") || l.contains("| haproxy |"))
            .collect();
        assert_eq!(
            rows,
            [
                "| ninefold | 11.0 (10.0–12.0) | 0.50 (0.40–0.50) | 60000 (60000–60000) | 1.50 (1.50–1.50) | 1.00 | 2.50 | 3 |",
                "| haproxy | 22.0 (20.0–30.0) | 1 | 40000 (40000–40000) | 1 | 1.00 | 2.50 | 3 |",
                "| ninefold | 11.0 (11.0–11.0) | – | 60000 (60000–60000) | – | 1.00 | 2.50 | 1 |",
            ]
        );
    }

    #[test]
    fn json_has_one_entry_a_case_and_peer() {
        let json = report().to_json();
        let results = json["results"].as_array().unwrap();
        assert_eq!(results.len(), 3);
        assert_eq!(results[0]["peer"], "ninefold");
        assert_eq!(results[0]["cpu_ratio"], 0.5);
        assert_eq!(results[1]["cpu_us_per_request"]["median"], 22.0);
        assert_eq!(results[2]["cpu_ratio"], Value::Null);
    }
}
