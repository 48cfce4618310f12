//! One fault after the other, on all subjects at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::cluster::NODES;
use super::super::interrupt::unless_interrupted;
use super::super::network::Rules;
use super::agents::now;
use super::fault::{Fault, Lasts};
use super::figures::Injected;
use super::rest;
use super::subject::Subject;
use crate::problem::{Problem, While};

/// How long all of them may take until each sees all again.
const WELL_MAX: Duration = Duration::from_secs(180);
/// They stay well for so long before the next fault.
const WELL_FOR: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Between two pauses of the same node.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long it is looked at what they cost.
const REST: Duration = Duration::from_secs(60);
/// How long the machine is busy.
const BUSY: Duration = Duration::from_secs(120);

/// `ROUNDS FOLDER NINEFOLD SERF FAULT…`. Each row is one line of JSON on the standard output. Without faults, and as
/// faults, `rest` and `busy` are measured first.
pub(crate) fn run(words: &[String]) -> Result<(), Problem> {
    let [rounds, folder, ninefold, serf, rows @ ..] = words else {
        return Err("usage: serf ROUNDS FOLDER NINEFOLD SERF ROW…".to_owned());
    };
    let rounds: usize = rounds.parse().while_("read how many rounds")?;
    let faults = rows.iter().filter(|row| *row != "rest" && *row != "busy");
    let faults =
        faults.map(|row| Fault::named(row).ok_or_else(|| format!("`{row}` is none that is known")));
    let mut plan = Plan {
        rounds,
        faults: faults.collect::<Result<_, _>>()?,
        rest: rows.iter().any(|row| row == "rest"),
        busy: rows.iter().any(|row| row == "busy"),
    };
    if rows.is_empty() {
        plan = Plan {
            rounds,
            faults: Fault::ALL.into(),
            rest: true,
            busy: true,
        };
    }
    Rules::clean();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let paths = [folder, ninefold, serf].map(PathBuf::from);
    let [folder, ninefold, serf] = &paths;
    runtime
        .while_("start")?
        .block_on(unless_interrupted(all(&plan, folder, ninefold, serf)))
}

#[derive(Debug)]
struct Plan {
    rounds: usize,
    faults: Vec<Fault>,
    rest: bool,
    busy: bool,
}

async fn all(plan: &Plan, folder: &Path, ninefold: &Path, serf: &Path) -> Result<(), Problem> {
    let fresh = async || {
        let subjects = Subject::all(ninefold, serf, folder).await?;
        settle(&subjects).await?;
        Ok::<_, Problem>(subjects)
    };
    if plan.rest || plan.busy {
        let subjects = fresh().await?;
        if plan.rest {
            // What they do once at their beginning is over by then.
            sleep(Duration::from_secs(30)).await;
            say(rest::at_rest(&subjects, REST).await?);
        }
        if plan.busy {
            say(rest::busy(&subjects, BUSY).await?);
        }
    }
    for round in 0..plan.rounds {
        for (number, fault) in plan.faults.iter().enumerate() {
            // Nobody is to remember the fault before.
            let mut subjects = fresh().await?;
            // Node 1 is the other end of bad ways.
            let victim = 2 + (round + number) % (NODES - 1);
            say(one(&mut subjects, *fault, victim).await?);
        }
    }
    Ok(())
}

fn say(rows: Vec<Value>) {
    for row in rows {
        println!("{row}");
    }
}

/// Injects a fault, and sees what comes of it until all are well again.
async fn one(subjects: &mut [Subject], fault: Fault, victim: usize) -> Result<Vec<Value>, Problem> {
    if fault == Fault::PauseAgain {
        inject(subjects, Fault::NodePause, victim).await?;
        settle(subjects).await?;
        sleep(AGAIN_AFTER).await;
    }
    let injected = inject(subjects, fault, victim).await?;
    settle(subjects).await?;
    let all: Vec<usize> = (1..=NODES).collect();
    let mut rows = Vec::new();
    for (subject, injected) in subjects.iter().zip(&injected) {
        let said = subject.said(&all, injected.began).await?;
        rows.push(json!({
            "row": fault.name(),
            "subject": subject.name(),
            "victim": victim,
            "lasted_ms": super::figures::since_ms(injected.over, injected.began),
            "figures": injected.figures(&said),
        }));
    }
    Ok(rows)
}

