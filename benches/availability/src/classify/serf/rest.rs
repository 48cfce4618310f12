//! What each of them costs at rest, and whom it accuses on a busy machine.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::cluster::NODES;
use super::super::network::{Counts, Sent};
use super::agents::now;
use super::subject::Subject;
use crate::problem::{Problem, While};
use crate::process::Process;

/// Ticks of a second in `/proc/PID/stat`, on every Linux.
const TICKS_HZ: f64 = 100.0;
/// Loops that want a core each, for each core.
const LOOPS: usize = 2;

/// CPU, memory and bytes of each over a while in which nothing happens.
pub(super) async fn at_rest(subjects: &[Subject], lasts: Duration) -> Result<Vec<Value>, Problem> {
    let mut of = Vec::new();
    for subject in subjects {
        of.push(subject.gossip().await?);
    }
    let before = ticks(subjects)?;
    let machine = Busy::now()?;
    let counts = Counts::start(&of)?;
    let began = Instant::now();
    sleep(lasts).await;
    let per_node = |value: f64| value / began.elapsed().as_secs_f64() / as_f64(NODES as u64);
    let mut sent = Vec::new();
    for (net, _) in &of {
        sent.push((
            counts.read(&format!("udp{net}"))?,
            counts.read(&format!("tcp{net}"))?,
        ));
    }
    let after = ticks(subjects)?;
    let busy = Busy::now()?.since(&machine);
    drop(counts);
    let mut rows = Vec::new();
    for (place, subject) in subjects.iter().enumerate() {
        let at = |of: &[u64]| of.get(place).copied().unwrap_or(0);
        let (udp, tcp) = sent.get(place).copied().unwrap_or_default();
        let rate = |sent: Sent| (per_node(as_f64(sent.packets)), per_node(as_f64(sent.bytes)));
        let cpu = as_f64(at(&after).saturating_sub(at(&before))) / TICKS_HZ;
        rows.push(json!({
            "row": "rest",
            "subject": subject.name(),
            "seconds": began.elapsed().as_secs(),
            "udp_packets_s": rate(udp).0,
            "udp_bytes_s": rate(udp).1,
            "tcp_bytes_s": rate(tcp).1,
            "cpu_pct": 100.0 * per_node(cpu),
            "rss_kib": memory_kib(subject)? / NODES as u64,
            "machine_busy_pct": busy,
        }));
    }
    Ok(rows)
}

/// Convictions while all cores are wanted by twice as many loops as there are.
pub(super) async fn busy(subjects: &[Subject], lasts: Duration) -> Result<Vec<Value>, Problem> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let words = ["sh", "-c", "while :; do :; done"].map(str::to_owned);
    let log = std::path::Path::new("/dev/null");
    let from = now();
    let loops = (0..cores * LOOPS).map(|_| Process::start(&words, log));
    let loops = loops.collect::<Result<Vec<_>, _>>()?;
    let machine = Busy::now()?;
    sleep(lasts).await;
    let busy = Busy::now()?.since(&machine);
    drop(loops);
    let all: Vec<usize> = (1..=NODES).collect();
    let mut rows = Vec::new();
    for subject in subjects {
        let said = subject.said(&all, from).await?;
        rows.push(json!({
            "row": "busy",
            "subject": subject.name(),
            "seconds": lasts.as_secs(),
            "loops": cores * LOOPS,
            "convictions": said.iter().filter(|one| one.down().is_some()).count(),
            "machine_busy_pct": busy,
        }));
    }
    Ok(rows)
}

/// CPU time of all nodes of each subject.
fn ticks(subjects: &[Subject]) -> Result<Vec<u64>, Problem> {
    let of = |subject: &Subject| {
        let of = |node| {
            let pid = subject.pid(node)?;
            let path = format!("/proc/{pid}/stat");
            let text = fs::read_to_string(&path).while_(&format!("read {path}"))?;
            used(&text).ok_or_else(|| format!("{path} is not as expected: {text}"))
        };
        (1..=NODES).map(of).sum::<Result<u64, Problem>>()
    };
    subjects.iter().map(of).collect()
}

/// User and system time of a process, from its `stat` (`proc(5)`). Its name may have blanks.
fn used(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Memory of all nodes of a subject.
fn memory_kib(subject: &Subject) -> Result<u64, Problem> {
    let of = |node| {
        let path = format!("/proc/{}/status", subject.pid(node)?);
        let text = fs::read_to_string(&path).while_(&format!("read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.ok_or_else(|| format!("{path} has no VmRSS"))
    };
    (1..=NODES).map(of).sum()
}

/// What all cores did since the start of the machine.
#[derive(Clone, Copy, Debug)]
struct Busy {
    idle: u64,
    all: u64,
}

impl Busy {
    fn now() -> Result<Self, Problem> {
        let text = fs::read_to_string("/proc/stat").while_("read /proc/stat")?;
        Self::of(&text).ok_or_else(|| "/proc/stat is not as expected".to_owned())
    }

    fn of(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> = fields
            .split_whitespace()
            .filter_map(|field| field.parse().ok())
            .collect();
        // The time of guests is in that of users.
        let all = fields.iter().take(8).sum();
        let idle = fields.get(3)? + fields.get(4)?;
        Some(Self { idle, all })
    }

    /// The share of the time in which cores had something to do.
    fn since(&self, before: &Self) -> f64 {
        let (all, idle) = (self.all - before.all, self.idle - before.idle);
        100.0 * (1.0 - as_f64(idle) / as_f64(all.max(1)))
    }
}

fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_process_and_of_the_machine_are_read() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 120 30 4 5 20 0 9 0 100";
        assert_eq!(used(stat), Some(150));
        let before = Busy::of("cpu  10 0 10 70 10 0 0 0 5 0\n").unwrap();
        let after = Busy::of("cpu  40 0 30 110 20 0 0 0 5 0\n").unwrap();
        assert!((after.since(&before) - 50.0).abs() < 1e-9);
    }
}
