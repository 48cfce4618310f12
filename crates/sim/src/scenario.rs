//! A list of steps with times.

use std::fmt;
use std::str::FromStr;

use crate::simulation::{Simulation, Watch};
use crate::step::duration;
use crate::step::{ParseError, Step};

/// How often a run is looked at while it heals.
const LOOK: u64 = 5_000_000_000;

/// Faults first, under which nothing bad may happen; then all faults end, and everything good must.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// When, in ns from the start, and what; ascending.
    pub steps: Vec<(u64, Step)>,
    /// When the safety phase ends: faults are healed.
    pub safety: u64,
    /// When the healing phase ends.
    pub healing: u64,
}

impl Scenario {
    /// Runs the safety phase: up to just before faults end.
    ///
    /// `after` is called after each step, with its number and text; an error ends the run.
    ///
    /// # Errors
    /// What `after` or the watcher says.
    pub fn run_safety<W: Watch, E>(
        &self,
        simulation: &mut Simulation,
        watch: &mut W,
        mut after: impl FnMut(usize, &mut W, &Simulation) -> Result<(), E>,
    ) -> Result<(), E> {
        for (number, (at, step)) in self.steps.iter().enumerate() {
            simulation.run_until(*at, watch);
            after(number, watch, simulation)?;
            simulation.apply(step, watch);
        }
        simulation.run_until(self.safety, watch);
        after(self.steps.len(), watch, simulation)
    }

    /// Ends all faults, and runs the healing phase. `after` is called every few seconds of it; an error ends the run.
    ///
    /// # Errors
    /// What `after` says.
    pub fn run_healing<E>(
        &self,
        simulation: &mut Simulation,
        watch: &mut dyn Watch,
        mut after: impl FnMut(&Simulation) -> Result<(), E>,
    ) -> Result<(), E> {
        simulation.apply(&Step::Heal, watch);
        while simulation.now() < self.healing {
            let until = simulation.now().saturating_add(LOOK);
            simulation.run_until(until.min(self.healing), watch);
            after(simulation)?;
        }
        Ok(())
    }
}

/// Lines `at TIME STEP`, `safety TIME`, `healing TIME`; `#` begins a comment.
impl FromStr for Scenario {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut scenario = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let bad = || ParseError::new("line of a scenario", line);
            let (word, rest) = line.split_once(' ').ok_or_else(bad)?;
            match word {
                "safety" => scenario.safety = duration(rest)?,
                "healing" => scenario.healing = duration(rest)?,
                "at" => {
                    let (at, step) = rest.split_once(' ').ok_or_else(bad)?;
                    let at = duration(at)?;
                    let last = scenario.steps.last().map_or(0, |(at, _)| *at);
                    if at < last {
                        return Err(ParseError::new("step after the one before", line));
                    }
                    scenario.steps.push((at, step.parse()?));
                }
                _ => return Err(bad()),
            }
        }
        let last = scenario.steps.last().map_or(0, |(at, _)| *at);
        if scenario.safety < last || scenario.healing < scenario.safety {
            return Err(ParseError::new(
                "scenario whose phases end after its steps",
                text,
            ));
        }
        Ok(scenario)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in &self.steps {
            writeln!(f, "at {at}ns {step}")?;
        }
        writeln!(f, "safety {}ns", self.safety)?;
        writeln!(f, "healing {}ns", self.healing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_and_written() {
        let text = "# one dies\nat 1s crash 3\nat 2s loss 0.5 all 1  # and one is deaf\nsafety 20s\nhealing 60s\n";
        let scenario: Scenario = text.parse().unwrap();
        assert_eq!(scenario.steps.len(), 2);
        assert_eq!(scenario.to_string().parse(), Ok(scenario));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in [
            "at 2s crash 1\nat 1s crash 2\nsafety 3s\nhealing 4s",
            "at 2s crash 1\nsafety 1s\nhealing 4s",
            "safety 5s\nhealing 4s",
            "at 2s\nsafety 5s\nhealing 5s",
            "later 2s crash 1",
        ] {
            assert!(text.parse::<Scenario>().is_err(), "{text}");
        }
    }
}
