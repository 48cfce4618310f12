//! What the figures should show.

use super::figures::{BARE, Figures, OURS};

/// A closed breaker's call may take so long on one thread.
const BREAKER_NS_MAX: f64 = 20.0;
/// A whole pipeline may add so much to the bare service.
const PIPELINE_NS_MAX: f64 = 400.0;
/// Whom a closed breaker should beat, and on how many threads.
const SLOWER: [&str; 4] = ["tower-resilience", "recloser", "failsafe", "seatbelt"];
const THREADS: [u32; 2] = [1, 4];

/// One aim, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    /// The aim.
    pub(super) aim: String,
    /// The figures.
    pub(super) seen: String,
    /// Whether it was reached; `None` if it was not measured.
    pub(super) reached: Option<bool>,
}

/// All aims.
pub(super) fn goals(figures: &Figures) -> Vec<Goal> {
    let mut goals = vec![closed_breaker(figures), allocations(figures)];
    for library in SLOWER {
        goals.extend(THREADS.map(|threads| slower(figures, library, threads)));
    }
    goals.push(pipeline(figures));
    goals
}

fn goal(aim: String, seen: Option<(String, bool)>) -> Goal {
    match seen {
        Some((seen, reached)) => Goal {
            aim,
            seen,
            reached: Some(reached),
        },
        None => Goal {
            aim,
            seen: "not measured".to_owned(),
            reached: None,
        },
    }
}

fn closed_breaker(figures: &Figures) -> Goal {
    let time = || {
        let call = figures.find("breaker-closed", OURS, "call")?;
        let ns = figures.time(call, 1)?.median;
        Some((format!("{ns:.1} ns"), ns <= BREAKER_NS_MAX))
    };
    let aim = format!("a closed breaker's call takes at most {BREAKER_NS_MAX} ns on one thread");
    goal(aim, time())
}

fn allocations(figures: &Figures) -> Goal {
    let call = figures.find("breaker-closed", OURS, "call");
    let seen = call.map(|call| (format!("{}", call.allocations), call.allocations <= 0.0));
    goal("it allocates nothing".to_owned(), seen)
}

/// Each of its surfaces against ours of the same kind; the closest one counts.
fn slower(figures: &Figures, library: &str, threads: u32) -> Goal {
    let ratios = figures
        .of("breaker-closed")
        .filter(|subject| subject.library == library && !subject.heard)
        .filter_map(|subject| figures.ratio(subject, threads));
    let least = ratios.min_by(f64::total_cmp);
    let aim = format!("{library}'s takes longer than ours, threads: {threads}");
    goal(
        aim,
        least.map(|ratio| (format!("× {ratio:.1}"), ratio > 1.0)),
    )
}

fn pipeline(figures: &Figures) -> Goal {
    let added = || {
        let ns = |library| {
            let subject = figures.find("pipeline", library, "call")?;
            Some(figures.time(subject, 1)?.median)
        };
        let added = ns(OURS)? - ns(BARE)?;
        Some((format!("{added:.0} ns"), added <= PIPELINE_NS_MAX))
    };
    let aim = format!("a whole client pipeline adds at most {PIPELINE_NS_MAX} ns");
    goal(aim, added())
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::figures;
    use super::*;

    #[test]
    fn aims_are_reached_or_not_or_unknown() {
        let case = "breaker-closed";
        let goals = goals(&figures(&[
            (case, OURS, "call", 12),
            (case, OURS, "layer", 18),
            (case, "recloser", "call", 24),
            (case, "failsafe", "call", 11),
            ("pipeline", BARE, "call", 2),
            ("pipeline", OURS, "call", 403),
        ]));
        let seen = |aim: &str| {
            let goal = goals.iter().find(|goal| goal.aim.contains(aim)).unwrap();
            (goal.seen.as_str(), goal.reached)
        };
        assert_eq!(seen("at most 20 ns"), ("12.0 ns", Some(true)));
        assert_eq!(seen("nothing"), ("0", Some(true)));
        assert_eq!(seen("recloser"), ("× 2.0", Some(true)));
        assert_eq!(seen("failsafe"), ("× 0.9", Some(false)));
        assert_eq!(seen("seatbelt"), ("not measured", None));
        assert_eq!(seen("pipeline"), ("401 ns", Some(false)));
    }
}
