//! `cargo xtask bench classify`: failures on a cluster of real nodes, and what they are taken for.
//!
//! Five nodes run on this machine (`benches/availability/src/classify`). Each failure is injected several times, on
//! another victim each time, and what an observer's journal made of it is a row of a confusion matrix.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::Value;

use super::arguments::Words;
use super::revision::revision;
use super::{availability, driver, machine, publish};
use crate::failure::{Failure, While};
use crate::{say, setup, workspace};

/// Where `--save` writes.
const SAVED: &str = "docs/bench/classify.md";
/// The injections that are on it, a line each.
const ROWS: &str = "docs/bench/classify.jsonl";

/// More would wait for each other.
const CLUSTERS_MAX: u32 = 8;

/// What decides about the figures.
const SOURCES: [&str; 8] = [
    "benches/availability",
    "crates/agent",
    "crates/cluster",
    "crates/core",
    "crates/gateway",
    "crates/observe",
    "crates/supervise",
    "crates/trust",
];

/// What stands above the table.
const HEAD: &str = "\
# Failures and what they are taken for

Written by `cargo xtask bench classify --save`. Five nodes in three zones on this machine, each with a gateway and one
replica; 100 requests a second through each gateway. Processes are killed and stopped, packets between nodes are
dropped by nftables, replicas are told to be slow, to fail or to be wrong; another victim each time. Of several clusters at
once each has a network namespace of its own. What counts is the last class that an observer's journal named for what was
hit, before it was well again: of a partition it is known once it is over, as nobody can tell before whether a node that is
cut off is dead.

**first**: from the injection until the journal named a class, the first one. **others**: injections in which somebody
else was said not to be well, besides what a node runs and the ways to it.
";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Options {
    /// Injections of each kind.
    each: u32,
    kinds: Vec<String>,
    /// Clusters that run at once.
    clusters: u32,
    /// A `ninefold` to run instead of a fresh release build.
    binary: Option<PathBuf>,
    json: bool,
    save: bool,
    /// Whether the injections that were saved before stay.
    add: bool,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut options = Self {
            each: 10,
            kinds: Vec::new(),
            clusters: 1,
            binary: None,
            json: false,
            save: false,
            add: false,
        };
        let mut words = Words::new(words);
        while let Some(option) = words.next() {
            match option {
                "--each" => options.each = words.number(1_000)?,
                "--kinds" => {
                    options.kinds = words.value()?.split(',').map(str::to_owned).collect();
                }
                "--clusters" => options.clusters = words.number(CLUSTERS_MAX)?,
                "--binary" => options.binary = Some(PathBuf::from(words.value()?)),
                "--output" => options.json = words.is_json()?,
                "--save" => options.save = true,
                "--add" => (options.save, options.add) = (true, true),
                _ => return Err(words.unknown()),
            }
        }
        Ok(options)
    }
}

/// `cargo xtask bench classify`.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    setup::for_classify()?;
    let root = workspace::root()?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let driver = availability::driver(&root, &target)?;
    let ninefold = availability::ninefold(options.binary.as_deref(), &root, &target)?;
    let mut facts = machine::facts()?;
    facts.push(("revision".to_owned(), revision(&SOURCES)?));
    facts.push(("clusters at once".to_owned(), options.clusters.to_string()));
    let mut kept = if options.add {
        saved(&root.join(ROWS))?
    } else {
        Vec::new()
    };
    let drivers = (1..=options.clusters).map(|cluster| {
        let mut command = alone(&driver, options.clusters);
        let folder = match cluster {
            1 => "target/bench-classify".to_owned(),
            _ => format!("target/bench-classify-{cluster}"),
        };
        command
            .args(["classify", &options.each.to_string()])
            .arg(root.join(folder))
            .arg(&ninefold)
            .args(&options.kinds);
        command
    });
    let (injections, ended) = inject(drivers.collect());
    publish::rows(
        &facts,
        &injections,
        &markdown(&facts, &injections),
        options.json,
    );
    ended?;
    if options.save {
        kept.extend(
            injections
                .into_iter()
                .map(|injection| of(injection, &facts)),
        );
        publish::keep(SAVED, &markdown(&facts, &kept))?;
        let lines = kept.iter().map(|injection| format!("{injection}\n"));
        publish::keep(ROWS, &lines.collect::<String>())?;
    }
    Ok(())
}

