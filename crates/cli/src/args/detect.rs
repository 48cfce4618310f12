//! `detect`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use ninefold_core::units::Span;

/// What to do with a trace.
#[derive(Debug, Subcommand)]
pub(crate) enum DetectCommand {
    /// Every detector on a trace of heartbeats: detection time, mistakes and their duration, accuracy.
    #[command(
        after_help = "A row of the trace is `seq,sent_us,arrived_us`, sent_us may be empty, or `arrived_us` alone, in whole microseconds and in the order of arrival; `stall,from_us,to_us` where the observer itself stood still.\n\nThe sender of a trace lived all the time, so every suspicion is a mistake. A detection time is what it would have taken had the sender crashed right after a heartbeat. Detectors without a default are given --detection-time.\n\nExamples:\n  ninefold detect replay trace.csv\n  ninefold detect replay trace.csv --detection-time 500ms --mistake-recurrence 1d\n  ninefold detect replay trace.csv --curve\n  ninefold detect replay trace.csv --output svg > curve.svg\n  ninefold detect replay trace.csv --output json | jq '.detectors[] | [.detector, .mistakes]'\n\nExit codes: 0 done, 1 the trace has an error, 2 it cannot be read, or nothing can be asked like that."
    )]
    Replay(ReplayArgs),
    /// Write a modelled trace: drawn from published or chosen figures, not recorded.
    #[command(
        after_help = "The same seed gives the same trace.\n\nExamples:\n  ninefold detect model wan > wan.csv\n  ninefold detect model cloud --seed 7 --count 864000 > day.csv\n\nExit codes: 0 done, 2 it cannot be written."
    )]
    Model(ModelArgs),
}

/// `detect replay`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ReplayArgs {
    /// The trace.
    pub(crate) trace: PathBuf,
    /// How to answer; svg draws the curve.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: ReplayOutput,
    /// Turn each detector's own knob: detection time against mistakes.
    #[arg(long)]
    pub(crate) curve: bool,
    /// The time between two heartbeats, which some detectors have to be told. Default: the trace's mean.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) interval: Option<Duration>,
    /// Suspect after so much silence at the latest (T_D).
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub(crate) detection_time: Duration,
    /// Be wrong at most every so often (T_MR).
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(crate) mistake_recurrence: Duration,
}

/// How the answer of a replay is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayOutput {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// A drawing of the curve.
    Svg,
}

/// `detect model`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ModelArgs {
    /// What lies between the two.
    #[arg(value_enum)]
    pub(crate) model: ModelArg,
    /// All that is drawn follows from it.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Heartbeats that arrive.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) count: u64,
}

/// The models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelArg {
    /// Two continents, with the figures that Hayashibara et al. published.
    Wan,
    /// A quiet switch.
    Lan,
    /// Virtual machines: rough episodes, pauses of the sender, stalls of the observer.
    Cloud,
}

/// A time above zero.
fn time(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    if span.0.is_zero() {
        return Err("it has to be above zero, as in `500ms`".to_owned());
    }
    Ok(span.0)
}
