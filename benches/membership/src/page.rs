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
}

const HEAD: &str = "\
| members | nodes × seeds | first knows: p50 / max | all know: p50 / p99 / max | known to all | \
back: p50 / max | healthy convicted (a million healthy node-seconds) | by so many observers | \
healthy convicted by those hit | view changes: mean / max | B/s: mean / p99 / max |
|---|---|---|---|---|---|---|---|---|---|---|
";

impl Page {
    pub(crate) fn new(options: &Options) -> Self {
        let mut page = Self {
            text: String::new(),
        };
        let nodes: Vec<String> = options.nodes.iter().map(u32::to_string).collect();
        page.add(format_args!(
            "# Membership\n\n\
             Made by `cargo xtask bench membership --nodes {nodes} --seeds {seeds} --save` at {revision}. All of it is simulated \
             (`crates/sim`): virtual time, {ZONES} zones, delays of 0.1 ms and more within a zone and 0.5 ms and more \
             between them, no loss but where it is said. Nodes know each other from the start; the fault comes \
             after 10 s and is watched for {watched}.\n\n\
             Only what healthy nodes say is counted, those that no fault touches, but for the column that says \
             otherwise. *First knows* and *all know* count from the fault; *all* are all healthy nodes at one moment. \
             *Known to all*: of those that were hit, in all seeds together. *Back* counts from the fault until the last \
             healthy node has taken back who is held for down by nobody in the end. *View changes* are those of a \
             healthy node. Bytes are those that a node sends in a second, with 28 of IP and UDP for each packet, and \
             with no seal. Where many members change there is no row of 10,000 nodes, and where they do again and again for \
             long none of 1,000: that takes more memory and time than one machine has. Of 10,000 only Ninefold is \
             simulated.\n\n\
             - **Ninefold**: the core that runs in production (`ninefold_cluster::membership`) with its defaults, its \
             packets as they leave it. Most of its packets carry an id of 8 B and the hash of the cluster's name, \
             which the others do without.\n\
             - **SWIM + Lifeguard**: written from the two papers, with memberlist's settings for a LAN. Its messages are \
             smaller than memberlist's, which carry names and addresses, and full exchanges go in packets, both \
             to its advantage; there is no probe over TCP, which is not.\n\
             - **SWIM**: the same without local health and without suspicions that confirmations shorten.\n\
             - **foca 2.0**: the crate itself, with `Config::new_lan` and identities that renew themselves.\n\
             - **Equal bytes**: the same three with probes 11 times as often, and with what follows from that (answers and \
             suspicions are waited for an eleventh as long), so that they send about as much as Ninefold where nothing \
             happens.\n\
             - **chitchat 0.13**: the crate itself, its task on a tokio runtime whose clock is the simulator's, with packets as \
             it writes them (compressed digests), rounds of 1 s and its own defaults otherwise. It knows three seeds at the \
             start. Whom it asks is drawn from numbers of the system: its rows are repeated, not replayed.\n",
            revision = options.revision,
            nodes = nodes.join(","),
            seeds = options.shown_seeds(),
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
            seeds,
            subjects,
            first,
            all,
            back,
            false_convictions,
            false_votes,
            counter_votes,
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
            "| {} | {nodes} × {seeds} | {} | {} | {} of {subjects} | {} | {false_convictions} ({rate:.1}) | \
             {false_votes} | {counter_votes} | {changes:.2} / {} | {mean} / {} / {} |\n",
            peer.name(),
            times(first, &[0.5, 1.0]),
            times(all, &[0.5, 0.99, 1.0]),
            all.len(),
            times(back, &[0.5, 1.0]),
            view_changes.last().copied().unwrap_or_default(),
            of_bytes(0.99),
            of_bytes(1.0),
        ));
    }

    pub(crate) fn finish(mut self) -> String {
        self.add(format_args!(
            "\nA p99 of fewer than 100 values is the greatest of them. All figures are over all seeds of a row together.\n"
        ));
        self.text
    }
}

/// Quantiles of times, or a dash.
fn times(times: &[u64], shares: &[f64]) -> String {
    let of = |share: &f64| quantile(times, *share).map(short);
    let shown: Option<Vec<String>> = shares.iter().map(of).collect();
    shown.map_or_else(|| "–".to_owned(), |shown| shown.join(" / "))
}
