//! The SLO ledger on disk: any record is bearable, counts go on, and a second look says the same.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use ninefold_core::slo::{Indicator, Objective};
use ninefold_core::time::Timestamp;
use ninefold_fuzz::Scratch;
use ninefold_observe::slo_ledger::SloLedger;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::new);

const NOW: Timestamp = Timestamp::from_secs(1_795_489_300);

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    // Both records, with this between them.
    let between = input.windows(2).position(|two| two == b"--");
    let (rings, head) = input.split_at(between.unwrap_or(input.len()));
    let head = head.get(2..).unwrap_or_default();
    let folder = SCRATCH.empty();
    for (name, record) in [("slo-rings.1", rings), ("slo-head.1", head)] {
        fs::write(folder.join(name), twin(record)).expect("a small file can be written");
    }
    let (mut ledger, _notices) = open(folder);
    let before = ledger.routes().to_vec();
    for slo in ledger.slos(NOW) {
        assert_eq!(slo.slo, "checkout");
    }
    drop(ledger.alerts(NOW));
    assert!(ledger.add(NOW, "checkout/availability", 3, 1));
    ledger.flush(NOW).expect("memory takes it");
    let status = format!("{:?}", ledger.slos(NOW));
    let (again, _notices) = open(folder);
    assert_eq!(again.routes(), before);
    assert_eq!(format!("{:?}", again.slos(NOW)), status);
});

fn open(folder: &Path) -> (SloLedger, Vec<String>) {
    let objective = Objective {
        name: "checkout".to_owned(),
        route: "checkout".to_owned(),
        indicator: Indicator::Availability,
        objective: 0.999,
        window: Duration::from_secs(30 * 86_400),
    };
    let routes = vec!["checkout".to_owned()];
    SloLedger::open(folder, vec![objective], routes, NOW).expect("damage is no error")
}

/// A whole file of a record: magic, number, length, checksum.
fn twin(record: &[u8]) -> Vec<u8> {
    let number = 1u64.to_le_bytes();
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number);
    hasher.update(record);
    let length = (record.len() as u64).to_le_bytes();
    let sum = hasher.finalize().to_le_bytes();
    [b"9fold-t1", &number[..], &length, &sum, record].concat()
}
