//! One injection after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{HOST, HeaderValue};
use rustix::process::Signal;
use serde_json::json;
use tokio::time::{Instant, interval, sleep, timeout};

use super::cluster::{Cluster, NODES, Replica, signal};
use super::interrupt::unless_interrupted;
use super::journal::{Opinion, newest, opinions, verdict};
use super::kind::Kind;
use super::network::Rules;
use crate::load::{Client, Reuse};
use crate::problem::{Problem, While};

/// Requests a second through each node's gateway.
const RATE_HZ: u32 = 100;
/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a fault of the network or of a replica's answers lasts.
const LASTS: Duration = Duration::from_secs(8);
/// How long a process is stopped, or a node cut off.
const HELD: Duration = Duration::from_secs(3);
/// A replica's answers are judged by many.
const ANSWERS_LAST: Duration = Duration::from_secs(12);
/// How long a verdict is waited for after the fault is over.
const AFTER: Duration = Duration::from_secs(6);
/// One that was convicted twice in a minute is let in again after half of one.
const RETURNS: Duration = Duration::from_secs(45);

/// `EACH FOLDER PROGRAM KIND…`. Each injection is one line of JSON on the standard output.
pub(crate) fn run(words: &[String]) -> Result<(), Problem> {
    let [each, folder, program, kinds @ ..] = words else {
        return Err("usage: classify EACH FOLDER PROGRAM KIND…".to_owned());
    };
    let each: usize = each.parse().while_("read how many")?;
    let kinds = kinds
        .iter()
        .map(|name| Kind::named(name).ok_or_else(|| format!("`{name}` is no kind of failure")));
    let mut kinds = kinds.collect::<Result<Vec<_>, _>>()?;
    if kinds.is_empty() {
        kinds = Kind::ALL.to_vec();
    }
    let (folder, program) = (PathBuf::from(folder), PathBuf::from(program));
    crate::run::files_for_all()?;
    Rules::clean();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .while_("start")?
        .block_on(unless_interrupted(all(each, &kinds, &program, &folder)))
}

async fn all(each: usize, kinds: &[Kind], program: &Path, folder: &Path) -> Result<(), Problem> {
    let cluster = Cluster::start(program, folder).await?;
    let end = Arc::new(AtomicBool::new(false));
    let loads = (1..=NODES).map(|node| {
        let client = Client::new(cluster.gateway(node), Reuse::Newest);
        tokio::spawn(load(Arc::new(client), Arc::clone(&end)))
    });
    let loads: Vec<_> = loads.collect();
    sleep(Duration::from_secs(6)).await;
    for round in 0..each {
        for kind in kinds {
            one(&cluster, *kind, round).await?;
        }
    }
    end.store(true, Relaxed);
    for load in loads {
        load.await.while_("wait for the load")?;
    }
    Ok(())
}

/// Keeps a gateway busy, so that there are callers who meet what fails.
async fn load(client: Arc<Client>, end: Arc<AtomicBool>) {
    let mut ticks = interval(Duration::from_secs(1) / RATE_HZ);
    while !end.load(Relaxed) {
        ticks.tick().await;
        let client = Arc::clone(&client);
        tokio::spawn(async move {
            let mut request = Request::new(Full::new(Bytes::new()));
            let headers = request.headers_mut();
            headers.insert(HOST, HeaderValue::from_static("bench"));
            // What becomes of it is the gateway's to know.
            drop(timeout(PATIENCE, client.send(request)).await);
        });
    }
}

/// Who is hit, by the names of the journal.
struct Hit {
    subjects: Vec<String>,
    /// Who is certainly hit with them: what a node runs, and the ways to it.
    with: Vec<String>,
}

