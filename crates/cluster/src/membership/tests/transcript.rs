//! A line is a command; lines that begin with two spaces are what followed. What happened on several nodes is one
//! line, with when it first and last did, in milliseconds since the command.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::network::Network;
use crate::membership::{Config, MembershipEvent, Status};

#[test]
fn transcripts() {
    crate::transcripts::all("membership", 8, play);
}

fn play(text: &str) -> String {
    let mut out = String::new();
    let mut network = None;
    for line in text.lines().filter(|line| !line.starts_with("  ")) {
        writeln!(out, "{line}").unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [""] | ["#", ..] => {}
            ["nodes", count, "zones", zones, "seed", seed] => {
                let (count, zones) = (count.parse().unwrap(), zones.parse().unwrap());
                network = Some(Network::new(
                    count,
                    zones,
                    seed.parse().unwrap(),
                    Config::default(),
                ));
            }
            words => command(network.as_mut().unwrap(), words, &mut out),
        }
    }
    out
}

fn command(network: &mut Network, words: &[&str], out: &mut String) {
    let all = network.hosts.len();
    let node = |name: &str| name.trim_start_matches('n').parse::<usize>().unwrap();
    match words {
        ["run", time] => run(network, duration(time), true, out),
        ["quietly", time] => run(network, duration(time), false, out),
        ["kill", names @ ..] => names.iter().for_each(|name| network.kill(node(name))),
        ["end", names @ ..] => names.iter().for_each(|name| network.end(node(name))),
        ["start", name, "incarnation", last] => network.start(node(name), last.parse().unwrap()),
        ["stall", time, names @ ..] => {
            names
                .iter()
                .for_each(|name| network.stall(node(name), duration(time)));
        }
        ["lose", percent, from, "to", to] => {
            lose(network, percent.parse().unwrap(), (from, to));
        }
        ["heal"] => network.heal(),
        ["leave", name] => {
            let now = network.now;
            network.machine(node(name)).leave(now);
            network.drain(node(name));
        }
        ["turn", "a", "bit", "of", owner, "at", name] => {
            let owner = network.hosts[node(owner)].node.id;
            network.machine(node(name)).turn_a_bit(owner);
        }
        ["keep", "out", who, "at", names @ ..] => {
            let who = (*who != "nobody").then(|| node(who));
            names
                .iter()
                .for_each(|name| keep_out(network, who, node(name)));
        }
        ["set", name, key, value, ttl] => {
            let now = network.now;
            let value = (*value != "-").then_some(value.as_bytes());
            network
                .machine(node(name))
                .set(key, value, duration(ttl), now)
                .unwrap();
            network.drain(node(name));
        }
        ["say", count, "words", "of", bytes, "bytes"] => {
            for n in 0..all {
                say(network, n, count.parse().unwrap(), bytes.parse().unwrap());
            }
        }
        ["no", "streams", "with", "all"] => network.unreachable = (0..all).collect(),
        ["no", "streams", "with", names @ ..] => {
            network.unreachable = names.iter().map(|name| node(name)).collect();
        }
        ["states", time] => {
            let start = network.now;
            network.run(duration(time));
            for (at, n, event) in std::mem::take(&mut network.events) {
                let state = matches!(
                    event,
                    MembershipEvent::StateWanted(_)
                        | MembershipEvent::StateFailed(_)
                        | MembershipEvent::StateTaken { .. }
                );
                if state {
                    let after = at.as_millis() - start.as_millis();
                    writeln!(out, "  {after} n{n} {}", describe(network, &event)).unwrap();
                }
            }
        }
        ["words"] => words_known(network, out),
        ["members"] => members(network, out),
        other => panic!("no command: {other:?}"),
    }
}

fn run(network: &mut Network, time: Duration, shown: bool, out: &mut String) {
    let start = network.now;
    network.run(time);
    let mut lines: BTreeMap<String, (u64, u64, Vec<usize>)> = BTreeMap::new();
    for (at, n, event) in std::mem::take(&mut network.events) {
        let after = at.as_millis() - start.as_millis();
        let (_, last, who) =
            lines
                .entry(describe(network, &event))
                .or_insert((after, after, Vec::new()));
        *last = after;
        who.push(n);
    }
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by_key(|(what, (first, ..))| (*first, what.clone()));
    for (what, (first, last, mut who)) in lines.into_iter().filter(|_| shown) {
        who.sort_unstable();
        let who: Vec<String> = who.into_iter().map(|n| format!("n{n}")).collect();
        writeln!(out, "  {what} [{first}..{last}] at {}", who.join(" ")).unwrap();
    }
}

