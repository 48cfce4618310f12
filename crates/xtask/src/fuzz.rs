//! `cargo xtask fuzz`: the targets of `fuzz`, under libFuzzer.
//!
//! The instrumentation is LLVM's own and needs no nightly compiler; libFuzzer comes with the crate
//! `libfuzzer-sys` and is compiled from C++. Sanitizers would need one, but there is no `unsafe` for
//! them to look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::arguments::Words;
use crate::failure::{Failure, While};
use crate::step::{Steps, cargo, output, run as run_command};
use crate::{say, workspace};

pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// Every target with the dictionary that it is given.
const TARGETS: [(&str, &str); 18] = [
    ("stream", "http"),
    ("head", "http"),
    ("chunks", "http"),
    ("answer", "http"),
    ("proxy", "proxy"),
    ("trace", "http"),
    ("deadline", "units"),
    ("units", "units"),
    ("config", "toml"),
    ("admin", "json"),
    ("journal", "json"),
    ("slo_ledger", "units"),
    ("fault_ledger", "json"),
    ("documents", "json"),
    ("heartbeats", "units"),
    ("gossip", "gossip"),
    ("state", "gossip"),
    ("sealed", "units"),
];

/// Counters, tables and comparisons for libFuzzer, in everything that is compiled.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Bytes of one input at most.
const INPUT_MAX: u32 = 4_096;

/// What to run, and for how long each.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    seconds: u32,
    targets: Vec<(&'static str, &'static str)>,
}

/// Builds all targets and runs those that are named, or all, one after the other.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let options = parse(words)?;
    needs_a_compiler()?;
    let host = host()?;
    let folder = workspace::root()?.join("target/fuzz");
    // Its lock file follows the crates, whose dependencies change without it.
    let build = ["build", "--release", "--manifest-path", MANIFEST];
    run_command(
        cargo(&build)?
            .args(["--target", &host, "--target-dir"])
            .arg(&folder)
            .env("RUSTFLAGS", INSTRUMENTATION),
    )?;
    let programs = folder.join(host).join("release");
    let mut steps = Steps::default();
    for (target, dictionary) in options.targets {
        let program = programs.join(target);
        steps.step(target, || {
            one(&program, &folder, target, dictionary, options.seconds)
        });
    }
    steps.finish()
}

/// One target. What it learns stays in `target/fuzz/corpus`, an input that fails in
/// `target/fuzz/artifacts`; the seeds are read and never changed.
fn one(
    program: &Path,
    folder: &Path,
    target: &str,
    dictionary: &str,
    seconds: u32,
) -> Result<(), Failure> {
    let root = workspace::root()?;
    let made = |kind: &str| -> Result<PathBuf, Failure> {
        let path = folder.join(kind).join(target);
        fs::create_dir_all(&path).while_(&format!("make {}", path.display()))?;
        Ok(path)
    };
    let (corpus, artifacts) = (made("corpus")?, made("artifacts")?);
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_MAX}"))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .arg(format!("-dict=fuzz/dictionaries/{dictionary}.dict"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(corpus)
        .arg(format!("fuzz/seeds/{target}"))
        .current_dir(root);
    run_command(&mut command).map_err(|why| {
        let program = program.display();
        let shown = artifacts.display();
        Failure::new(format!(
            "{why}; the input is in {shown}: `{program} FILE` runs it again"
        ))
    })
}

fn parse(words: &[&str]) -> Result<Options, Failure> {
    let mut options = Options {
        seconds: 60,
        targets: Vec::new(),
    };
    let mut words = Words::new(words);
    while let Some(word) = words.next() {
        if word == "--seconds" {
            options.seconds = words.number(86_400)?;
        } else if let Some(target) = TARGETS.iter().find(|(name, _)| *name == word) {
            options.targets.push(*target);
        } else {
            let names = TARGETS.map(|(name, _)| name).join(", ");
            return Err(Failure::usage(format!("no target `{word}`: {names}")));
        }
    }
    if options.targets.is_empty() {
        options.targets = TARGETS.to_vec();
    }
    Ok(options)
}

/// libFuzzer is C++.
fn needs_a_compiler() -> Result<(), Failure> {
    let program = std::env::var("CXX").unwrap_or_else(|_unset| "c++".to_owned());
    if output(Command::new(&program).arg("--version")).is_ok() {
        return Ok(());
    }
    say::error(&format!("`{program}` cannot be run"));
    Err(Failure::new(
        "libFuzzer is compiled from C++: install a compiler, as in `apt-get install g++`, or name one in CXX",
    ))
}

/// The machine's target: named to cargo, the flags do not reach build scripts.
fn host() -> Result<String, Failure> {
    let told = output(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::new("`rustc -vV` names no host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let all = parse(&[]).unwrap();
        assert_eq!((all.seconds, all.targets.len()), (60, TARGETS.len()));
        let some = parse(&["--seconds", "5", "head", "units"]).unwrap();
        assert_eq!(some.seconds, 5);
        assert_eq!(some.targets, [("head", "http"), ("units", "units")]);
        for bad in [&["--seconds"][..], &["--seconds", "x"], &["heads"]] {
            assert_eq!(parse(bad).unwrap_err().status(), 2, "{bad:?}");
        }
    }

    #[test]
    fn every_target_is_there_with_seeds_and_a_dictionary() {
        let fuzz = workspace::root().unwrap().join("fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for (target, dictionary) in TARGETS {
            assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")));
            assert!(
                fuzz.join(format!("targets/{target}.rs")).is_file(),
                "{target}"
            );
            let mut seeds = fs::read_dir(fuzz.join("seeds").join(target)).unwrap();
            assert!(seeds.next().is_some(), "{target}");
            let dictionary = fuzz.join(format!("dictionaries/{dictionary}.dict"));
            assert!(dictionary.is_file(), "{target}");
        }
        let sources = fs::read_dir(fuzz.join("targets")).unwrap().count();
        assert_eq!(sources, TARGETS.len(), "a target that nobody runs");
    }
}
