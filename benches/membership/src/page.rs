//! The report.

use std::fmt::Write;

use ninefold_core::time::short;
use ninefold_sim::measure::quantile;

use crate::options::Options;
use crate::peer::Peer;
use crate::run::{Figures, WATCHED, ZONES};
use crate::scenario::Scenario;

pub(crate) struct Page {
    text: String,
    seeds: u64,
}

const HEAD: &str = "\
| members | nodes | first knows: p50 / p99 | all know: p50 / p99 | known to all | healthy convicted | \
a million healthy node-seconds | convictions of healthy, by observer | view changes: mean / max | \
B/s: mean / p99 / max |
|---|---|---|---|---|---|---|---|---|---|
";

impl Page {
    pub(crate) fn new(options: &Options) -> Self {
        let mut page = Self {
            text: String::new(),
            seeds: options.seeds,
        };
        let nodes: Vec<String> = options.nodes.iter().map(u32::to_string).collect();
        page.add(format_args!(
            "# Membership\n\n\
             Made by `cargo xtask bench membership --nodes {nodes} --seeds {seeds} --save` at {revision}. All of it is simulated \
             (`crates/sim`): virtual time, {ZONES} zones, delays of 0.1 ms and more within a zone and 0.5 ms and more \
             between them, no loss but where it is said. Nodes know each other from the start; the fault comes \
             after 10 s and is watched for {watched}.\n\n\
             Only what healthy nodes say is counted, those that no fault touches. *First knows* and *all know* count \
             from the fault; *all* are all healthy nodes at one moment. *Known to all*: of those that were hit. \
             *View changes* are those of a healthy node. Bytes are those that a node sends in a second, with 28 \
             of IP and UDP for each packet.\n\n\
             - **SWIM + Lifeguard**: written from the two papers, with memberlist's settings for a LAN. Its messages are \
             smaller than memberlist's, which carry names and addresses, and full exchanges go in packets, both \
             to its advantage; there is no probe over TCP, which is not.\n\
             - **SWIM**: the same without local health and without suspicions that confirmations shorten.\n\
             - **foca 2.0**: the crate itself, with `Config::new_lan` and identities that renew themselves.\n\n\
             chitchat 0.13 is not among them: what handles its messages is private behind a tokio task, which reads \
             tokio's clock and is seeded by the system, so that no seed of ours would decide what happens.\n",
            revision = options.revision,
            nodes = nodes.join(","),
            seeds = options.seeds,
            watched = short(WATCHED),
        ));
        page
    }

    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a String takes all");
    }

    pub(crate) fn scenario(&mut self, scenario: Scenario) {
        let (name, story) = (scenario.name(), scenario.story());
        self.add(format_args!("\n## {name}\n\n{story}\n\n{HEAD}"));
    }

    pub(crate) fn row(&mut self, peer: Peer, nodes: u32, figures: &Figures) {
        let Figures {
            subjects,
            first,
            all,
            false_convictions,
            false_votes,
            healthy_seconds,
            view_changes,
            bytes,
        } = figures;
        let rate = *false_convictions as f64 * 1e6 / (*healthy_seconds).max(1) as f64;
        let changes: u64 = view_changes.iter().sum();
        let changes = changes as f64 / view_changes.len().max(1) as f64;
        let sum: u64 = bytes.iter().map(|bytes| u64::from(*bytes)).sum();
        let mean = sum / (bytes.len() as u64).max(1);
        let of_bytes = |share| quantile(bytes, share).unwrap_or_default();
        self.add(format_args!(
            "| {} | {nodes} | {} | {} | {} of {subjects} | {false_convictions} | {rate:.1} | {false_votes} | \
             {changes:.2} / {} | {mean} / {} / {} |\n",
            peer.name(),
            pair(first),
            pair(all),
            all.len(),
            view_changes.last().copied().unwrap_or_default(),
            of_bytes(0.99),
            of_bytes(1.0),
        ));
    }

    pub(crate) fn finish(mut self) -> String {
        let seeds = self.seeds;
        self.add(format_args!(
            "\nA p99 of fewer than 100 values is the greatest of them. Rates are over all {seeds} seeds together.\n"
        ));
        self.text
    }
}

/// Two quantiles of times, or a dash.
fn pair(times: &[u64]) -> String {
    match (quantile(times, 0.5), quantile(times, 0.99)) {
        (Some(median), Some(p99)) => format!("{} / {}", short(median), short(p99)),
        _ => "–".to_owned(),
    }
}
