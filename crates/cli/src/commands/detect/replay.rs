//! `detect replay`.

use std::path::Path;
use std::time::Duration;

use ninefold_cluster::detector::Request;
use ninefold_cluster::qos::Since;
use ninefold_cluster::trace::Summary;

use super::measure::{Bench, Results};
use super::reader::{ReadError, read};
use super::{chart, json, model, table};
use crate::args::{DetectCommand, ReplayArgs, ReplayOutput};
use crate::exit::Exit;
use crate::print;

/// `detect`.
pub(in crate::commands) fn run(command: DetectCommand) -> Exit {
    match command {
        DetectCommand::Replay(args) => replay(&args),
        DetectCommand::Model(args) => model::run(&args),
    }
}

/// A trace, as it is shown.
#[derive(Debug)]
pub(super) struct Trace<'a> {
    pub(super) path: &'a Path,
    pub(super) summary: Summary,
    pub(super) interval: Duration,
    pub(super) since: Since,
}

fn replay(args: &ReplayArgs) -> Exit {
    match measure(args) {
        Ok((trace, results)) => {
            match args.output {
                ReplayOutput::Table => print::out(&table::render(&trace, &results)),
                ReplayOutput::Json => print::json(&json::document(&trace, &results)),
                ReplayOutput::Svg => print::out(&chart::draw(&trace, &results)),
            };
            Exit::Ok
        }
        Err(exit) => exit,
    }
}

fn measure(args: &ReplayArgs) -> Result<(Trace<'_>, Results), Exit> {
    let path = args.trace.as_path();
    let mut summary = Summary::default();
    read(path, |steps| {
        for step in steps {
            summary.add(step);
        }
    })
    .map_err(failed)?;
    let found = summary.interval().map_err(|error| {
        print::error(format!("{}: {error}", path.display()));
        Exit::No
    })?;
    let interval = args.interval.unwrap_or(found);
    if args.detection_time <= interval {
        let (time, interval) = (short(args.detection_time), short(interval));
        print::error(format!(
            "a detection time of {time} is not above the interval of {interval}: the next heartbeat is not due before; ask with --detection-time"
        ));
        return Err(Exit::Failed);
    }
    let since = match summary.delay() {
        Some(_) => Since::Sent,
        None => Since::Arrived,
    };
    let request = Request {
        detection_time: args.detection_time,
        mistake_recurrence: args.mistake_recurrence,
    };
    let curve = args.curve || args.output == ReplayOutput::Svg;
    let mut bench = Bench::new(interval, request, since, curve);
    let mut again = Summary::default();
    read(path, |steps| {
        for step in steps {
            again.add(step);
        }
        bench.steps(steps);
    })
    .map_err(failed)?;
    if again != summary {
        print::error(format!("{} changed while it was read", path.display()));
        return Err(Exit::Failed);
    }
    let trace = Trace {
        path,
        summary,
        interval,
        since,
    };
    Ok((trace, bench.finish()))
}

fn failed(error: ReadError) -> Exit {
    let exit = match error {
        ReadError::Row(..) | ReadError::TooMany(_) => Exit::No,
        ReadError::File(..) | ReadError::NoFile(_) => Exit::Failed,
    };
    print::error(error);
    exit
}

/// A duration for people.
pub(super) fn short(duration: Duration) -> String {
    ninefold_core::time::short(ninefold_core::time::nanos(duration))
}