/// A driver's command. Where there are several, each has a network of its own: nodes have the same addresses in all of them.
fn alone(driver: &Path, clusters: u32) -> Command {
    if clusters == 1 {
        return Command::new(driver);
    }
    let mut command = Command::new("unshare");
    let with_loopback = r#"ip link set lo up && exec "$0" "$@""#;
    command
        .args(["--net", "sh", "-c", with_loopback])
        .arg(driver);
    command
}

/// Runs all drivers at once to their ends, and puts together what they injected.
fn inject(drivers: Vec<Command>) -> (Vec<Value>, Result<(), Failure>) {
    let many = AtomicUsize::new(0);
    let tell = |_, injection: &Value| {
        let number = many.fetch_add(1, Relaxed) + 1;
        say::progress(&progress(number, injection));
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let run = |mut driver: Command| scope.spawn(move || driver::rows(&mut driver, tell));
        let running: Vec<_> = drivers.into_iter().map(run).collect();
        let panicked = |_| (Vec::new(), Err(Failure::new("a driver's reader panicked")));
        let running = running.into_iter();
        running
            .map(|one| one.join().unwrap_or_else(panicked))
            .collect()
    });
    let (injections, ends): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let ended = ends.into_iter().collect();
    (injections.into_iter().flatten().collect(), ended)
}

/// What tells where an injection was made, and with which revision.
const ORIGIN: [&str; 3] = ["revision", "CPU", "clusters at once"];

/// An injection, with its origin.
fn of(mut injection: Value, facts: &[(String, String)]) -> Value {
    if let Some(fields) = injection.as_object_mut() {
        for (label, fact) in facts {
            if ORIGIN.contains(&label.as_str()) {
                fields.insert(label.clone(), fact.as_str().into());
            }
        }
    }
    injection
}

/// The injections that were saved before.
fn saved(path: &Path) -> Result<Vec<Value>, Failure> {
    let reading = format!("read {}", path.display());
    let text = std::fs::read_to_string(path).while_(&reading)?;
    let lines = text.lines().enumerate().map(|(at, line)| {
        serde_json::from_str(line).while_(&format!("{reading}, line {}", at + 1))
    });
    lines.collect()
}

/// How many injections each origin had, where there are several.
fn origins(injections: &[Value]) -> Option<String> {
    let mut of: Vec<([&str; 3], usize)> = Vec::new();
    for injection in injections {
        let origin = ORIGIN.map(|label| text(injection, label));
        match of.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, many)) => *many += 1,
            None => of.push((origin, 1)),
        }
    }
    let each = of.iter().map(|([revision, cpu, clusters], many)| {
        format!("{many} at {revision} on {cpu} ({clusters})")
    });
    (of.len() > 1).then(|| each.collect::<Vec<_>>().join(", "))
}

fn text<'a>(injection: &'a Value, key: &str) -> &'a str {
    injection
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or("nothing")
}

fn progress(number: usize, injection: &Value) -> String {
    let others = injection.get("others").and_then(Value::as_array);
    let others = others.map_or(0, Vec::len);
    let also = if others == 0 {
        String::new()
    } else {
        format!(", also {}", injection["others"])
    };
    let (kind, got, class) = (
        text(injection, "kind"),
        text(injection, "got"),
        text(injection, "class"),
    );
    let right = if got == class { "" } else { "  WRONG" };
    format!("{number}: {kind} is {got}{also}{right}")
}

