//! How long one takes that has much to learn, and what that costs: with states over streams, and by packets alone.
//! `cargo run --release -p ninefold-sim --example state -- [NODES…] [newcomer | partition | talk] [packets | streams]`; prints a
//! table in Markdown.

use std::io::{self, Write};
use std::time::Duration;

use ninefold_cluster::membership::Config;
use ninefold_sim::membership::{Words, build_saying};
use ninefold_sim::step::Step;
use ninefold_sim::{NodeId, Simulation, Topology};

const SECOND: u64 = 1_000_000_000;
const ZONES: u32 = 3;
/// How long is waited.
const PATIENCE: u64 = 600 * SECOND;
/// How often is looked.
const LOOK: u64 = SECOND / 20;
/// When the fault begins: by then all is quiet.
const QUIET: u64 = 10 * SECOND;
const SEED: u64 = 1;

const HEAD: &str = "| what | nodes | how | said by each | all known after | streams | packets beyond rest |\n|---|---|---|---|---|---|---|\n";

fn main() -> io::Result<()> {
    let options: Vec<String> = std::env::args().skip(1).collect();
    let said = |word: &str| options.iter().any(|one| one == word);
    let all = !["newcomer", "partition", "talk"].into_iter().any(said);
    let asked = |word: &str| said(word) || all;
    let mut nodes: Vec<u32> = options.iter().filter_map(|n| n.parse().ok()).collect();
    if nodes.is_empty() {
        nodes = vec![1_000, 5_000];
    }
    io::stdout().write_all(HEAD.as_bytes())?;
    let packets = !said("streams") || said("packets");
    let streams = !said("packets") || said("streams");
    let (packets, streams) = (packets.then_some(false), streams.then_some(true));
    for nodes in nodes {
        for streams in packets.into_iter().chain(streams) {
            for keys in [0, 5] {
                let words = Words {
                    keys,
                    bytes: 300,
                    ..Words::default()
                };
                if asked("newcomer") {
                    newcomer(nodes, streams, words)?;
                }
            }
            let words = Words {
                keys: 5,
                bytes: 200,
                every: Some(Duration::from_secs(30)),
                times: 2,
            };
            if asked("partition") {
                partition(nodes, streams, words)?;
            }
            for words in [talk(5, 300), talk(40, 400)] {
                if asked("talk") {
                    talking(nodes, streams, words)?;
                }
            }
        }
    }
    Ok(())
}

fn simulation(nodes: u32, streams: bool, words: Words) -> Simulation {
    let topology = Topology::new(nodes, ZONES);
    let config = Config {
        streams,
        ..Config::default()
    };
    Simulation::new(
        topology.clone(),
        SEED,
        build_saying(topology, config, words),
    )
}

fn apply(simulation: &mut Simulation, step: &str) -> io::Result<()> {
    let step: Step = step.parse().map_err(io::Error::other)?;
    simulation.apply(&step, &mut ());
    Ok(())
}

fn sent(simulation: &Simulation) -> u64 {
    simulation
        .traffic()
        .iter()
        .map(|bytes| u64::from(*bytes))
        .sum()
}

/// One that has lost its disk starts anew.
fn newcomer(nodes: u32, streams: bool, words: Words) -> io::Result<()> {
    let mut simulation = simulation(nodes, streams, words);
    let subject = NodeId(nodes - 1);
    simulation.run_until(QUIET, &mut ());
    let rest = sent(&simulation) as f64 / QUIET as f64;
    apply(&mut simulation, &format!("crash {}", subject.0))?;
    simulation.run_until(2 * QUIET, &mut ());
    apply(&mut simulation, &format!("restart {} blank", subject.0))?;
    let knows = |simulation: &Simulation, node| {
        let process = simulation.process(node);
        process.and_then(|(_, node)| node.fingerprint(Some(subject)))
    };
    let all_known =
        |simulation: &Simulation| knows(simulation, subject) == knows(simulation, NodeId(7));
    tell(
        "a newcomer",
        (nodes, streams, words),
        simulation,
        rest,
        all_known,
    )
}

/// Half of them are cut off for a minute, while all say something new.
fn partition(nodes: u32, streams: bool, words: Words) -> io::Result<()> {
    let mut simulation = simulation(nodes, streams, words);
    let half = nodes / 2;
    // Both hear of what is said meanwhile on their own side alone.
    apply(
        &mut simulation,
        &format!("partition 0-{} {half}-{}", half - 1, nodes - 1),
    )?;
    simulation.run_until(60 * SECOND, &mut ());
    apply(&mut simulation, "heal")?;
    tell(
        "half cut off for a minute",
        (nodes, streams, words),
        simulation,
        0.0,
        all_alike(nodes),
    )
}

/// All of its words are said anew within a second.
fn talk(keys: u32, bytes: usize) -> Words {
    Words {
        keys,
        bytes,
        every: Some(Duration::from_secs(1) / keys),
        times: keys,
    }
}

/// All nodes change all their words at once.
fn talking(nodes: u32, streams: bool, words: Words) -> io::Result<()> {
    let mut simulation = simulation(nodes, streams, words);
    simulation.run_until(SECOND, &mut ());
    tell(
        "all say everything anew",
        (nodes, streams, words),
        simulation,
        0.0,
        all_alike(nodes),
    )
}

/// Whether all nodes know the same.
fn all_alike(nodes: u32) -> impl Fn(&Simulation) -> bool {
    move |simulation| {
        let of = |node| {
            let process = simulation.process(NodeId(node));
            process.and_then(|(_, node)| node.fingerprint(None))
        };
        let first = of(0);
        (1..nodes).all(|node| of(node) == first)
    }
}

fn tell(
    what: &str,
    (nodes, streams, words): (u32, bool, Words),
    mut simulation: Simulation,
    rest: f64,
    all_known: impl Fn(&Simulation) -> bool,
) -> io::Result<()> {
    let (begin, before) = (simulation.now(), sent(&simulation));
    let mut took = None;
    while took.is_none() && simulation.now() < begin + PATIENCE {
        let until = simulation.now() + LOOK;
        simulation.run_until(until, &mut ());
        took = all_known(&simulation).then(|| simulation.now() - begin);
    }
    let length = simulation.now() - begin;
    // Seconds are counted when they are over.
    let until = simulation.now().next_multiple_of(SECOND);
    simulation.run_until(until, &mut ());
    let beyond = (sent(&simulation) - before) as f64 - rest * (until - begin) as f64;
    let took = took.map_or_else(
        || format!("not after {} s", length / SECOND),
        |took| format!("{:.2} s", took as f64 / 1e9),
    );
    let how = if streams { "streams" } else { "packets" };
    let said = format!("{} × {} B", words.keys, words.bytes);
    let streamed = simulation.streamed() as f64 / 1e6;
    writeln!(
        io::stdout(),
        "| {what} | {nodes} | {how} | {said} | {took} | {streamed:.2} MB | {:.2} MB |",
        beyond / 1e6
    )
}
