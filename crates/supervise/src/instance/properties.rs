//! What holds of the machine whatever happens, in whatever order.

use std::time::Duration;

use ninefold_core::event::EventKind;
use ninefold_core::observation::{ProbeKind, ProbeOutcome};
use ninefold_core::taxonomy::ExitCause;
use ninefold_core::time::Timestamp;
use proptest::prelude::*;

use crate::probe::Attempt;

use super::action::Action;
use super::event::Event;
use super::script::Script;

fn event() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        Just(ProbeKind::Startup),
        Just(ProbeKind::Ready),
        Just(ProbeKind::Live)
    ];
    let outcome = prop_oneof![
        4 => Just(ProbeOutcome::Passed),
        1 => Just(ProbeOutcome::TimedOut),
        1 => Just(ProbeOutcome::Refused("status 500".into())),
    ];
    let probed = (kind, outcome, any::<bool>()).prop_map(|(kind, outcome, stopped)| {
        let silent = outcome == ProbeOutcome::TimedOut;
        let attempt = Attempt {
            outcome,
            silent,
            degraded: None,
        };
        Event::Probed {
            kind,
            attempt,
            stopped,
        }
    });
    let ended = Timestamp::from_secs(1);
    prop_oneof![
        3 => Just(Event::Begin),
        6 => Just(Event::Spawned { pid: 7 }),
        1 => any::<bool>().prop_map(|ready| Event::Adopted { pid: 7, ready }),
        2 => Just(Event::SpawnFailed { error: "no".into() }),
        6 => probed,
        3 => Just(Event::Gone),
        4 => Just(Event::Exited { cause: ExitCause::Code(1), ended }),
        1 => Just(Event::KeeperLost { keeper: 6 }),
        2 => Just(Event::Drained),
        1 => Just(Event::Stop),
        2 => Just(Event::Restart { reason: "asked".into() }),
        8 => Just(Event::Tick),
    ]
}

/// What the driver never tells: news of a process that it did not start.
fn impossible(event: &Event, spawning: bool) -> bool {
    let of_start = matches!(
        event,
        Event::Spawned { .. } | Event::Adopted { .. } | Event::SpawnFailed { .. }
    );
    of_start && !spawning
}

proptest! {
    #[test]
    fn actions_are_recorded_first_and_processes_never_overlap(
        events in proptest::collection::vec((event(), 0u64..20_000), 1..120)
    ) {
        let mut script = Script::new();
        let (mut spawning, mut running) = (false, false);
        for (event, millis) in events {
            if impossible(&event, spawning) {
                continue;
            }
            script.now = script.now + Duration::from_millis(millis);
            match event {
                Event::Spawned { .. } | Event::Adopted { .. } => (spawning, running) = (false, true),
                Event::SpawnFailed { .. } => spawning = false,
                Event::Exited { .. } => running = false,
                _ => {}
            }
            let was_finished = script.machine.finished();
            let actions = script.machine.handle(event, script.now, &mut script.rng);
            let mut recorded = false;
            for action in &actions {
                match action {
                    Action::Record(EventKind::Action { .. }) => recorded = true,
                    Action::Spawn => {
                        prop_assert!(recorded, "a start without a record");
                        prop_assert!(!running && !spawning, "two processes at once");
                        spawning = true;
                    }
                    Action::Signal(_) | Action::Kill => {
                        prop_assert!(recorded, "a signal without a record");
                        prop_assert!(running, "a signal to nobody");
                    }
                    _ => {}
                }
            }
            prop_assert!(!script.machine.admitted() || running);
            prop_assert!(!script.machine.admitted() || !script.machine.resuming());
            prop_assert!(!was_finished || actions.is_empty(), "{actions:?} after the end");
            // Whoever waits for time says until when, and time passes.
            if let Some(deadline) = script.machine.deadline(script.now) {
                prop_assert!(deadline.since(script.now) <= Duration::from_secs(40));
            }
        }
    }
}
