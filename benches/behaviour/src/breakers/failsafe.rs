//! failsafe's.

use std::time::Duration;

use failsafe::clock::{MockClock, freeze};
use failsafe::failure_policy::SuccessRateOverTimeWindow;
use failsafe::futures::CircuitBreaker;
use failsafe::{Config, StateMachine, backoff, failure_policy};

use super::{Breaker, Calls, Ending};
use crate::pending::Answers;

type Machine = StateMachine<SuccessRateOverTimeWindow<backoff::Constant>, ()>;

/// The futures around calls that the simulation ends.
struct Failsafe<'a> {
    clock: &'a mut MockClock,
    machine: Machine,
    answers: Answers,
    calls: Calls<()>,
}

/// Runs something with a fresh one: an average success rate of 50 % over 30 s, weighted to the
/// present, open for 10 s.
pub(super) fn with(run: &mut dyn FnMut(&mut dyn Breaker)) {
    freeze(|clock| {
        let policy = failure_policy::success_rate_over_time_window(
            0.5,
            100,
            Duration::from_secs(30),
            backoff::constant(Duration::from_secs(10)),
        );
        let answers = Answers::default();
        run(&mut Failsafe {
            clock,
            machine: Config::new().failure_policy(policy).build(),
            calls: Calls::new(&answers),
            answers,
        });
    });
}

impl Breaker for Failsafe<'_> {
    fn name(&self) -> &'static str {
        "failsafe"
    }

    fn setting(&self) -> &'static str {
        "a moving average over 30 s (default)"
    }

    fn passes(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    fn open_wait(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn begins(&mut self) -> Option<u64> {
        let (machine, answers) = (&self.machine, &self.answers);
        self.calls.begins(|id| {
            let machine = machine.clone();
            let answer = answers.wait(id);
            Box::pin(async move { drop(CircuitBreaker::call(&machine, answer).await) })
        })
    }

    fn ends(&mut self, call: u64, ending: Ending) {
        self.calls.ends(call, ending);
    }
}
