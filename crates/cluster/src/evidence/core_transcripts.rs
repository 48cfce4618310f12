//! The verdicts of `core::detect`'s transcripts, as a conformance suite: the lines of evidence that each of them
//! carries, told to a ledger, have to give the same class. Where they do not, the file says why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use ninefold_core::time::Timestamp;

use super::{Channel, Evidence, Health, Ledger, Observer, Said, Sign, Subject};

/// Verdicts that the ledger does not share, by a part of their evidence, and the reason.
const OTHERWISE: [(&str, &str); 5] = [
    (
        "its keeper, process",
        "that a keeper's end stands for its instance's is a decision, and no evidence on how the instance fails",
    ),
    (
        ", which runs it, ",
        "that what a lost node runs is lost with it is a decision, and evidence on the node, not on the instance",
    ),
    (
        "answer their canaries rightly meanwhile",
        "one observer's word counts once to the ledger, and ages; what its peers answered meanwhile it is not told",
    ),
    (
        "what is declared, or a roll-out",
        "that what most replicas answer is not the fault of one is a guard, and no evidence on how the instance fails",
    ),
    (
        "in a vote without a majority",
        "that two differ accuses neither of them, and the ledger has no word for it",
    ),
];

struct Verdict {
    about: String,
    class: String,
    at: u64,
    lines: Vec<(u64, String, String)>,
}

/// Verdict lines begin with two spaces, their evidence with four.
fn verdicts(text: &str) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(evidence) = line.strip_prefix("    ").filter(|_| open) {
            let (at, rest) = evidence.split_once(' ').unwrap();
            let (observer, what) = rest.split_once(": ").unwrap();
            let line = (at.parse().unwrap(), observer.to_owned(), what.to_owned());
            verdicts.last_mut().unwrap().lines.push(line);
            continue;
        }
        open = false;
        let Some((at, rest)) = line.trim_start().split_once(" verdict ") else {
            continue;
        };
        let (about, rest) = rest.split_once(": ").unwrap();
        let (class, _) = rest.split_once(',').unwrap();
        open = true;
        verdicts.push(Verdict {
            about: about.to_owned(),
            class: class.to_owned(),
            at: at.parse().unwrap(),
            lines: Vec::new(),
        });
    }
    verdicts
}

/// What a line of core's evidence says in the ledger's words. Lines that only repeat what another one says, or what
/// the gateway concluded from the same answers, say nothing new.
fn said(what: &str) -> Vec<Said> {
    let has = |part: &str| what.contains(part);
    let mut signs = Vec::new();
    if has("the process lives") || has("it runs for") || has("process exists") {
        signs.push(Sign::Alive);
    }
    if has("the kernel says") {
        signs.push(Sign::Stopped);
    }
    if has("that was exit") || has("crash loop:") {
        signs.push(Sign::Looping);
    }
    if has("could not be started") {
        signs.push(Sign::Unstartable);
    }
    if has("got no answer") {
        signs.push(Sign::Unserved);
    } else if has("could not connect") {
        // Who never listened refuses nothing: `said_of` takes that for not being ready in time.
        let before = !has("), 30 in a row");
        signs.extend(before.then_some(Sign::Refused));
    } else if has("\"not well\"") {
        signs.push(Sign::Unwell);
    } else if has("its probes pass") {
        signs.push(Sign::Answers);
    }
    if has("took it out of rotation: slow") {
        signs.push(Sign::Outlier);
    }
    if has("callers fail as often at its peers") {
        signs.push(Sign::FailingEverywhere);
    } else if has("none answered for") {
        signs.push(Sign::Waiting);
    } else if has("not connected,") && !what.starts_with("its peers") {
        signs.push(callers(what));
    }
    if what.starts_with("GET /") && has(": wrong") {
        signs.push(Sign::Wrong);
    } else if has("alone against a majority") {
        signs.push(Sign::Minority);
    }
    let mut said: Vec<Said> = signs.into_iter().map(Said::Sign).collect();
    if let Some(rest) = what.strip_prefix("process ") {
        let (pid, ended) = rest.split_once(' ').unwrap();
        assert!(ended.starts_with("ended"), "{what}");
        said.push(Said::Ended(pid.parse().unwrap()));
    }
    said
}

