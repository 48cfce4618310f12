//! One claim.

use std::time::Duration;

use ninefold_config::model::{Claim, Survive};

use super::{Percentiles, Requests, TrialReport};
use crate::Verdict;
use crate::trial::claim_verdict;

/// The answer to one claim, with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimReport {
    /// Its name.
    pub name: String,
    /// Its fault in words, as in `1 instance of catalog killed`.
    pub survive: String,
    /// The answer.
    pub verdict: Verdict,
    /// Why, with figures; empty if proven.
    pub reasons: Vec<String>,
    /// The declared share of requests that succeed, 0 to 1.
    pub declared_available: f64,
    /// The declared time to recover.
    pub declared_recover: Option<Duration>,
    /// The declared number of acknowledged writes that may be lost.
    pub declared_lose: Option<u64>,
    /// How many trials were asked for.
    pub asked: u32,
    /// The trials that ran.
    pub trials: Vec<TrialReport>,
    /// A command that runs the first trial that did not pass again, or all of them.
    pub replay: String,
}

impl ClaimReport {
    pub(crate) fn untested(claim: &Claim, asked: u32, reason: String, replay: String) -> Self {
        Self {
            name: claim.name.clone(),
            survive: in_words(claim),
            verdict: Verdict::Untested,
            reasons: vec![reason],
            declared_available: claim.available.as_f64(),
            declared_recover: claim.recover.map(|span| span.0),
            declared_lose: claim.lose,
            asked,
            trials: Vec::new(),
            replay,
        }
    }

    /// What the trials came to. `replay` makes the command for so many trials from a seed on: of the first one that did not
    /// pass, or of all.
    pub(crate) fn tried(
        claim: &Claim,
        (asked, seed): (u32, u64),
        trials: Vec<TrialReport>,
        replay: impl FnOnce(u32, u64) -> String,
    ) -> Self {
        let (verdict, reasons) = claim_verdict(&trials, asked);
        let bad = trials.iter().find(|trial| trial.verdict != Verdict::Proven);
        let (again, from) = bad.map_or((asked, seed), |trial| (1, trial.seed));
        Self {
            verdict,
            reasons,
            trials,
            ..Self::untested(claim, asked, String::new(), replay(again, from))
        }
    }

    /// Trials that passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        let passed = |trial: &&TrialReport| trial.verdict == Verdict::Proven;
        self.trials.iter().filter(passed).count()
    }

    /// Requests over all trials.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let each = self.trials.iter().map(|trial| trial.requests);
        each.fold(Requests::default(), Requests::plus)
    }

    /// Detection times over the trials.
    #[must_use]
    pub fn detect(&self) -> Option<Percentiles> {
        Percentiles::of(self.trials.iter().filter_map(|trial| trial.detect))
    }

    /// Recovery times over the trials that recovered.
    #[must_use]
    pub fn recover(&self) -> Option<Percentiles> {
        Percentiles::of(self.trials.iter().filter_map(|trial| trial.recover))
    }

    /// Of faults of nodes, over the trials: until the nodes were convicted, until they were out of the gateway, and
    /// how many requests failed after that.
    #[must_use]
    pub fn away(&self) -> (Option<Percentiles>, Option<Percentiles>, Option<u64>) {
        let each = self.trials.iter().map(|trial| trial.away);
        let convicted = Percentiles::of(each.clone().filter_map(|away| away.convicted));
        let isolated = Percentiles::of(each.clone().filter_map(|away| away.isolated));
        let failed = each.filter_map(|away| away.failed_after);
        (convicted, isolated, failed.reduce(u64::saturating_add))
    }

    /// The worst trial's percentiles of latency, in milliseconds: percentiles of different trials
    /// cannot be averaged.
    #[must_use]
    pub fn latency(&self) -> Option<Percentiles> {
        let of = |pick: fn(&crate::load::Latency) -> Duration| {
            let each = self
                .trials
                .iter()
                .filter_map(|trial| trial.latency.as_ref());
            each.map(pick).max().map(super::figures::millis)
        };
        Some(Percentiles {
            p50: of(|latency| latency.p50)?,
            p99: of(|latency| latency.p99)?,
        })
    }
}

fn in_words(claim: &Claim) -> String {
    let plural = |count: u32| if count == 1 { "" } else { "s" };
    match claim.survive {
        Survive::Instances(n) => format!("{n} instance{} of {} killed", plural(n), claim.service),
        Survive::Hang(n) => format!("{n} instance{} of {} stopped", plural(n), claim.service),
        Survive::Zones(n) => format!("{n} zone{} killed", plural(n)),
        Survive::Nodes(n) => format!("{n} node{} killed", plural(n)),
        Survive::Partition { nodes, one_way } => {
            let way = if one_way { ", one way" } else { "" };
            format!("{nodes} node{} cut off{way}", plural(nodes))
        }
        Survive::Gray(n) => format!("{n} instance{} of {} slow", plural(n), claim.service),
        Survive::Errors(n) => format!("{n} instance{} of {} failing", plural(n), claim.service),
        Survive::Resets(n) => format!(
            "{n} instance{} of {} breaking connections",
            plural(n),
            claim.service
        ),
        Survive::WrongAnswers(n) => format!(
            "{n} instance{} of {} answering wrongly",
            plural(n),
            claim.service
        ),
    }
}
