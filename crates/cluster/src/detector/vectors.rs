//! Reference vectors: deadlines after each heartbeat of a short trace, in nanoseconds.
//!
//! The numbers are from a few lines of Python that know nothing of this code: means and variances over lists
//! with exact fractions, and for φ as in Akka a bisection for the silence at which its formula, written as its
//! authors write it, reaches the threshold.

use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::*;

/// Number and arrival in microseconds: one every 100 ms, one lost, one late, and one that comes twice.
const TRACE: [(u64, u64); 10] = [
    (1, 1_000_000),
    (2, 1_102_500),
    (3, 1_199_000),
    (5, 1_410_250),
    (6, 1_503_000),
    (7, 1_780_000),
    (8, 1_781_500),
    (9, 1_902_000),
    (9, 1_950_000),
    (10, 2_004_000),
];

const INTERVAL: Duration = Duration::from_millis(100);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The deadlines after the heartbeats that count.
#[track_caller]
fn deadlines<const N: usize>(mut detector: impl FailureDetector, expected: [u64; N]) {
    assert_eq!(detector.deadline(), None);
    let mut found = Vec::new();
    for (seq, arrived) in TRACE {
        let before = detector.deadline();
        detector.heartbeat(seq, None, Timestamp::from_nanos(arrived * 1_000));
        if arrived == 1_950_000 {
            assert_eq!(detector.deadline(), before, "a repetition says nothing new");
        } else {
            found.extend(detector.deadline().map(Timestamp::as_nanos));
        }
    }
    let near = |(a, b): (&u64, &u64)| a.abs_diff(*b) <= 10;
    assert!(
        found.len() == N && found.iter().zip(&expected).all(near),
        "\nfound    {found:?}\nexpected {expected:?}"
    );
}

#[test]
fn fixed_timeout() {
    let expected = TRACE.map(|(_, arrived)| arrived * 1_000 + 350_000_000);
    let [a, b, c, d, e, f, g, h, _, i] = expected;
    deadlines(FixedTimeout::new(millis(350)), [a, b, c, d, e, f, g, h, i]);
}

#[test]
fn nfd_e() {
    deadlines(
        NfdE::new(INTERVAL, millis(150), 4),
        [
            1_250_000_000,
            1_351_250_000,
            1_450_500_000,
            1_652_937_500,
            1_753_687_500,
            1_898_062_500,
            2_018_687_500,
            2_141_625_000,
            2_266_875_000,
        ],
    );
}

#[test]
fn two_window() {
    deadlines(
        TwoWindow::new(INTERVAL, millis(150), 1, 4),
        [
            1_250_000_000,
            1_352_500_000,
            1_450_500_000,
            1_660_250_000,
            1_753_687_500,
            2_030_000_000,
            2_031_500_000,
            2_152_000_000,
            2_266_875_000,
        ],
    );
}

#[test]
fn bertier() {
    deadlines(
        Bertier::new(INTERVAL, 4.0, 4),
        [
            1_100_000_000,
            1_202_500_000,
            1_302_400_000,
            1_509_522_500,
            1_609_985_250,
            1_841_533_225,
            1_962_159_252,
            2_084_434_742,
            2_205_197_745,
        ],
    );
}

#[test]
fn phi_akka() {
    deadlines(
        PhiAkka::new(PhiAkka::THRESHOLD, PhiAkka::PAUSE),
        [
            6_306_496_661,
            7_258_257_208,
            7_276_634_679,
            7_261_446_793,
            7_211_946_488,
            7_314_345_479,
            7_242_068_582,
            7_251_131_317,
            7_257_899_759,
        ],
    );
    let eager = || PhiAkka::new(1.0, Duration::ZERO);
    deadlines(
        eager(),
        [
            2_320_553_836,
            2_405_658_076,
            2_368_975_949,
            2_473_579_016,
            2_482_463_407,
            2_701_513_504,
            2_647_590_766,
            2_721_699_639,
            2_783_698_463,
        ],
    );
    // φ after the trace and a silence of 100, 1,000 and 2,000 ms.
    let mut detector = eager();
    for (seq, arrived) in TRACE {
        detector.heartbeat(seq, None, Timestamp::from_nanos(arrived * 1_000));
    }
    let silences = [
        (100, 0.152_306_407_076_840_62),
        (1_000, 1.512_989_527_617_537_6),
        (2_000, 6.035_283_096_932_262),
    ];
    for (silence, phi) in silences {
        let found = detector.suspicion(Timestamp::from_millis(2_004 + silence));
        assert!((found - phi).abs() < 1e-9, "{found} {phi}");
    }
}

#[test]
fn phi_cassandra() {
    deadlines(
        PhiCassandra::new(PhiCassandra::THRESHOLD),
        [
            37_841_361_488,
            20_467_240_632,
            14_701_358_985,
            12_509_861_441,
            10_724_392_780,
            10_314_915_411,
            9_101_089_070,
            8_584_101_940,
            8_152_413_884,
        ],
    );
}

#[test]
fn phi_chitchat() {
    // The first heartbeat has no interval yet.
    deadlines(
        PhiChitchat::new(PhiChitchat::THRESHOLD),
        [
            34_572_500_000,
            29_997_857_143,
            26_820_500_000,
            24_172_333_333,
            22_404_000_000,
            20_531_681_818,
            19_170_000_000,
            18_006_461_538,
        ],
    );
}

#[test]
fn ninefold() {
    let ours = |detection, recurrence| {
        let request = Request {
            detection_time: millis(detection),
            mistake_recurrence: millis(recurrence),
        };
        Cantelli::with_windows(INTERVAL, request, 3, 6)
    };
    deadlines(
        ours(10_000, 1_000),
        [
            11_000_000_000,
            1_398_750_000,
            1_475_281_001,
            1_712_983_029,
            1_799_286_933,
            2_078_182_977,
            2_190_568_217,
            2_317_068_370,
            2_316_737_731,
        ],
    );
    // Rarer mistakes than a detection time of 400 ms allows: it is kept, beside the usual arrival.
    deadlines(
        ours(400, 10_000),
        [
            1_400_000_000,
            1_501_250_000,
            1_599_000_000,
            1_803_916_667,
            1_903_000_000,
            2_064_416_667,
            2_181_500_000,
            2_302_000_000,
            2_395_833_333,
        ],
    );
}