fn markdown(facts: &[(String, String)], injections: &[Value]) -> String {
    let mut out = format!("{HEAD}\n");
    for (label, fact) in facts {
        out.push_str(&format!("- {label}: {fact}\n"));
    }
    if let Some(origins) = origins(injections) {
        out.push_str(&format!("- injections: {origins}\n"));
    }
    out.push_str("\n| failure | n | class | taken for | first p50, most ms | others |\n|---|---|---|---|---|---|\n");
    let mut kinds: Vec<&str> = Vec::new();
    for injection in injections {
        let kind = text(injection, "kind");
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let (mut right, mut all) = (0, 0);
    for kind in kinds {
        let of: Vec<&Value> = injections
            .iter()
            .filter(|one| text(one, "kind") == kind)
            .collect();
        let mut got: BTreeMap<&str, u32> = BTreeMap::new();
        for injection in &of {
            *got.entry(text(injection, "got")).or_default() += 1;
        }
        let class = of.first().map_or("?", |one| text(one, "class"));
        right += got.get(class).copied().unwrap_or(0);
        all += of.len();
        let mut got: Vec<_> = got.into_iter().collect();
        got.sort_by_key(|(_, many)| std::cmp::Reverse(*many));
        let got: Vec<String> = got
            .iter()
            .map(|(class, many)| format!("{class} {many}"))
            .collect();
        let mut first: Vec<f64> = of
            .iter()
            .filter_map(|one| one.get("first_ms")?.as_f64())
            .collect();
        first.sort_by(f64::total_cmp);
        let figure =
            |value: Option<&f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0}"));
        let (median, most) = (first.get(first.len() / 2), first.last());
        let accused = |one: &&&Value| {
            one.get("others")
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
        };
        let others = of.iter().filter(accused).count();
        out.push_str(&format!(
            "| {kind} | {} | {class} | {} | {}, {} | {others} |\n",
            of.len(),
            got.join(", "),
            figure(median),
            figure(most),
        ));
    }
    out.push_str(&format!("\nTaken for what it is: {right} of {all}.\n"));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_options_and_refuses_others() {
        let options = Options::parse(&["--each", "3", "--kinds", "slow-replica,errors"]).unwrap();
        assert_eq!(
            (options.each, options.kinds.len(), options.clusters),
            (3, 2, 1)
        );
        for words in [
            &["--each", "0"][..],
            &["--kinds"],
            &["--fast"],
            &["--clusters", "9"],
        ] {
            assert_eq!(Options::parse(words).unwrap_err().status(), 2, "{words:?}");
        }
    }

    #[test]
    fn a_kind_is_a_row_with_what_it_was_taken_for() {
        let one = |got: &str, first: f64, others: &[&str]| json!({ "kind": "node-stop", "class": "timing", "got": got, "first_ms": first, "others": others });
        let injections = [
            one("timing", 300.0, &[]),
            one("timing", 250.4, &[]),
            one("unknown", 900.0, &["node n3"]),
        ];
        let text = markdown(&[], &injections);
        let row = "| node-stop | 3 | timing | timing 2, unknown 1 | 300, 900 | 1 |\n";
        assert!(text.contains(row), "{text}");
        assert!(text.ends_with("Taken for what it is: 2 of 3.\n"));
        assert_eq!(
            progress(4, &injections[2]),
            "4: node-stop is unknown, also [\"node n3\"]  WRONG"
        );
    }

    #[test]
    fn injections_of_several_origins_say_so() {
        let one = |revision: &str| {
            let facts = [
                ("CPU", "fast"),
                ("cores", "2"),
                ("revision", revision),
                ("clusters at once", "3"),
            ];
            let facts = facts.map(|(label, fact)| (label.to_owned(), fact.to_owned()));
            of(json!({ "kind": "node-stop" }), &facts)
        };
        assert_eq!(origins(&[one("a"), one("a")]), None);
        let said = origins(&[one("a"), one("a"), one("b")]);
        assert_eq!(
            said.as_deref(),
            Some("2 at a on fast (3), 1 at b on fast (3)")
        );
    }
}
