//! `cargo xtask bench reload`: hand-overs under load.
//!
//! Requests go through Ninefold in an open loop, while it is reloaded again and again, and then
//! upgraded again and again (`benches/availability/src/handover`). What is lost is counted.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::arguments::Words;
use super::{availability, driver, machine, publish};
use crate::failure::Failure;
use crate::{setup, workspace};

/// Where `--save` writes.
const SAVED: &str = "docs/bench/reload.md";

/// What stands above the table.
const HEAD: &str = "\
# Reloads and upgrades under load

Written by `cargo xtask bench reload --save`. Ninefold stands before three replicas that take 5 to 15 ms. Requests start at
their intended moments, whatever became of those before, and latency counts from there: half of them GETs and a quarter
POSTs on kept connections, a quarter GETs on a connection each. No client repeats what it has sent. A reload changes the
file and takes over at once (`--now`); an upgrade starts another process, which takes over from the one that runs. The
next one begins 25 ms, after an upgrade 250 ms, after the command of the one before has ended, or once the gateway before
the last has drained.

**failed**: no answer, or another one than 200, within 5 s. **one**: how long one hand-over took, its command included.
";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Options {
    reloads: u32,
    upgrades: u32,
    /// Requests a second.
    rate_hz: u32,
    /// A `ninefold` to run instead of a fresh release build.
    binary: Option<PathBuf>,
    json: bool,
    save: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reloads: 1_000,
            upgrades: 20,
            rate_hz: 1_000,
            binary: None,
            json: false,
            save: false,
        }
    }
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = Words::new(words);
        while let Some(option) = words.next() {
            match option {
                "--reloads" => options.reloads = words.number(100_000)?,
                "--upgrades" => options.upgrades = words.number(10_000)?,
                "--rate" => options.rate_hz = words.number(20_000)?,
                "--binary" => options.binary = Some(PathBuf::from(words.value()?)),
                "--output" => options.json = words.is_json()?,
                "--save" => options.save = true,
                _ => return Err(words.unknown()),
            }
        }
        Ok(options)
    }
}

/// `cargo xtask bench reload`. It fails if anything was lost.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    setup::for_reload()?;
    let root = workspace::root()?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let driver = availability::driver(&root, &target)?;
    let ninefold = availability::ninefold(options.binary.as_deref(), &root, &target)?;
    let facts = machine::facts()?;
    let numbers = [options.reloads, options.upgrades, options.rate_hz];
    let mut driver = Command::new(&driver);
    driver
        .arg("hand-overs")
        .args(numbers.map(|number| number.to_string()))
        .arg(root.join("target/bench-reload"))
        .arg(ninefold);
    let (phases, ended) = driver::rows(&mut driver, |_, _| {});
    ended?;
    let text = markdown(&facts, options.rate_hz, &phases);
    publish::rows(&facts, &phases, &text, options.json);
    if options.save {
        publish::keep(SAVED, &text)?;
    }
    let failed: u64 = phases.iter().map(|phase| count(phase, "failed")).sum();
    if failed > 0 {
        return Err(Failure::new(format!("{failed} requests failed")));
    }
    Ok(())
}

fn count(phase: &Value, key: &str) -> u64 {
    phase.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn markdown(facts: &[(String, String)], rate_hz: u32, phases: &[Value]) -> String {
    let mut text = format!("{HEAD}\n");
    for (label, fact) in facts {
        text.push_str(&format!("- {label}: {fact}\n"));
    }
    text.push_str(&format!("- load: {rate_hz} requests/s\n\n"));
    text.push_str(
        "| hand-overs | n | seconds | requests | failed | p50, p99, most ms | load late p99 ms | one p50, most ms |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for phase in phases {
        let figure = |key: &str, digits: usize| {
            let value = phase.get(key).and_then(Value::as_f64);
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let name = phase.get("hand_overs").and_then(Value::as_str);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {}, {}, {} | {} | {}, {} |\n",
            name.unwrap_or("?"),
            count(phase, "times"),
            figure("seconds", 0),
            count(phase, "sent"),
            count(phase, "failed"),
            figure("p50_ms", 1),
            figure("p99_ms", 1),
            figure("max_ms", 0),
            figure("late_p99_ms", 1),
            figure("each_p50_ms", 0),
            figure("each_max_ms", 0),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_options_and_refuses_others() {
        assert_eq!(Options::parse(&[]).unwrap(), Options::default());
        let options = Options::parse(&["--reloads", "7", "--rate", "50", "--save"]).unwrap();
        assert_eq!((options.reloads, options.rate_hz), (7, 50));
        assert!(options.save && !options.json);
        for words in [
            &["--reloads", "0"][..],
            &["--upgrades"],
            &["--output", "xml"],
            &["--fast"],
        ] {
            assert_eq!(Options::parse(words).unwrap_err().status(), 2, "{words:?}");
        }
    }

    #[test]
    fn a_phase_is_a_row() {
        let phase = json!({ "hand_overs": "none", "times": 0, "seconds": 10.0, "sent": 9, "failed": 1, "p50_ms": 1.5, "p99_ms": 2.0, "max_ms": 3.0, "late_p99_ms": 0.5, "each_p50_ms": null });
        let text = markdown(&[], 5, &[phase]);
        let row = "| none | 0 | 10 | 9 | 1 | 1.5, 2.0, 3 | 0.5 | –, – |\n";
        assert!(text.contains(row), "{text}");
    }
}
