//! How much of the machine others used meanwhile.

use std::fs;

use crate::failure::{Failure, While};

/// Above this share of all cores, times say more about the machine than about the libraries.
pub(super) const BUSY_MAX: f64 = 0.05;

/// CPU times so far, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    /// What all cores could have done.
    all: u64,
    /// What they did, whoever it was for, and what another machine took from this one.
    used: u64,
    /// What this process and its children that ended did.
    own: u64,
}

impl Ticks {
    /// Now, from `/proc` (`proc(5)`).
    pub(super) fn now() -> Result<Self, Failure> {
        let read = |path: &str| fs::read_to_string(path).while_(&format!("read {path}"));
        let ticks = parse(&read("/proc/stat")?, &read("/proc/self/stat")?);
        ticks.ok_or_else(|| Failure::new("/proc/stat does not look as expected"))
    }

    /// The share of the machine that others used since.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a bench does not run for 2^53 ticks"
    )]
    pub(super) fn others_until(self, later: Self) -> f64 {
        let all = later.all.saturating_sub(self.all).max(1);
        let used = later.used.saturating_sub(self.used);
        let own = later.own.saturating_sub(self.own);
        used.saturating_sub(own) as f64 / all as f64
    }
}

fn parse(machine: &str, process: &str) -> Option<Ticks> {
    let numbers = |text: &str| -> Vec<u64> {
        let words = text.split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in the first two.
    let cpu = numbers(machine.lines().next()?.strip_prefix("cpu ")?);
    let [user, nice, system, idle, wait, irq, soft_irq, steal] = *cpu.first_chunk()?;
    let used = user + nice + system + irq + soft_irq + steal;
    // The name in the second field may hold spaces and brackets.
    let (_, rest) = process.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // utime, stime, cutime, cstime.
    let own = fields.get(11..15)?.iter().map(|word| word.parse::<u64>());
    Some(Ticks {
        all: used + idle + wait,
        used,
        own: own.sum::<Result<_, _>>().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: &str = "7 (a ) b) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 70 8 20 0 1 0 99 1 1";

    #[test]
    fn others_are_all_but_us() {
        let before = parse("cpu  100 0 100 700 0 0 0 0 0 0\ncpu0 1\n", PROCESS).unwrap();
        assert_eq!((before.all, before.used, before.own), (900, 200, 89));
        let process = PROCESS.replace(" 70 ", " 130 ");
        let after = parse("cpu  150 0 130 810 0 0 0 10 0 0\n", &process).unwrap();
        // 90 of 200 ticks were used, 60 of them by us.
        assert_eq!(format!("{:.2}", before.others_until(after)), "0.15");
        assert_eq!(parse("intr 1", PROCESS), None);
        assert_eq!(parse("cpu  1 2", PROCESS), None);
    }

    #[test]
    fn this_machine_can_be_read() {
        let before = Ticks::now().unwrap();
        let others = before.others_until(Ticks::now().unwrap());
        assert!((0.0..=1.0).contains(&others), "{others}");
    }
}
