use ninefold_core::rng::Rng;
use ninefold_core::time::Timestamp;

use super::draw::{exponential, truncated_normal};
use super::figures::{Delay, Figures};
use super::pauses::Pauses;
use crate::trace::Step;

/// Milliseconds before the first heartbeat is due, so that no jitter goes below 0.
const START: f64 = 1_000.0;
/// Milliseconds in which what waited for the observer is read.
const READ: f64 = 1.0;

/// What an observer sees of one sender, without an end.
#[derive(Clone, Debug)]
pub struct Path {
    figures: Figures,
    rng: Rng,
    seq: u64,
    /// Heartbeats that a burst of losses still takes.
    losing: f64,
    pauses: Option<Pauses>,
    roughs: Option<Pauses>,
    stalls: Option<Pauses>,
    /// Milliseconds: of the newest heartbeat.
    sent: f64,
    arrived: f64,
    /// A heartbeat that a stall is told before.
    held: Option<(u64, f64, f64)>,
}

impl Path {
    pub(super) fn new(figures: Figures, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        // One generator for each, so that what one draws does not move the others.
        let mut fork = || Rng::new(rng.next_u64());
        let pauses = figures
            .pause
            .map(|pause| Pauses::new(fork(), pause.apart, |rng| pause.length.draw(rng)));
        let stalls = figures
            .stall
            .map(|stall| Pauses::new(fork(), stall.apart, |rng| stall.length.draw(rng)));
        let roughs = figures
            .rough
            .map(|rough| Pauses::new(fork(), rough.apart, |rng| exponential(rng, rough.length)));
        Self {
            figures,
            rng: fork(),
            seq: 0,
            losing: 0.0,
            pauses,
            roughs,
            stalls,
            sent: 0.0,
            arrived: 0.0,
            held: None,
        }
    }

    /// The next heartbeat that is not lost: its number, when it is sent and when it is there.
    fn heartbeat(&mut self) -> (u64, f64, f64) {
        loop {
            let seq = self.seq;
            self.seq += 1;
            let sent = self.sends(seq);
            if !self.loses() {
                self.arrived = (sent + self.takes(sent)).max(self.arrived);
                return (seq, sent, self.arrived);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 heartbeats")]
    fn sends(&mut self, seq: u64) -> f64 {
        let due = START + seq as f64 * self.figures.interval;
        let mut sent = due + truncated_normal(&mut self.rng, self.figures.jitter);
        if let (Some(pauses), Some(pause)) = (&mut self.pauses, self.figures.pause)
            && pauses.contain(sent, |rng| pause.length.draw(rng))
        {
            sent = pauses.to;
        }
        self.sent = sent.max(self.sent);
        self.sent
    }

    fn loses(&mut self) -> bool {
        if self.losing < 1.0 && self.rng.unit() < self.figures.burst_begins {
            self.losing = self.figures.burst.draw(&mut self.rng).floor();
        }
        let lost = self.losing >= 1.0;
        if lost {
            self.losing -= 1.0;
        }
        lost
    }

    fn takes(&mut self, sent: f64) -> f64 {
        let mut delay = self.figures.calm;
        if let (Some(roughs), Some(rough)) = (&mut self.roughs, self.figures.rough)
            && roughs.contain(sent, |rng| exponential(rng, rough.length))
        {
            delay = rough.delay;
        }
        draw(&delay, &mut self.rng)
    }
}

fn draw(delay: &Delay, rng: &mut Rng) -> f64 {
    (delay.least + delay.above.draw(rng)).min(delay.most)
}

impl Iterator for Path {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let (seq, sent, mut arrived) = match self.held.take() {
            Some(held) => held,
            None => self.heartbeat(),
        };
        if let (Some(stalls), Some(stall)) = (&mut self.stalls, self.figures.stall)
            && stalls.from <= arrived
        {
            let (from, to) = (stalls.from, stalls.to);
            stalls.turn(|rng| stall.length.draw(rng));
            if arrived < to {
                arrived = to + READ * self.rng.unit();
                self.arrived = arrived;
            }
            self.held = Some((seq, sent, arrived));
            return Some(Step::Stall {
                from: timestamp(from),
                to: timestamp(to),
            });
        }
        Some(Step::Heartbeat {
            seq,
            sent: Some(timestamp(sent)),
            arrived: timestamp(arrived),
        })
    }
}

/// Whole microseconds, as traces have them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since the start are neither negative nor that many"
)]
fn timestamp(millis: f64) -> Timestamp {
    Timestamp::from_nanos((millis * 1e3).round() as u64 * 1_000)
}

#[cfg(test)]
mod tests {
    use super::super::Model;
    use crate::trace::{Summary, TraceParser};

    fn summary(model: Model, seed: u64, steps: usize) -> Summary {
        let mut summary = Summary::default();
        for step in model.trace(seed).take(steps) {
            summary.add(&step);
        }
        summary
    }

    #[test]
    fn the_wan_has_the_figures_that_were_published() {
        let found = summary(Model::Wan, 1, 400_000);
        let interval = found.interval().unwrap().as_secs_f64() * 1e3;
        assert!((interval - 103.5).abs() < 0.001, "{interval}");
        // Half of a round trip of 283 ms.
        let delay = found.delay().unwrap().as_secs_f64() * 1e3;
        assert!((delay - 141.5).abs() < 0.3, "{delay}");
        assert_eq!((found.stale, found.stalls), (0, 0));
        // 0.4 %, by bursts so few and so long that its σ over two million heartbeats is a fifth of it.
        let (mut lost, mut arrived) = (0, 0);
        for seed in 1..=8 {
            let found = summary(Model::Wan, seed, 250_000);
            lost += found.lost();
            arrived += found.heartbeats;
        }
        let share = lost as f64 / (lost + arrived) as f64;
        assert!((0.0024..0.0056).contains(&share), "{share}");
    }

    #[test]
    fn the_cloud_has_stalls_and_the_lan_hardly_loses_anything() {
        let cloud = summary(Model::Cloud, 1, 200_000);
        // 20,000 s, one every 600 s.
        assert!((15..60).contains(&cloud.stalls), "{}", cloud.stalls);
        let lan = summary(Model::Lan, 1, 200_000);
        assert!(lan.lost() < 20 && lan.stalls == 0, "{lan:?}");
        assert!(lan.delay().unwrap().as_micros() < 200);
    }

    #[test]
    fn a_seed_gives_a_trace_and_every_trace_can_be_read() {
        for model in Model::ALL {
            let rows = |seed| -> Vec<String> {
                let steps = model.trace(seed).take(20_000);
                steps.map(|step| step.to_string()).collect()
            };
            assert_eq!(rows(3), rows(3));
            assert_ne!(rows(3), rows(4));
            let mut parser = TraceParser::new();
            for row in rows(3) {
                assert!(parser.line(row.as_bytes()).unwrap().is_some());
            }
        }
    }
}