async fn one(cluster: &Cluster, kind: Kind, round: usize) -> Result<(), Problem> {
    // Node 1 observes, unless it is hit itself.
    let observer = if kind == Kind::ZoneKill { 2 } else { 1 };
    cluster.settle(observer).await?;
    let before = cluster.newest(observer).await?;
    let began = Instant::now();
    let at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .while_("read the clock")?;
    let hit = inject(cluster, kind, round).await?;
    let lasted = began.elapsed();
    let said = watch(cluster, observer, before, &hit, kind).await?;
    if kind == Kind::WrongAnswers {
        for subject in &hit.subjects {
            cluster
                .readmit(subject.trim_start_matches("instance "))
                .await;
        }
    }
    let verdicts: Vec<String> = hit.subjects.iter().map(|one| verdict(&said, one)).collect();
    let got = verdicts
        .iter()
        .find(|got| *got != kind.class())
        .or(verdicts.first());
    let named = said.iter().find(|one| {
        hit.subjects.contains(&one.subject)
            && one.class.as_deref().is_some_and(|class| class != "unknown")
    });
    let after_ms = |one: &Opinion| {
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        f64::from(u32::try_from(one.at.saturating_sub(at) / 1_000).unwrap_or(u32::MAX)) / 1e3
    };
    let is_hit =
        |one: &&Opinion| hit.subjects.contains(&one.subject) || hit.with.contains(&one.subject);
    let mut others: Vec<String> = said
        .iter()
        .filter(|one| one.class.is_some() && !is_hit(one))
        .map(|one| {
            format!(
                "{}: {}",
                one.subject,
                one.class.as_deref().unwrap_or_default()
            )
        })
        .collect();
    others.dedup();
    println!(
        "{}",
        json!({
            "kind": kind.name(),
            "class": kind.class(),
            "got": got,
            "subjects": hit.subjects,
            "first": named.and_then(|one| one.class.clone()),
            "first_ms": named.map(after_ms),
            "lasted_ms": u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
            "others": others,
        })
    );
    Ok(())
}

