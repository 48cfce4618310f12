//! recloser's.

use std::time::Duration;

use recloser::{AsyncRecloser, Recloser};

use super::{Breaker, Calls, Ending, RealWait};
use crate::pending::Answers;

/// The futures around calls that the simulation ends.
pub(super) struct Reclosing {
    breaker: AsyncRecloser,
    answers: Answers,
    calls: Calls<()>,
}

/// A ring of 100 at 50 %.
pub(super) fn new(wait: RealWait) -> Reclosing {
    let answers = Answers::default();
    let breaker = Recloser::custom()
        .error_rate(0.5)
        .closed_len(100)
        .open_wait(wait.get())
        .build();
    Reclosing {
        breaker: AsyncRecloser::from(breaker),
        calls: Calls::new(&answers),
        answers,
    }
}

impl Breaker for Reclosing {
    fn name(&self) -> &'static str {
        "recloser"
    }

    fn setting(&self) -> &'static str {
        "the last 100 calls (default)"
    }

    /// Its clock is the machine's.
    fn passes(&mut self, _: Duration) {}

    fn open_wait(&self) -> Duration {
        Duration::ZERO
    }

    fn begins(&mut self) -> Option<u64> {
        let (breaker, answers) = (&self.breaker, &self.answers);
        self.calls.begins(|id| {
            let call = breaker.call(answers.wait(id));
            Box::pin(async move { drop(call.await) })
        })
    }

    fn ends(&mut self, call: u64, ending: Ending) {
        self.calls.ends(call, ending);
    }
}
