//! The phases: nothing, reloads, upgrades.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::load::{Kind, Seen, drive};
use super::node::Node;
use crate::figures::percentile_ms;
use crate::problem::{Problem, While};

/// How long nothing happens, for comparison.
const QUIET: Duration = Duration::from_secs(10);
/// For connections to be made.
const WARM: Duration = Duration::from_secs(1);
/// The rest after a reload.
const AFTER_RELOAD: Duration = Duration::from_millis(25);
/// The rest after an upgrade, which may drain meanwhile.
const AFTER_UPGRADE: Duration = Duration::from_millis(250);
/// Reasons of failures that are told.
const REASONS: usize = 10;

/// `RELOADS UPGRADES RATE FOLDER PROGRAM`. Each phase is one line of JSON on the standard output.
pub(crate) fn run(words: &[String]) -> Result<(), Problem> {
    let [reloads, upgrades, rate, folder, program] = words else {
        return Err("usage: hand-overs RELOADS UPGRADES RATE FOLDER PROGRAM".to_owned());
    };
    let reloads: u32 = reloads.parse().while_("read the reloads")?;
    let upgrades: u32 = upgrades.parse().while_("read the upgrades")?;
    let rate_hz: f64 = rate.parse().while_("read the rate")?;
    let (folder, program) = (PathBuf::from(folder), PathBuf::from(program));
    crate::run::files_for_all()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.while_("start")?.block_on(async {
        let mut node = Node::start(&program, &folder).await?;
        for (what, times) in [("none", 0), ("reload", reloads), ("upgrade", upgrades)] {
            say(&phase(&mut node, what, times, rate_hz).await?);
        }
        Ok(())
    })
}

fn say(line: &Value) {
    println!("{line}");
}

/// A load, and hand-overs in it.
async fn phase(node: &mut Node, what: &str, times: u32, rate_hz: f64) -> Result<Value, Problem> {
    let end = Arc::new(AtomicBool::new(false));
    let loads = Kind::ALL.map(|kind| {
        let end = Arc::clone(&end);
        tokio::spawn(drive(kind, node.listen, rate_hz, end))
    });
    sleep(WARM).await;
    let mut each = Vec::new();
    let begun = Instant::now();
    if times == 0 {
        sleep(QUIET).await;
    }
    for number in 1..=times {
        let begun = Instant::now();
        let rest = if what == "reload" {
            node.reload().await?;
            AFTER_RELOAD
        } else {
            node.upgrade().await?;
            AFTER_UPGRADE
        };
        each.push(begun.elapsed());
        sleep(rest).await;
        if number.is_multiple_of(100) {
            eprintln!("{what} {number} of {times}");
        }
    }
    let lasted = begun.elapsed();
    // The last one drains under load too.
    sleep(WARM).await;
    end.store(true, Relaxed);
    let mut seen = Seen::default();
    for load in loads {
        seen = seen.and(load.await.while_("wait for the load")?);
    }
    let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
    for why in &seen.failures {
        *reasons.entry(why).or_default() += 1;
    }
    for (why, count) in reasons.into_iter().take(REASONS) {
        eprintln!("{what}: {count} times: {why}");
    }
    let max = |times: &[Duration]| times.iter().max().map(|max| max.as_secs_f64() * 1e3);
    Ok(json!({
        "hand_overs": what,
        "times": times,
        "seconds": lasted.as_secs_f64(),
        "sent": seen.late.len(),
        "failed": seen.failures.len(),
        "max_ms": max(&seen.took),
        "p50_ms": percentile_ms(seen.took.clone(), 50),
        "p99_ms": percentile_ms(seen.took, 99),
        "late_p99_ms": percentile_ms(seen.late, 99),
        "each_p50_ms": percentile_ms(each.clone(), 50),
        "each_max_ms": max(&each),
    }))
}
