//! `measure [--quick] [--threads 1,2,4] [--cases A,B] [--subject TEXT] --into FOLDER`: the time of
//! a call by criterion, as one JSON object a line in `FOLDER/times.jsonl`.
//!
//! With more threads than one each has its own runner on one shared instance. They start together;
//! the time of a call is from the start of the first to the end of the last, over the calls of one
//! thread. So a policy that scales perfectly shows the same figure for as many threads as there are
//! cores, and one that is a single lock shows it multiplied.

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use bench_policies::{Case, Filter, Runner, Subject};
use criterion::{BenchmarkId, Criterion, SamplingMode};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let words: Vec<String> = env::args().skip(1).collect();
    let (filter, rest) = Filter::parse(&words)?;
    let (mut quick, mut threads, mut folder) = (false, vec![1, 2, 4], None);
    let mut rest = rest.into_iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or(format!("`{word}` needs a value"));
        match word {
            "--quick" => quick = true,
            "--threads" => {
                let numbers = value()?.split(',').map(str::parse);
                threads = numbers.collect::<Result<_, _>>()?;
            }
            "--into" => folder = Some(PathBuf::from(value()?)),
            _ => return Err(format!("unknown option `{word}`").into()),
        }
    }
    let folder = folder.ok_or("--into FOLDER is missing")?;
    fs::create_dir_all(&folder)?;
    let mut times = File::create(folder.join("times.jsonl"))?;
    let mut criterion = criterion(quick, &folder);
    for (case, subject) in filter.subjects() {
        for threads in threads
            .iter()
            .copied()
            .filter(|n| *n <= subject.threads_max)
        {
            let line = measure(&mut criterion, &folder, case, &subject, threads)?;
            writeln!(times, "{line}")?;
        }
    }
    Ok(())
}

fn criterion(quick: bool, folder: &Path) -> Criterion {
    let millis = Duration::from_millis;
    let (samples, warm_up, measurement) = if quick {
        (10, millis(20), millis(50))
    } else {
        (20, millis(300), millis(1_000))
    };
    Criterion::default()
        .output_directory(folder)
        .without_plots()
        .sample_size(samples)
        .warm_up_time(warm_up)
        .measurement_time(measurement)
        .nresamples(if quick { 1_000 } else { 10_000 })
}

fn measure(
    criterion: &mut Criterion,
    folder: &Path,
    case: Case,
    subject: &Subject,
    threads: usize,
) -> Result<Value, Failure> {
    let name = subject.name();
    let mut runners = subject.runners(threads);
    let mut group = criterion.benchmark_group(case.name());
    // Samples of one length, each longer than a time slice, so that threads do run together.
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(BenchmarkId::new(&name, threads), |bencher| {
        bencher.iter_custom(|calls| together(&mut runners, calls));
    });
    group.finish();
    let saved = folder
        .join(case.name())
        .join(&name)
        .join(threads.to_string())
        .join("new/estimates.json");
    let text = fs::read_to_string(&saved).map_err(|e| format!("{}: {e}", saved.display()))?;
    let estimates: Value = serde_json::from_str(&text)?;
    let median = &estimates["median"];
    Ok(json!({
        "case": case.name(),
        "subject": name,
        "threads": threads,
        "ns": median["point_estimate"],
        "ns_low": median["confidence_interval"]["lower_bound"],
        "ns_high": median["confidence_interval"]["upper_bound"],
    }))
}

/// All runners at once, from the start of the first to the end of the last.
fn together(runners: &mut [Runner], calls: u64) -> Duration {
    if let [runner] = runners {
        let begun = Instant::now();
        runner(calls);
        return begun.elapsed();
    }
    let gate = &Barrier::new(runners.len());
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = runners
            .iter_mut()
            .map(|runner| {
                scope.spawn(move || {
                    gate.wait();
                    let begun = Instant::now();
                    runner(calls);
                    (begun, Instant::now())
                })
            })
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    });
    let begun = spans.iter().map(|(begun, _)| *begun).min();
    let ended = spans.iter().map(|(_, ended)| *ended).max();
    begun
        .zip(ended)
        .map_or(Duration::ZERO, |(begun, ended)| ended - begun)
}
