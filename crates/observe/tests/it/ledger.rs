//! The SLO ledger: reopening gives the same, damage gives the copy before.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ninefold_core::slo::{Indicator, Objective, RouteTotals};
use ninefold_core::time::Timestamp;
use ninefold_observe::slo_ledger::{LedgerError, SloLedger};
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_secs(1_795_489_300);
const KEY: &str = "checkout/availability";

fn objectives() -> Vec<Objective> {
    let window = Duration::from_secs(30 * 86_400);
    let (name, route) = ("checkout".to_owned(), "checkout".to_owned());
    let availability = Objective {
        name,
        route,
        indicator: Indicator::Availability,
        objective: 0.999,
        window,
    };
    let latency = Objective {
        indicator: Indicator::Latency {
            under: Duration::from_millis(300),
        },
        ..availability.clone()
    };
    vec![availability, latency]
}

fn open(folder: &Path, now: Timestamp) -> (SloLedger, Vec<String>) {
    let routes = vec!["checkout".to_owned(), "other".to_owned()];
    SloLedger::open(folder, objectives(), routes, now).unwrap()
}

fn totals(requests: u64) -> RouteTotals {
    RouteTotals {
        requests,
        ok: requests,
        ..RouteTotals::default()
    }
}

fn text(ledger: &SloLedger, now: Timestamp) -> String {
    format!("{:?} {:?}", ledger.slos(now), ledger.routes())
}

#[test]
fn what_was_flushed_survives_without_any_farewell() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, notices) = open(folder.path(), START);
    assert_eq!(notices, Vec::<String>::new());
    for second in 0..60 {
        let now = START + Duration::from_secs(second);
        assert!(ledger.add(now, KEY, 100, 1));
        assert!(ledger.add_route(now, "checkout", totals(101)));
        ledger.flush(now).unwrap();
    }
    let now = START + Duration::from_secs(61);
    let (again, notices) = open(folder.path(), now);
    assert_eq!(notices, Vec::<String>::new());
    assert_eq!(text(&again, now), text(&ledger, now));
    assert_eq!(again.slos(now)[0].total, 6_060);
    assert_eq!(again.slos(now)[0].bad, 60);
    assert_eq!(again.routes()[0].1.requests, 6_060);
}

#[test]
fn unknown_names_are_refused_and_doubles_too() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), START);
    assert!(!ledger.add(START, "nobody/availability", 1, 0));
    assert!(!ledger.add_route(START, "nobody", totals(1)));
    let mut twice = objectives();
    twice.extend(objectives());
    let error = SloLedger::open(folder.path(), twice, Vec::new(), START).unwrap_err();
    assert!(matches!(error, LedgerError::Twice(_)), "{error}");
}

#[test]
fn a_changed_definition_begins_anew_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), START);
    ledger.add(START, KEY, 10, 0);
    ledger.add(START, "checkout/latency", 10, 0);
    ledger.flush(START).unwrap();
    let mut changed = objectives();
    changed[0].objective = 0.9;
    changed[1].indicator = Indicator::Latency {
        under: Duration::from_millis(100),
    };
    let (again, notices) = SloLedger::open(folder.path(), changed, Vec::new(), START).unwrap();
    assert_eq!(again.slos(START)[0].total, 10);
    assert_eq!(again.slos(START)[1].total, 0);
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("begin anew"), "{}", notices[0]);
}

#[test]
fn alerts_do_not_begin_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), START);
    ledger.add(START, KEY, 0, 1_000);
    let begun = ledger.alerts(START);
    assert!(begun.iter().any(|change| change.firing), "{begun:?}");
    ledger.flush(START).unwrap();
    let (mut again, _) = open(folder.path(), START);
    assert_eq!(again.alerts(START), []);
    let later = START + Duration::from_secs(86_400 * 4);
    assert_eq!(again.alerts(later).len(), begun.len());
}

#[test]
fn a_disk_that_refuses_keeps_the_counts_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (mut ledger, _) = open(&path, START);
    fs::remove_dir_all(&path).unwrap();
    ledger.add(START, KEY, 7, 0);
    let error = ledger.flush(START).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    fs::create_dir(&path).unwrap();
    ledger.flush(START).unwrap();
    let later = START + Duration::from_secs(60);
    ledger.add(later, KEY, 1, 0);
    ledger.flush(later + Duration::from_secs(10)).unwrap();
    let (again, _) = open(&path, later);
    assert_eq!(again.slos(later)[0].total, 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reopening_at_any_flush_changes_nothing(
        steps in prop::collection::vec((0u64..30_000, 0u64..50, 0u64..3, any::<bool>()), 1..60)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut now = START;
        let (mut ledger, _) = open(folder.path(), now);
        let mut good_sum = 0;
        for (millis, good, bad, reopen) in steps {
            now = now + Duration::from_millis(millis);
            ledger.add(now, KEY, good, bad);
            ledger.add_route(now, "other", totals(good + bad));
            good_sum += good;
            ledger.flush(now).unwrap();
            if reopen {
                let before = text(&ledger, now);
                drop(ledger);
                let notices;
                (ledger, notices) = open(folder.path(), now);
                prop_assert_eq!(notices, Vec::<String>::new());
                prop_assert_eq!(text(&ledger, now), before);
            }
        }
        let status = &ledger.slos(now)[0];
        prop_assert_eq!(status.total - status.bad, good_sum);
    }

    #[test]
    fn damage_to_one_file_loses_at_most_one_bucket(
        which in 0usize..4, at in any::<u16>(), flip in 1u8..=255
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = open(folder.path(), START);
        for second in 0..40 {
            let now = START + Duration::from_secs(second);
            ledger.add(now, KEY, 10, 0);
            ledger.flush(now).unwrap();
        }
        let names = ["slo-rings.0", "slo-rings.1", "slo-head.0", "slo-head.1"];
        let path = folder.path().join(names[which]);
        let mut bytes = fs::read(&path).unwrap();
        let at = usize::from(at) % bytes.len();
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        let now = START + Duration::from_secs(40);
        let (again, _) = open(folder.path(), now);
        let total = again.slos(now)[0].total;
        prop_assert!((290..=400).contains(&total), "{} of 400", total);
    }

    #[test]
    fn any_bytes_are_bearable(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["slo-rings.0", "slo-head.1"] {
            fs::write(folder.path().join(name), &bytes).unwrap();
        }
        let (ledger, notices) = open(folder.path(), START);
        prop_assert_eq!(ledger.slos(START)[0].total, 0);
        prop_assert!(notices[0].contains("damaged"), "{:?}", notices);
        prop_assert!(notices[0].contains("counting begins anew"), "{:?}", notices);
    }
}
