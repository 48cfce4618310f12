//! What holds for every detector, whatever arrives.

use std::time::Duration;

use ninefold_core::time::Timestamp;
use proptest::prelude::*;

use super::*;

const INTERVAL: Duration = Duration::from_millis(100);

/// What may happen: a heartbeat whose number and time are so far from the last, which may be back; or a stall.
#[derive(Clone, Copy, Debug)]
enum Act {
    Heartbeat { numbers: i64, nanos: i64 },
    Stall { ago: i64, nanos: i64 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let usual = (1i64..4, 0i64..300_000_000);
    let heartbeat = |(numbers, nanos)| Act::Heartbeat { numbers, nanos };
    let act = prop_oneof![
        8 => usual.prop_map(heartbeat),
        1 => (-3i64..3, -500_000_000i64..20_000_000_000).prop_map(heartbeat),
        1 => any::<(i64, i64)>().prop_map(heartbeat),
        1 => (-1_000_000_000i64..1_000_000_000, -1_000_000_000i64..6_000_000_000)
            .prop_map(|(ago, nanos)| Act::Stall { ago, nanos }),
        1 => any::<(i64, i64)>().prop_map(|(ago, nanos)| Act::Stall { ago, nanos }),
    ];
    prop::collection::vec(act, 1..120)
}

fn all() -> Vec<Detector> {
    let request = Request::default();
    let swept = Kind::ALL.into_iter().flat_map(|kind| {
        let shipped = Setting::shipped(kind, INTERVAL, request);
        Setting::sweep(kind, INTERVAL, 3).chain([shipped])
    });
    swept.map(|setting| setting.detector(INTERVAL)).collect()
}

/// Does it, and says what time it is then.
fn act(detector: &mut Detector, act: Act, state: &mut (u64, Timestamp)) {
    let moved =
        |at: Timestamp, nanos| Timestamp::from_nanos(at.as_nanos().saturating_add_signed(nanos));
    match act {
        Act::Heartbeat { numbers, nanos } => {
            state.0 = state.0.saturating_add_signed(numbers);
            state.1 = moved(state.1, nanos);
            detector.heartbeat(state.0, Some(state.1), state.1);
        }
        Act::Stall { ago, nanos } => {
            let from = moved(state.1, ago);
            detector.stalled(from, moved(from, nanos));
        }
    }
}

proptest! {
    /// Time that jumps either way, numbers that repeat, stalls of any length: nothing panics, and between two
    /// events suspicion never falls and agrees with the deadline.
    #[test]
    fn suspicion_grows_until_something_happens(script in acts(), looks in prop::collection::vec(0u64..30_000_000_000, 1..6)) {
        let mut looks = looks;
        looks.sort_unstable();
        for mut detector in all() {
            let mut state = (1_000, Timestamp::from_secs(1_000));
            for step in &script {
                act(&mut detector, *step, &mut state);
                let mut least = 0.0;
                for look in &looks {
                    let now = state.1 + Duration::from_nanos(*look);
                    let suspicion = detector.suspicion(now);
                    prop_assert!(suspicion >= least, "{detector:?}: {suspicion} after {least}");
                    least = suspicion;
                    if let Some(deadline) = detector.deadline() {
                        // Rounding to a nanosecond apart.
                        let (before, after) = (deadline - Duration::from_micros(1), deadline + Duration::from_micros(1));
                        prop_assert!(now <= after || suspicion >= 1.0, "{detector:?}: {suspicion}");
                        prop_assert!(now >= before || suspicion <= 1.0, "{detector:?}: {suspicion}");
                    }
                }
            }
        }
    }

    /// Whoever was suspected after a long silence is trusted again once heartbeats come as they should. The
    /// detectors that expect by a long window take as long as it is.
    #[test]
    fn trust_comes_back(silence in 1u64..60_000, before in 2u64..40) {
        for mut detector in all().into_iter().filter(|detector| !hasty(detector)) {
            let mut now = Timestamp::from_secs(1_000);
            let mut seq = 0;
            let mut beat = |detector: &mut Detector, gap: Duration| {
                now = now + gap;
                seq += 1;
                detector.heartbeat(seq, None, now);
                now
            };
            for _ in 0..before {
                beat(&mut detector, INTERVAL);
            }
            beat(&mut detector, Duration::from_millis(silence));
            let mut after = 0;
            // The phase has moved by the silence: beside it, mean and window both weigh.
            loop {
                let arrived = beat(&mut detector, INTERVAL);
                if !detector.suspects(arrived) {
                    break;
                }
                after += 1;
                prop_assert!(after < 1_100, "{detector:?}");
            }
        }
    }

    /// The deadline of ours lies between one interval and the requested detection time after an arrival,
    /// whatever arrives, and is put off by as much as the observer was stalled.
    #[test]
    fn ours_keeps_the_detection_time(gaps in prop::collection::vec(0u64..3_000, 1..80), stall in 1u64..5_000) {
        let request = Request::default();
        let mut detector = Cantelli::new(INTERVAL, request);
        let mut now = Timestamp::from_secs(1_000);
        for (seq, gap) in (1..).zip(gaps) {
            now = now + Duration::from_millis(gap);
            detector.heartbeat(seq, None, now);
            let deadline = detector.deadline().unwrap();
            prop_assert!(deadline >= now + INTERVAL && deadline <= now + request.detection_time);
            prop_assert!(!detector.suspects(now));
        }
        let deadline = detector.deadline().unwrap();
        let stall = Duration::from_millis(stall);
        let from = now + Duration::from_millis(3);
        detector.stalled(from, from + stall);
        prop_assert_eq!(detector.deadline().unwrap(), deadline + stall);
        // Told twice it counts once, and backwards not at all.
        detector.stalled(from, from + stall);
        detector.stalled(from + stall, from);
        prop_assert_eq!(detector.deadline().unwrap(), deadline + stall);
    }
}

/// The least knob of a sweep lets a detector suspect before the next heartbeat is due.
fn hasty(detector: &Detector) -> bool {
    let now = Timestamp::from_secs(1_000);
    let mut detector = detector.clone();
    for seq in 0..1_100u64 {
        let at = now + INTERVAL.saturating_mul(u32::try_from(seq).unwrap());
        if seq > 1_000 && detector.suspects(at) {
            return true;
        }
        detector.heartbeat(seq, None, at);
    }
    false
}

#[test]
fn a_clock_that_steps_back_begins_anew() {
    let late = Timestamp::from_secs(10_000);
    let early = Timestamp::from_secs(10);
    for mut detector in all() {
        for seq in 0..50u32 {
            detector.heartbeat(seq.into(), None, late + INTERVAL * seq);
        }
        let mut fresh = detector.clone();
        for seq in 50..60u32 {
            detector.heartbeat(seq.into(), None, early + INTERVAL * seq);
        }
        // As one that never saw what was before.
        fresh.heartbeat(50, None, early + INTERVAL * 50);
        for seq in 51..60u32 {
            fresh.heartbeat(seq.into(), None, early + INTERVAL * seq);
        }
        assert_eq!(detector.deadline(), fresh.deadline());
        let deadline = detector.deadline().unwrap();
        assert!(deadline < early + Duration::from_secs(600), "{detector:?}");
    }
}
