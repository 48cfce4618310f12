//! Instructions of a call, counted by callgrind.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::subject::Subject;
use crate::failure::{Failure, While};
use crate::{say, setup};

/// Calls of the shorter and of the longer run. What a call costs is the difference.
const CALLS: [u32; 2] = [1_000, 3_000];
/// The function of the program within which it counts.
const WITHIN: &str = "--toggle-collect=*counted_calls*";

/// Of each subject, by case and name. `None` where there is no valgrind, or it cannot run them.
pub(super) type Instructions = BTreeMap<(String, String), f64>;

/// Counts for all subjects, a run on each core at a time.
pub(super) fn count(program: &Path, subjects: &[Subject]) -> Result<Option<Instructions>, Failure> {
    let Some(valgrind) = setup::find("valgrind") else {
        say::progress("── instructions: valgrind is not there, so they are not counted");
        return Ok(None);
    };
    say::progress("── instructions");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = &AtomicUsize::new(0);
    let valgrind = valgrind.as_path();
    let counted = thread::scope(|scope| {
        let work = move || {
            let mut counted = Vec::new();
            while let Some(subject) = subjects.get(next.fetch_add(1, Ordering::Relaxed)) {
                let key = (subject.case.clone(), subject.name.clone());
                counted.push((key, per_call(valgrind, program, subject)?));
            }
            Ok::<_, Failure>(counted)
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let lost = || Failure::new("a thread that ran callgrind panicked");
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_panic| Err(lost()))
        };
        threads.into_iter().map(join).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(Some(counted.into_iter().flatten().collect()))
}

fn per_call(valgrind: &Path, program: &Path, subject: &Subject) -> Result<f64, Failure> {
    let [short, long] = CALLS;
    let fewer = run(valgrind, program, subject, short)?;
    let more = run(valgrind, program, subject, long)?;
    let difference = u32::try_from(more.saturating_sub(fewer)).while_("count instructions")?;
    Ok(f64::from(difference) / f64::from(long - short))
}

fn run(valgrind: &Path, program: &Path, subject: &Subject, calls: u32) -> Result<u64, Failure> {
    let what = format!("{} of {}", subject.name, subject.case);
    let output = Command::new(valgrind)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", WITHIN])
        .arg(program)
        .args([&subject.case, &subject.name, &calls.to_string()])
        .output()
        .while_(&format!("run callgrind on {what}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said)
        .filter(|_| output.status.success())
        .ok_or_else(|| Failure::new(format!("callgrind on {what} failed:\n{}", said.trim())))
}

/// The total in `==7== Collected : 1234`.
fn collected(said: &str) -> Option<u64> {
    let (_, total) = said
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    total.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 162939\n==7== \n";
        assert_eq!(collected(said), Some(162_939));
        assert_eq!(collected("valgrind: no such file"), None);
    }
}