/// What the observer writes down until it is over.
async fn watch(
    cluster: &Cluster,
    observer: usize,
    before: u64,
    hit: &Hit,
    kind: Kind,
) -> Result<Vec<Opinion>, Problem> {
    let begun = Instant::now();
    loop {
        let lines = cluster.journal(observer).await?;
        let said = opinions(&lines, before);
        let done = hit
            .subjects
            .iter()
            .all(|one| verdict(&said, one) == kind.class());
        let patience = if kind == Kind::Partition {
            RETURNS
        } else {
            AFTER
        };
        if done || begun.elapsed() > patience || newest(&lines) < before {
            return Ok(said);
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// The node that is hit in this round: of those that nobody observes from. A node that is cut off is another one than that
/// which was stopped before: who is convicted twice within minutes is held out for a while, which is another thing.
const fn victim(kind: Kind, round: usize) -> usize {
    let turn = match kind {
        Kind::Partition => round + 1,
        _ => round,
    };
    3 + turn % (NODES - 2)
}

async fn inject(cluster: &Cluster, kind: Kind, round: usize) -> Result<Hit, Problem> {
    let node = victim(kind, round);
    match kind {
        Kind::ProcessKill
        | Kind::ProcessStop
        | Kind::CrashLoop
        | Kind::Slow
        | Kind::Errors
        | Kind::WrongAnswers => {
            // Another one than the kinds before and after this one, in the next round too.
            let number = (round + 2 * kind as usize) % NODES;
            let name = format!("app/{number}");
            on_replica(cluster, kind, &name).await?;
            Ok(Hit {
                subjects: vec![format!("instance {name}")],
                with: Vec::new(),
            })
        }
        Kind::NodeKill => {
            signal(cluster.pid(node)?, Signal::KILL)?;
            hit_nodes(cluster, &[node]).await
        }
        Kind::NodeStop => {
            let pid = cluster.pid(node)?;
            signal(pid, Signal::STOP)?;
            sleep(HELD).await;
            signal(pid, Signal::CONT)?;
            hit_nodes(cluster, &[node]).await
        }
        Kind::ZoneKill => {
            // Zone a: nodes 1 and 4.
            let pids = [cluster.pid(1)?, cluster.pid(4)?];
            for pid in pids {
                signal(pid, Signal::KILL)?;
            }
            hit_nodes(cluster, &[1, 4]).await
        }
        Kind::Partition => {
            let others = (1..=NODES).filter(|other| *other != node);
            let both = others.flat_map(|other| [Rules::way(node, other), Rules::way(other, node)]);
            let rules = Rules::drop_what(&both.collect::<Vec<_>>())?;
            sleep(HELD).await;
            drop(rules);
            hit_nodes(cluster, &[node]).await
        }
        Kind::OneWay => {
            let rules = Rules::drop_what(&[Rules::way(1, node)])?;
            sleep(LASTS).await;
            drop(rules);
            Ok(link(1, node, false))
        }
        Kind::LossyLink => {
            let lossy = |from, to| format!("{} numgen random mod 10 < 8", Rules::way(from, to));
            let rules = Rules::drop_what(&[lossy(1, node), lossy(node, 1)])?;
            sleep(LASTS).await;
            drop(rules);
            Ok(link(1, node, true))
        }
    }
}

async fn on_replica(cluster: &Cluster, kind: Kind, name: &str) -> Result<(), Problem> {
    let there = running(cluster, name).await?;
    match kind {
        Kind::ProcessStop => signal(there.pid, Signal::STOP),
        Kind::CrashLoop => {
            signal(there.pid, Signal::KILL)?;
            for _ in 0..2 {
                let next = another(cluster, name, there.pid).await?;
                sleep(Duration::from_millis(300)).await;
                signal(next.pid, Signal::KILL)?;
                another(cluster, name, next.pid).await?;
            }
            Ok(())
        }
        Kind::Slow => for_a_while(&there, "service_us=200000", "service_us=2000").await,
        Kind::Errors => for_a_while(&there, "errors_pct=50", "errors_pct=0").await,
        Kind::WrongAnswers => for_a_while(&there, "wrong=1", "wrong=0").await,
        _ => signal(there.pid, Signal::KILL),
    }
}

/// Changes how a replica answers, and back.
async fn for_a_while(replica: &Replica, to: &str, back: &str) -> Result<(), Problem> {
    let client = Client::new(replica.address, Reuse::Never);
    for (settings, rest) in [(to, ANSWERS_LAST), (back, Duration::ZERO)] {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = format!("/set?{settings}")
            .parse()
            .while_("make an address")?;
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_static("bench"));
        let status = client.send(request).await?;
        if status != 200 {
            return Err(format!("`{settings}` was answered with {status}"));
        }
        sleep(rest).await;
    }
    Ok(())
}

async fn running(cluster: &Cluster, name: &str) -> Result<Replica, Problem> {
    another(cluster, name, 0).await
}

/// The replica's process once it is another one than that.
async fn another(cluster: &Cluster, name: &str, pid: i32) -> Result<Replica, Problem> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if let Some(replica) = cluster.replica(1, name).await?.filter(|one| one.pid != pid) {
            return Ok(replica);
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err(format!("{name} does not run"))
}

async fn hit_nodes(cluster: &Cluster, nodes: &[usize]) -> Result<Hit, Problem> {
    let replicas = cluster.replicas(2).await?;
    let theirs = replicas.iter().filter(|one| nodes.contains(&one.node));
    let mut with: Vec<String> = theirs.map(|one| format!("instance {}", one.name)).collect();
    for zone in ["a", "b", "c"] {
        with.push(format!("zone {zone}"));
    }
    for node in nodes {
        for other in 1..=NODES {
            with.push(format!("link n{node} to n{other}"));
            with.push(format!("link n{other} to n{node}"));
        }
    }
    Ok(Hit {
        subjects: nodes.iter().map(|node| format!("node n{node}")).collect(),
        with,
    })
}

fn link(from: usize, to: usize, both: bool) -> Hit {
    let (there, back) = (
        format!("link n{from} to n{to}"),
        format!("link n{to} to n{from}"),
    );
    let subjects = if both { vec![there, back] } else { vec![there] };
    Hit {
        subjects,
        with: Vec::new(),
    }
}
