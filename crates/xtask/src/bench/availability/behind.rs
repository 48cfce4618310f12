//! Where Ninefold is behind a peer.

use super::column::{Figures, number, percent, spread};
use super::row::Row;

/// A share of requests differs from here on, in percentage points.
const SHARE: f64 = 0.1;
/// A share of capacity or of critical requests differs from here on, in percentage points.
const GOODPUT: f64 = 3.0;
/// A latency differs below this part of the other.
const LATENCY: f64 = 0.9;
/// Who fails more than so many percentage points more is not compared by latency: to answer only
/// what is easy is no merit.
const COMPARABLE: f64 = 1.0;
/// A replica is back later from here on, in seconds.
const BACK: f64 = 0.5;

/// In what a peer is ahead of Ninefold in a row; medians.
pub(super) fn behind(row: Row, ours: &[Figures], theirs: &[Figures]) -> Vec<String> {
    if ours.is_empty() || theirs.is_empty() {
        return Vec::new();
    }
    let mut lost = Vec::new();
    let of = |name: &str| (spread(ours, name).median, spread(theirs, name).median);
    let mut say = |is: bool, what: &str, (our, their): (f64, f64)| {
        if is {
            lost.push(format!("{what} {our:.1} against {their:.1}"));
        }
    };
    let comparable = if row.is_overload() {
        let goodput = of("goodput_pct");
        say(goodput.1 > goodput.0 + GOODPUT, "goodput %", goodput);
        let critical = of("critical_failed_pct");
        let better = critical.1 < critical.0 - GOODPUT;
        say(better, "critical failed %", critical);
        let recovered = of("recovered_s");
        let better = recovered.1 < recovered.0 - 0.1;
        say(better, "recovered after s", recovered);
        goodput.1 >= goodput.0 - GOODPUT && critical.1 <= critical.0 + GOODPUT
    } else {
        let medians = |name| (percent(ours, name).median, percent(theirs, name).median);
        let failed = medians("failed");
        if failed.1 < failed.0 - SHARE {
            lost.push(format!("failed % {:.2} against {:.2}", failed.0, failed.1));
        }
        // Where it was never taken out it is no merit that it is there.
        let isolates = spread(theirs, "isolated_s").median.is_finite();
        if row.brings_back() && isolates && failed.1 <= failed.0 + COMPARABLE {
            let back = of("back_s");
            if back.1 < back.0 - BACK {
                let (our, their) = (number(back.0, 2), number(back.1, 2));
                lost.push(format!("back after s {our} against {their}"));
            }
        }
        failed.1 <= failed.0 + COMPARABLE
    };
    for (name, what) in [
        ("p99_during_ms", "p99 ms during"),
        ("p99_settled_ms", "p99 ms from 5 s on"),
    ] {
        let (our, their) = of(name);
        if comparable && their < our * LATENCY {
            lost.push(format!("{what} {our:.0} against {their:.0}"));
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(figures: &[(&str, f64)]) -> [Figures; 1] {
        let figures = figures.iter();
        [figures
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect()]
    }

    #[test]
    fn a_loss_is_said() {
        let ours = run(&[("sent", 100.0), ("failed", 1.0), ("p99_during_ms", 50.0)]);
        let theirs = run(&[("sent", 100.0), ("failed", 0.0), ("p99_during_ms", 20.0)]);
        assert_eq!(
            behind(Row::Gray, &ours, &theirs),
            ["failed % 1.00 against 0.00", "p99 ms during 50 against 20"]
        );
        assert_eq!(behind(Row::Gray, &theirs, &ours), [""; 0]);
    }

    #[test]
    fn who_fails_is_not_praised_for_its_speed() {
        let ours = run(&[("sent", 100.0), ("failed", 0.0), ("p99_during_ms", 50.0)]);
        let theirs = run(&[("sent", 100.0), ("failed", 30.0), ("p99_during_ms", 20.0)]);
        assert_eq!(behind(Row::Kill, &ours, &theirs), [""; 0]);
        let ours = run(&[("goodput_pct", 25.0), ("critical_failed_pct", 97.0)]);
        let theirs = run(&[("goodput_pct", 96.0), ("critical_failed_pct", 96.0)]);
        assert_eq!(
            behind(Row::Overload10, &ours, &theirs),
            ["goodput % 25.0 against 96.0"]
        );
    }

    #[test]
    fn a_replica_that_is_back_late_is_said_where_the_peer_had_taken_it_out() {
        let figures = |isolated: &[(&str, f64)], back: &[(&str, f64)]| {
            let all = [&[("sent", 100.0), ("failed", 0.0)], isolated, back].concat();
            run(&all)
        };
        let ours = figures(&[("isolated_s", 0.0)], &[]);
        let theirs = figures(&[("isolated_s", 0.5)], &[("back_s", 1.0)]);
        assert_eq!(
            behind(Row::Hang, &ours, &theirs),
            ["back after s never against 1.00"]
        );
        assert_eq!(behind(Row::Hang, &theirs, &ours), [""; 0]);
        let flaky = figures(&[], &[("back_s", 0.0)]);
        assert_eq!(behind(Row::Hang, &ours, &flaky), [""; 0]);
        let critical = [("goodput_pct", 95.0), ("critical_failed_pct", 0.0)];
        let ours = run(&[critical[0], critical[1], ("p99_during_ms", 190.0)]);
        let theirs = [
            critical[0],
            ("critical_failed_pct", 90.0),
            ("p99_during_ms", 58.0),
        ];
        assert_eq!(behind(Row::Overload10, &ours, &run(&theirs)), [""; 0]);
    }
}