/// Injects it, holds it, and ends it; as it was for each of them.
async fn inject(
    subjects: &mut [Subject],
    fault: Fault,
    victim: usize,
) -> Result<Vec<Injected>, Problem> {
    let mut injected = Vec::new();
    let touched = fault.touches(victim);
    let as_of = |began| Injected {
        began,
        over: began,
        touched: touched.clone(),
    };
    match fault {
        Fault::NodeKill | Fault::ZoneKill => {
            for subject in &mut *subjects {
                injected.push(as_of(now()));
                subject.kill(&touched)?;
            }
            hold(subjects, fault, &injected).await?;
            for (subject, one) in subjects.iter_mut().zip(&mut injected) {
                subject.revive(&touched)?;
                for node in &touched {
                    let began = subject.began(*node, one.began).await?;
                    one.over = one.over.max(began.unwrap_or_else(now));
                }
            }
        }
        Fault::NodePause | Fault::PauseAgain | Fault::NodeStop => {
            let mut stopped = Vec::new();
            for subject in &*subjects {
                injected.push(as_of(now()));
                stopped.push(Stopped::now(subject.pid(victim)?)?);
            }
            hold(subjects, fault, &injected).await?;
            drop(stopped);
            ended(&mut injected);
        }
        Fault::OneWay | Fault::LossyLink | Fault::Partition | Fault::DeafNode => {
            injected.extend(subjects.iter().map(|_| as_of(now())));
            let rules = bad_ways(subjects, fault, victim)?;
            hold(subjects, fault, &injected).await?;
            drop(rules);
            ended(&mut injected);
        }
    }
    Ok(injected)
}

fn ended(injected: &mut [Injected]) {
    let over = now();
    for one in injected {
        one.over = over;
    }
}

fn bad_ways(subjects: &[Subject], fault: Fault, victim: usize) -> Result<Rules, Problem> {
    let (ways, tenths) = fault.ways(victim);
    let users: Vec<usize> = subjects.iter().flat_map(Subject::users).collect();
    let mut matches = Vec::new();
    for subject in subjects {
        for (from, to) in &ways {
            for way in subject.way(*from, *to) {
                matches.push(if tenths < 10 {
                    format!("{way} numgen random mod 10 < {tenths}")
                } else {
                    way
                });
            }
        }
    }
    Rules::drop_what_of(&users, &matches)
}

/// Waits as long as the fault lasts.
async fn hold(subjects: &[Subject], fault: Fault, injected: &[Injected]) -> Result<(), Problem> {
    let lasts = match fault.lasts() {
        Lasts::For(time) => {
            sleep(time).await;
            return Ok(());
        }
        Lasts::UntilConvicted(time) => time,
    };
    let begun = Instant::now();
    // Those of serf are asked first: it costs nothing, and they are slower.
    for (subject, one) in subjects.iter().zip(injected).rev() {
        while begun.elapsed() < lasts {
            let said = subject.said(&one.healthy(), one.began).await?;
            if one.is_convicted(&said) {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

/// Waits until each sees all, and stays so.
async fn settle(subjects: &[Subject]) -> Result<(), Problem> {
    let begun = Instant::now();
    let mut well: Option<Instant> = None;
    while well.is_none_or(|since| since.elapsed() < WELL_FOR) {
        for subject in subjects.iter().rev() {
            if !subject.is_well().await {
                well = None;
                if begun.elapsed() > WELL_MAX {
                    return Err(format!("{} is not well after {WELL_MAX:?}", subject.name()));
                }
                break;
            }
            well = well.or_else(|| Some(Instant::now()));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// A process that is stopped as long as this lives.
#[derive(Debug)]
struct Stopped(i32);

impl Stopped {
    fn now(pid: i32) -> Result<Self, Problem> {
        super::super::cluster::signal(pid, Signal::STOP)?;
        Ok(Self(pid))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Err(why) = super::super::cluster::signal(self.0, Signal::CONT) {
            eprintln!("{why}");
        }
    }
}
