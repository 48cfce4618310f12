//! Cores that are asked for what they want, hosted.

use std::fmt;

use ninefold_core::time::Timestamp;

use crate::NodeId;
use crate::node::{Boot, Context, Disk, Event, Node};

/// A core in the shape of quinn-proto's: what happens goes in by `handle_…`, and what it wants is asked for by
/// `poll_…` until there is nothing more. `now` is the time by the node's own clock.
pub trait Machine {
    /// A packet has arrived.
    fn handle_packet(&mut self, from: NodeId, bytes: &[u8], now: Timestamp);

    /// A piece of a stream has arrived.
    fn handle_stream(&mut self, from: NodeId, bytes: &[u8], now: Timestamp) {
        let (_, _, _) = (from, bytes, now);
    }

    /// The time that [`Self::poll_timeout`] gave has come.
    fn handle_timeout(&mut self, now: Timestamp);

    /// A packet to send.
    fn poll_transmit(&mut self) -> Option<(NodeId, Vec<u8>)>;

    /// A piece of a stream to send.
    fn poll_stream(&mut self) -> Option<(NodeId, Vec<u8>)> {
        None
    }

    /// Something to tell.
    fn poll_event(&mut self) -> Option<Event>;

    /// When it wants to be called, if nothing happens before.
    fn poll_timeout(&self) -> Option<Timestamp>;

    /// The incarnations that it knows, its own among them; of none, where it has no such thing.
    fn incarnations(&self) -> Vec<(NodeId, u64)> {
        Vec::new()
    }

    /// Whether it takes another one for gone, and does not say so yet; never, where it has no such thing.
    fn withholds(&self, subject: NodeId) -> bool {
        let _ = subject;
        false
    }

    /// A hash of all that it knows, but for one node, the same for two that know the same.
    fn fingerprint(&self, without: Option<NodeId>) -> Option<u64> {
        let _ = without;
        None
    }

    /// Writes what it has to know after a restart. Called once it is asked for nothing more; keeps nothing unless
    /// it says so.
    fn keep(&self, disk: &mut Disk) {
        let _ = disk;
    }
}

