//! Rows and rounds.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::time::Instant;

use crate::figures::{Figures, Taken};
use crate::load::{Plan, drive};
use crate::options::Options;
use crate::problem::{Problem, While};
use crate::row::Row;
use crate::script;
use crate::stage::Stage;
use crate::subject::Subject;

/// Runs all rows in all rounds. Each run is one line of JSON on the standard output.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    files_for_all()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.while_("start")?.block_on(async {
        for round in 1..=options.rounds {
            for row in &options.rows {
                eprintln!("── round {round} of {}, {}", options.rounds, row.name());
                // Side by side, so that they meet the same fault at the same moment; fewer where
                // the load takes what the machine can give.
                for group in options.subjects.chunks(row.together()) {
                    together(options, *row, round, group).await;
                }
            }
        }
    });
    Ok(())
}

/// As many open files as we may have: in overload each waiting request has a connection.
pub(crate) fn files_for_all() -> Result<(), Problem> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).while_("raise the limit of open files")
}

/// One row of some subjects at the same time.
async fn together(options: &Options, row: Row, round: u32, subjects: &[Subject]) {
    let mut starting = Vec::new();
    for subject in subjects {
        let folder = folder(options, row, *subject);
        let programs = options.programs.clone();
        let subject = *subject;
        starting.push(tokio::spawn(async move {
            (subject, Stage::start(subject, row, &programs, folder).await)
        }));
    }
    let mut stages = Vec::new();
    for started in starting {
        match started.await {
            Ok((_, Ok(stage))) if matches!(row, Row::Reload) && !stage.can_reload() => {
                say(
                    row,
                    round,
                    stage.subject(),
                    json!({ "skipped": "none yet" }),
                );
            }
            Ok((_, Ok(stage))) => stages.push(stage),
            Ok((subject, Err(why))) => problem(row, round, subject, &why),
            Err(why) => eprintln!("a start broke off: {why}"),
        }
    }
    let began = Instant::now() + Duration::from_millis(50);
    let running: Vec<_> = stages
        .into_iter()
        .map(|stage| tokio::spawn(one(stage, row, began)))
        .collect();
    for run in running {
        match run.await {
            Ok((subject, Ok(figures))) => {
                eprintln!(
                    "{:12} {:16} failed {:5} of {:5}, hurt {:5}",
                    row.name(),
                    subject.name(),
                    figures.failed,
                    figures.sent,
                    figures.hurt
                );
                say(row, round, subject, figures.to_json());
            }
            Ok((subject, Err(why))) => problem(row, round, subject, &why),
            Err(why) => eprintln!("a run broke off: {why}"),
        }
    }
}

/// One run: the load, the fault in it, and what came of it.
async fn one(mut stage: Stage, row: Row, began: Instant) -> (Subject, Result<Figures, Problem>) {
    let subject = stage.subject();
    let plan = Plan {
        address: stage.listen(),
        post: matches!(row, Row::PostKills),
        patience: row.patience(),
        ranked: row.overload().is_some(),
        phases: row.phases(),
    };
    let load = tokio::spawn(drive(plan, began));
    let played = script::play(&mut stage, row, began).await;
    let records = match load.await {
        Ok(records) => records,
        Err(why) => return (subject, Err(format!("the load broke off: {why}"))),
    };
    if let Err(why) = played.and_then(|()| stage.keep(&records)) {
        return (subject, Err(why));
    }
    if !stage.proxy_runs() {
        return (subject, Err("the proxy has ended".to_owned()));
    }
    let arrivals = since(began, stage.arrivals());
    (subject, Ok(Figures::new(row, &Taken { records, arrivals })))
}

/// The arrivals' times from the start of the load on.
fn since(
    began: Instant,
    mut arrivals: Vec<Vec<crate::backend::Arrival>>,
) -> Vec<Vec<crate::backend::Arrival>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let epoch = now.unwrap_or_default().saturating_sub(began.elapsed());
    for arrival in arrivals.iter_mut().flatten() {
        arrival.at = arrival.at.saturating_sub(epoch);
    }
    arrivals
}

fn folder(options: &Options, row: Row, subject: Subject) -> PathBuf {
    options.folder.join(row.name()).join(subject.name())
}

fn say(row: Row, round: u32, subject: Subject, what: serde_json::Value) {
    println!(
        "{}",
        json!({ "row": row.name(), "peer": subject.name(), "round": round, "figures": what })
    );
}

fn problem(row: Row, round: u32, subject: Subject, why: &str) {
    eprintln!("{:12} {:16} {why}", row.name(), subject.name());
    say(row, round, subject, json!({ "problem": why }));
}