/// `80 of 100 attempts failed within …: A not connected, B reset, C timed out, D answered 5xx`.
fn callers(what: &str) -> Sign {
    let count = |unit: &str| -> u64 {
        let (before, _) = what.split_once(unit).unwrap();
        let digits = before.trim_end().rsplit([' ', ',']).next().unwrap();
        digits.parse().unwrap()
    };
    let lost = count("not connected") + count("reset");
    let failed = lost + count("timed out") + count("answered 5xx");
    let attempts = what
        .split_once(" of ")
        .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
        .unwrap_or(failed);
    if lost * 2 < attempts {
        Sign::Failing
    } else if attempts > failed {
        Sign::Torn
    } else {
        Sign::Cut
    }
}

#[test]
fn the_ledger_classes_as_core_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/testdata/detect");
    let mut out = String::from(
        "# The verdicts of core's transcripts, by the rules of core and by the ledger.\n",
    );
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut tally: BTreeMap<bool, u32> = BTreeMap::new();
    let mut differ = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for verdict in verdicts(&std::fs::read_to_string(&path).unwrap()) {
            let ours = opinion(&verdict);
            let reason = OTHERWISE.iter().find(|(part, _)| {
                let mut lines = verdict.lines.iter();
                lines.any(|(_, _, what)| what.contains(part))
            });
            let same = ours == verdict.class;
            *tally.entry(same).or_default() += 1;
            let Verdict {
                about, class, at, ..
            } = &verdict;
            let why = match (same, reason) {
                (true, _) => String::new(),
                (false, Some((_, reason))) => format!(": {reason}"),
                (false, None) => {
                    differ.push(format!("{name} {at} {about}"));
                    ": NOT EXPLAINED".to_owned()
                }
            };
            writeln!(out, "{name} {at} {about}: {class}, ledger {ours}{why}").unwrap();
        }
    }
    writeln!(out, "# same, otherwise: {tally:?}").unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/core_verdicts.txt");
    expect_test::expect_file![path].assert_eq(&out);
    assert!(differ.is_empty(), "{differ:#?}");
    assert_eq!(tally.get(&false), Some(&16), "the reasons are for those");
    assert!(tally.values().sum::<u32>() >= 50, "{tally:?}");
}

/// All that a verdict's lines say. That it was never ready counts where no probe says more.
fn said_of(verdict: &Verdict) -> Vec<(u64, &str, Said)> {
    let mut all = Vec::new();
    for (at, observer, what) in &verdict.lines {
        all.extend(
            said(what)
                .into_iter()
                .map(|said| (*at, observer.as_str(), said)),
        );
    }
    let probed = all.iter().any(|(_, _, said)| {
        matches!(said, Said::Sign(sign) if sign.channel() == Channel::Edge || *sign == Sign::Stopped)
    });
    let mut lines = verdict.lines.iter();
    let unready = lines.find(|(_, _, what)| what.contains("was never ready"));
    if let Some((at, observer, _)) = unready.filter(|_| !probed) {
        all.push((*at, observer, Said::Sign(Sign::Unwell)));
    }
    all
}

fn opinion(verdict: &Verdict) -> String {
    let subject = Subject::Instance(verdict.about.parse().unwrap());
    let mut ledger = Ledger::new();
    let now = Timestamp::from_millis(verdict.at);
    for (at, observer, said) in said_of(verdict) {
        let evidence = Evidence {
            subject: subject.clone(),
            observer: Observer::new(observer),
            at: Timestamp::from_millis(at),
            health: Health::FULL,
            said,
        };
        ledger.learn(evidence, now);
    }
    let verdict = ledger.opinion(&subject, now).verdict;
    verdict.map_or_else(|| "well".to_owned(), |class| class.to_string())
}
