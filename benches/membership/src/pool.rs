//! All runs of a page, on as many threads as there are processors: each seed is a simulation of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::options::Options;
use crate::page::Page;
use crate::peer::Peer;
use crate::run::{Figures, run};
use crate::scenario::Scenario;

/// One with more nodes needs gigabytes: not two at once.
const ALONE: u32 = 1_000;

/// One simulation, and the row that it belongs to.
#[derive(Clone, Copy, Debug)]
struct Job {
    row: usize,
    scenario: Scenario,
    nodes: u32,
    peer: Peer,
    seed: u64,
}

/// The page, in the order that was asked for.
pub(crate) fn page(options: &Options) -> String {
    let jobs = jobs(options);
    let rows = Mutex::new(BTreeMap::<usize, (Job, Figures)>::new());
    let (next, large) = (AtomicUsize::new(0), Mutex::new(()));
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            eprintln!("{job:?}");
            let alone = (job.nodes > ALONE).then(|| large.lock());
            let figures = run(job.peer, job.scenario, job.nodes, job.seed);
            drop(alone);
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            let row = rows.entry(job.row);
            row.or_insert_with(|| (*job, Figures::default()))
                .1
                .add(figures);
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut page, mut scenario) = (Page::new(options), None);
    for (job, figures) in rows.values() {
        if scenario.replace(job.scenario) != Some(job.scenario) {
            page.scenario(job.scenario);
        }
        page.row(job.peer, job.nodes, figures);
    }
    page.finish()
}

fn jobs(options: &Options) -> Vec<Job> {
    let (mut jobs, mut row) = (Vec::new(), 0);
    for &scenario in &options.scenarios {
        let fits = |(_, nodes): &(usize, &u32)| **nodes <= scenario.nodes_max();
        for (at, &nodes) in options.nodes.iter().enumerate().filter(fits) {
            for &peer in options.peers(nodes) {
                let job = |seed| Job {
                    row,
                    scenario,
                    nodes,
                    peer,
                    seed,
                };
                jobs.extend((1..=options.seeds(at)).map(job));
                row += 1;
            }
        }
    }
    jobs
}