fn describe(network: &Network, event: &MembershipEvent) -> String {
    let name = |id| network.name(id);
    match event {
        MembershipEvent::Joined {
            node,
            returned: false,
        } => format!("{} joined", node.name),
        MembershipEvent::Joined {
            node,
            returned: true,
        } => format!("{} is back", node.name),
        MembershipEvent::Restarted(id) => format!("{} restarted", name(*id)),
        MembershipEvent::Down(ids) => {
            let mut names: Vec<String> = ids.iter().map(|id| name(*id)).collect();
            names.sort();
            format!("DOWN {}", names.join(" "))
        }
        MembershipEvent::Withheld(ids) => {
            let mut names: Vec<String> = ids.iter().map(|id| name(*id)).collect();
            names.sort();
            format!("withheld: {}", names.join(" "))
        }
        MembershipEvent::Left(id) => format!("{} left", name(*id)),
        MembershipEvent::Relayed(id) => format!("{} only by others", name(*id)),
        MembershipEvent::Direct(id) => format!("{} directly", name(*id)),
        MembershipEvent::Silent(id) => format!("{} silent", name(*id)),
        MembershipEvent::Lossy(id) => format!("{} lossy", name(*id)),
        MembershipEvent::Contradicted { incarnation } => format!("I am here: {incarnation}"),
        MembershipEvent::Frozen { zone, onsets } => format!("{zone} frozen at {onsets}"),
        MembershipEvent::Thawed { zone } => format!("{zone} thawed"),
        MembershipEvent::Entry { owner, key, value } => {
            let value = value.as_deref().map(String::from_utf8_lossy);
            format!(
                "{} {key} = {}",
                name(*owner),
                value.as_deref().unwrap_or("-")
            )
        }
        MembershipEvent::Corrupt { from, owner } => {
            format!("of {}, corrupt at {}", name(*owner), name(*from))
        }
        MembershipEvent::StateWanted(id) => format!("wants the state of {}", name(*id)),
        MembershipEvent::StateFailed(id) => format!("no state of {}", name(*id)),
        MembershipEvent::StateTaken {
            from,
            members,
            entries,
            ..
        } => format!(
            "state of {}: {members} members, {entries} entries",
            name(*from)
        ),
        MembershipEvent::Quiesced
        | MembershipEvent::Resumed
        | MembershipEvent::Capped
        | MembershipEvent::Isolated
        | MembershipEvent::Connected => format!("{event:?}").to_lowercase(),
    }
}

/// Packets from some to others, by names or `all`.
fn lose(network: &mut Network, percent: u64, (from, to): (&str, &str)) {
    let all = network.hosts.len();
    let node = |name: &str| name.trim_start_matches('n').parse::<usize>().unwrap();
    let parties = |name: &str| match name {
        "all" => (0..all).collect::<Vec<_>>(),
        names => names.split(',').map(node).collect(),
    };
    for from in parties(from) {
        for to in parties(to).into_iter().filter(|to| *to != from) {
            network.lose(from, to, percent);
        }
    }
}

fn keep_out(network: &mut Network, who: Option<usize>, at: usize) {
    let (now, who) = (network.now, who.map(|who| network.hosts[who].node.id));
    network.machine(at).keep_out(who.into_iter().collect(), now);
    network.drain(at);
}

fn say(network: &mut Network, n: usize, count: usize, bytes: usize) {
    let now = network.now;
    for key in 0..count {
        let value = vec![b'v'; bytes];
        let key = format!("k{key}");
        let said = network
            .machine(n)
            .set(&key, Some(&value), Duration::ZERO, now);
        said.unwrap();
    }
    network.drain(n);
}

/// How many words of others each node knows: equal numbers in one line.
fn words_known(network: &mut Network, out: &mut String) {
    let ids: Vec<_> = network.hosts.iter().map(|host| host.node.id).collect();
    let mut known: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (n, id) in ids.iter().enumerate() {
        let machine = network.machine(n);
        let others = ids.iter().filter(|other| *other != id);
        let words = others.map(|other| machine.entries(*other).count()).sum();
        known.entry(words).or_default().push(format!("n{n}"));
    }
    for (words, of) in known {
        writeln!(out, "  {words} words: {}", of.join(" ")).unwrap();
    }
}

/// What each node takes the others for: equal views in one line.
fn members(network: &Network, out: &mut String) {
    let mut views: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for host in &network.hosts {
        let Some(machine) = &host.machine else {
            continue;
        };
        let mut view: Vec<String> = machine
            .members()
            .map(|record| {
                let name = record.node.name;
                match record.status {
                    Status::Alive => format!("{name}@{}", record.incarnation),
                    Status::Left => format!("{name}@{} left", record.incarnation),
                    Status::Down => format!("{name}@{} DOWN", record.incarnation),
                }
            })
            .collect();
        view.sort();
        views
            .entry(view.join(", "))
            .or_default()
            .push(host.node.name.to_string());
    }
    for (view, of) in views {
        writeln!(out, "  {}: {view}", of.join(" ")).unwrap();
    }
}

fn duration(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().unwrap()),
        None => Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()),
    }
}