type Make<M> = Box<dyn Fn(Boot, &mut Context<'_>) -> M>;

/// Drives a [`Machine`], with one timer at a time.
pub struct Polled<M> {
    boot: Boot,
    make: Make<M>,
    machine: Option<M>,
    /// When the last timer is due that counts, and its number.
    armed: Option<Timestamp>,
    timers: u64,
}

impl<M: Machine> Polled<M> {
    /// A process that makes its machine when it starts, from a seed and a disk of its own.
    #[must_use]
    pub fn new(boot: Boot, make: Make<M>) -> Self {
        Self {
            boot,
            make,
            machine: None,
            armed: None,
            timers: 0,
        }
    }

    fn drain(&mut self, cx: &mut Context<'_>) {
        let Some(machine) = &mut self.machine else {
            return;
        };
        while let Some((to, bytes)) = machine.poll_transmit() {
            cx.send(to, &bytes);
        }
        while let Some(event) = machine.poll_event() {
            cx.event(event);
        }
        // What is wanted of others is an event of the core.
        while let Some((to, bytes)) = machine.poll_stream() {
            cx.stream(to, bytes);
        }
        machine.keep(cx.disk());
        let Some(deadline) = machine.poll_timeout() else {
            return;
        };
        if self.armed.is_none_or(|armed| deadline < armed) {
            self.timers += 1;
            self.armed = Some(deadline);
            cx.set_timer(deadline, self.timers);
        }
    }
}

impl<M: Machine> Node for Polled<M> {
    fn start(&mut self, cx: &mut Context<'_>) {
        self.machine = Some((self.make)(self.boot, cx));
        self.drain(cx);
    }

    fn packet(&mut self, from: NodeId, bytes: &[u8], cx: &mut Context<'_>) {
        if let Some(machine) = &mut self.machine {
            machine.handle_packet(from, bytes, cx.now());
        }
        self.drain(cx);
    }

    fn stream(&mut self, from: NodeId, bytes: &[u8], cx: &mut Context<'_>) {
        if let Some(machine) = &mut self.machine {
            machine.handle_stream(from, bytes, cx.now());
        }
        self.drain(cx);
    }

    fn timer(&mut self, token: u64, cx: &mut Context<'_>) {
        // One that was set before an earlier one.
        if token != self.timers {
            return;
        }
        self.armed = None;
        let now = cx.now();
        if let Some(machine) = &mut self.machine
            && machine
                .poll_timeout()
                .is_some_and(|deadline| deadline <= now)
        {
            machine.handle_timeout(now);
        }
        self.drain(cx);
    }

    fn incarnations(&self) -> Vec<(NodeId, u64)> {
        let machine = self.machine.as_ref();
        machine.map_or_else(Vec::new, Machine::incarnations)
    }

    fn withholds(&self, subject: NodeId) -> bool {
        let machine = self.machine.as_ref();
        machine.is_some_and(|machine| machine.withholds(subject))
    }

    fn fingerprint(&self, without: Option<NodeId>) -> Option<u64> {
        self.machine.as_ref()?.fingerprint(without)
    }
}

impl<M: fmt::Debug> fmt::Debug for Polled<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polled")
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::step::Step;
    use crate::{Simulation, Topology};

    const BEAT: Duration = Duration::from_secs(1);
    const PATIENCE: Duration = Duration::from_secs(3);

    /// One of two that beat, and convict after three beats of silence.
    #[derive(Debug)]
    struct Heart {
        other: NodeId,
        next: Timestamp,
        silent: Option<Timestamp>,
        sends: u32,
        event: Option<Event>,
    }

    impl Machine for Heart {
        fn handle_packet(&mut self, _: NodeId, _: &[u8], now: Timestamp) {
            if self.silent.replace(now + PATIENCE).is_none() {
                self.event = Some(Event::Up(self.other));
            }
        }

        fn handle_timeout(&mut self, now: Timestamp) {
            if self.next <= now {
                self.next = now + BEAT;
                self.sends += 1;
            }
            if self.silent.is_some_and(|silent| silent <= now) {
                self.silent = None;
                self.event = Some(Event::Down(self.other));
            }
        }

        fn poll_transmit(&mut self) -> Option<(NodeId, Vec<u8>)> {
            self.sends = self.sends.checked_sub(1)?;
            Some((self.other, vec![1]))
        }

        fn poll_event(&mut self) -> Option<Event> {
            self.event.take()
        }

        fn poll_timeout(&self) -> Option<Timestamp> {
            Some(
                self.silent
                    .map_or(self.next, |silent| silent.min(self.next)),
            )
        }
    }

    fn hearts() -> Simulation {
        let make = |boot: Boot, cx: &mut Context<'_>| Heart {
            other: NodeId(1 - boot.node.0),
            next: cx.now() + BEAT,
            silent: Some(cx.now() + PATIENCE),
            sends: 0,
            event: None,
        };
        let build = move |boot| -> Box<dyn Node> { Box::new(Polled::new(boot, Box::new(make))) };
        Simulation::new(Topology::new(2, 1), 1, Box::new(build))
    }

    fn apply(simulation: &mut Simulation, step: &str) {
        simulation.apply(&step.parse::<Step>().unwrap(), &mut ());
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_machine_beats_convicts_and_takes_back() {
        let mut simulation = hearts();
        simulation.run_until(10 * SECOND, &mut ());
        // Ten beats each: one timer a beat, no more.
        assert_eq!(simulation.packets(), 20);
        let down = |simulation: &Simulation| simulation.truth().holds_down(NodeId(0), NodeId(1));
        apply(&mut simulation, "crash 1");
        simulation.run_until(12 * SECOND, &mut ());
        assert!(!down(&simulation));
        simulation.run_until(14 * SECOND, &mut ());
        assert!(down(&simulation));
        apply(&mut simulation, "restart 1");
        simulation.run_until(16 * SECOND, &mut ());
        assert!(!down(&simulation));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_machine_deaf() {
        let mut simulation = hearts();
        simulation.run_until(5 * SECOND, &mut ());
        apply(&mut simulation, "jump 0 -2s");
        simulation.run_until(20 * SECOND, &mut ());
        assert!(simulation.packets() >= 37, "{}", simulation.packets());
    }
}
