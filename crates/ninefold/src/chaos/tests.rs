//! What reaches the service, and what callers get instead.

use std::cell::Cell;
use std::future::ready;
use std::time::Duration;

use ninefold_core::policy::{PolicyKind, Reason, Rejected};
use ninefold_core::units::{Ratio, Span};

use super::{Chaos, ChaosConfig, NoOutcome};
use crate::Error;
use crate::clock::{Now, VirtualTime};
use crate::testing::{Heard, Recorder};

const INJECTED: Error<&str> = Error::Rejected(Rejected::new(PolicyKind::Chaos, Reason::Injected));

fn config() -> ChaosConfig {
    ChaosConfig {
        enabled: true,
        seed: 7,
        ..ChaosConfig::default()
    }
}

fn chaos(config: ChaosConfig) -> (VirtualTime, Chaos<VirtualTime>) {
    let time = VirtualTime::new();
    (time.clone(), Chaos::on(time, config).unwrap())
}

/// Calls so often; gives the answers, how often the call was made, and how long all took.
fn run<O>(
    time: &VirtualTime,
    chaos: &Chaos<VirtualTime, O>,
    calls: usize,
) -> (Vec<Result<u32, Error<&'static str>>>, u32, Duration)
where
    O: super::Inject<u32, Error<&'static str>>,
{
    let (made, began) = (Cell::new(0), time.now());
    let answers = (0..calls).map(|_| {
        time.block_on(chaos.call(|| {
            made.set(made.get() + 1);
            ready(Ok(1))
        }))
    });
    (answers.collect(), made.get(), time.now().since(began))
}

#[test]
fn off_by_default_whatever_the_shares() {
    let all = ChaosConfig {
        enabled: ChaosConfig::default().enabled,
        fault: Ratio::ONE,
        latency: Ratio::ONE,
        ..config()
    };
    let (time, chaos) = chaos(all);
    assert_eq!(run(&time, &chaos, 2), (vec![Ok(1); 2], 2, Duration::ZERO));
    chaos.enable(true);
    let expected = (vec![Err(INJECTED); 2], 0, Duration::from_millis(200));
    assert_eq!(run(&time, &chaos, 2), expected);
    chaos.enable(false);
    assert_eq!(run(&time, &chaos, 1), (vec![Ok(1)], 1, Duration::ZERO));
}

#[test]
fn the_same_seed_repeats_the_run() {
    let half = ChaosConfig {
        fault: Ratio::percent(50),
        latency: Ratio::percent(50),
        jitter: Span::secs(1),
        ..config()
    };
    let (time, first) = chaos(half);
    let one = run(&time, &first, 64);
    let (_, second) = chaos(half);
    let second = second.with_time(time.clone());
    assert_eq!(run(&time, &second, 64), one);
    assert_ne!(run(&time, &second, 64), one, "other numbers");
    second.reconfigure(ChaosConfig { seed: 8, ..half }).unwrap();
    assert_ne!(run(&time, &second, 64), one, "another seed");
    second.reconfigure(half).unwrap();
    assert_eq!(run(&time, &second, 64), one, "the numbers begin anew");
}

#[test]
fn what_is_injected_says_so() {
    let recorder = Recorder::new();
    let (time, latency) = chaos(ChaosConfig {
        latency: Ratio::ONE,
        delay: Span::secs(2),
        ..config()
    });
    let latency = latency.with_source(recorder.source("catalog"));
    assert_eq!(
        run(&time, &latency, 1),
        (vec![Ok(1)], 1, Duration::from_secs(2))
    );
    let (_, fault) = chaos(ChaosConfig {
        fault: Ratio::ONE,
        outcome: Ratio::ONE,
        ..config()
    });
    let fault = fault.with_source(recorder.source("catalog"));
    assert_eq!(run(&time, &fault, 1).0, [Err(INJECTED)]);
    let heard = ["latency", "fault"].map(Heard::Injected);
    assert_eq!(recorder.heard(), heard);
}

#[test]
fn outcomes_come_from_the_user_or_not_at_all() {
    let recorder = Recorder::new();
    let (time, chaos) = chaos(ChaosConfig {
        outcome: Ratio::ONE,
        ..config()
    });
    let chaos = chaos.with_source(recorder.source("catalog"));
    assert_eq!(run(&time, &chaos, 1), (vec![Ok(1)], 1, Duration::ZERO));
    assert_eq!(recorder.heard(), []);
    let answers = |number: u64| match number {
        1 => Ok(20),
        _ => Err(Error::Service("made up")),
    };
    let chaos = chaos.with_outcome(answers);
    let expected = vec![Ok(20), Err(Error::Service("made up"))];
    assert_eq!(run(&time, &chaos, 2), (expected, 0, Duration::ZERO));
    assert_eq!(recorder.heard(), [Heard::Injected("outcome"); 2]);
    let chaos = chaos.with_outcome(NoOutcome);
    assert_eq!(run(&time, &chaos, 1).0, [Ok(1)]);
}

#[test]
fn reads_its_configuration_strictly() {
    let read = serde_json::from_str::<ChaosConfig>;
    assert_eq!(read("{}").unwrap(), ChaosConfig::default());
    let some = read(r#"{"enabled":true,"fault":"2.5%","delay":"3s"}"#).unwrap();
    assert_eq!(some.fault.to_string(), "2.5%");
    assert!(read(r#"{"faults":"2%"}"#).is_err());
    let day = ChaosConfig {
        jitter: Span::secs(86_400),
        ..config()
    };
    let (_, chaos) = chaos(some);
    assert_eq!(chaos.reconfigure(day).unwrap_err().field, "jitter");
    assert_eq!(chaos.config(), some);
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_spares_the_service_what_is_injected() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let (time, chaos) = chaos(ChaosConfig {
        fault: Ratio::percent(50),
        latency: Ratio::ONE,
        delay: Span::secs(1),
        ..config()
    });
    let calls = Cell::new(0);
    let inner = service_fn(|request: u32| {
        calls.set(calls.get() + 1);
        ready(Ok::<_, Error<&str>>(request))
    });
    let mut service = chaos.layer().layer(inner);
    let began = time.now();
    let answers: Vec<_> = (0..40).map(|n| time.block_on(service.call(n))).collect();
    assert_eq!(time.now().since(began), Duration::from_secs(40));
    let failed = answers.iter().filter(|answer| **answer == Err(INJECTED));
    assert_eq!(failed.count() + calls.get(), 40);
    assert!((10..30).contains(&calls.get()), "{}", calls.get());
    chaos.enable(false);
    assert_eq!(time.block_on(service.call(1)), Ok(1));
    assert_eq!(time.now().since(began), Duration::from_secs(40));
}
