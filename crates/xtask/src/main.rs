//! Developer commands: `cargo xtask verify`, `fix`, `test`, `tidy`, `bench`, `soak`, `fuzz`.
//!
//! Few dependencies, so that it is compiled in seconds.

mod bench;
mod failure;
mod fix;
mod fuzz;
mod say;
mod setup;
mod soak;
mod step;
mod test;
mod tidy;
mod verify;
mod workspace;

use std::process::ExitCode;

use failure::Failure;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  verify   format, clippy, tidy, documentation; writes nothing but `target`
  fix      what can be fixed by a machine: format, clippy's suggestions, snapshots
  test     sets up what is missing on a Debian machine, then verify and every test
  tidy     the rules of the house that no other tool knows
  bench gateway [--seconds N] [--rounds N] [--connections N] [--peers A,B] [--cases A,B]
                [--extras A,B|none] [--binary FILE] [--output json] [--save]
           CPU, throughput, latency and memory beside HAProxy, nginx, Envoy, Traefik and Pingora
  bench availability [--rounds N] [--rows A,B] [--peers A,B] [--binary FILE] [--output json] [--save]
           the same faults beside HAProxy, nginx, Envoy and Traefik; a quarter of an hour
  bench reload [--reloads N] [--upgrades N] [--rate N] [--binary FILE] [--output json] [--save]
           reloads and upgrades under load: what is lost
  bench classify [--each N] [--kinds A,B] [--clusters N] [--binary FILE] [--output json] [--save | --add]
           failures of all kinds on five real nodes, and what they are taken for; needs root
  bench serf [--rounds N] [--rows A,B] [--binary FILE] [--beside TEXT] [--output json] [--save]
           Debian's serf beside Ninefold under the same faults; needs root; three quarters of an hour
  bench policies [--quick] [--rounds N] [--threads 1,2,4] [--cases A,B] [--output json] [--save]
           the library's policies beside their peers in Rust: time, allocations, instructions
  bench behaviour [--seed N] [--scenarios A,B] [--output json] [--save]
           how the library's policies behave beside their peers in Rust, simulated
  bench detection [--seeds N] [--count N] [--save]
           failure detectors on modelled traces: how fast, and how often wrong
  bench membership [--nodes 100,1000] [--peers A,B] [--scenarios A,B] [--seeds 10,3] [--save]
           members of clusters beside each other in one simulator: detection, mistakes, bytes
  soak [--first N] [--seeds N] [--nodes N]
           our membership under drawn faults in the simulator: each seed a plan, under all invariants
  fuzz [--seconds N] [TARGET…]
           what is read from outside, under libFuzzer; 60 seconds a target
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say::error(&why.to_string());
            ExitCode::from(why.status())
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    if words.iter().any(|word| matches!(*word, "--help" | "-h")) {
        say::out(USAGE);
        return Ok(());
    }
    match words {
        ["verify"] => verify::run(),
        ["fix"] => fix::run(),
        ["test"] => test::run(),
        ["tidy"] => tidy::run(),
        ["bench", "gateway", options @ ..] => bench::gateway::run(options),
        ["bench", "availability", options @ ..] => bench::availability::run(options),
        ["bench", "reload", options @ ..] => bench::reload::run(options),
        ["bench", "classify", options @ ..] => bench::classify::run(options),
        ["bench", "serf", options @ ..] => bench::serf::run(options),
        ["bench", "policies", options @ ..] => bench::policies::run(options),
        ["bench", "behaviour", options @ ..] => bench::behaviour::run(options),
        ["bench", "detection", options @ ..] => bench::page::DETECTION.run(options),
        ["bench", "membership", options @ ..] => bench::page::MEMBERSHIP.run(options),
        ["soak", options @ ..] => soak::run(options),
        ["fuzz", options @ ..] => fuzz::run(options),
        ["help"] => {
            say::out(USAGE);
            Ok(())
        }
        _ => Err(Failure::usage(USAGE)),
    }
}
