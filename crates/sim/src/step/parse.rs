//! Steps as text.

use std::error::Error;
use std::fmt;
use std::str::{FromStr, SplitWhitespace};

use super::{Select, Step};
use crate::Delay;
use crate::draw::whole;
use crate::link::{Effect, Flapping};

/// What of a scenario could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    what: &'static str,
    text: String,
}

impl ParseError {
    pub(crate) fn new(what: &'static str, text: &str) -> Self {
        Self {
            what,
            text: text.to_owned(),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no {}", self.text, self.what)
    }
}

impl Error for ParseError {}

struct Words<'a> {
    line: &'a str,
    rest: SplitWhitespace<'a>,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a str, ParseError> {
        let next = self.rest.next();
        next.ok_or_else(|| ParseError::new("whole step", self.line))
    }

    fn nodes(&mut self) -> Result<Select, ParseError> {
        self.next()?.parse()
    }

    fn duration(&mut self) -> Result<u64, ParseError> {
        duration(self.next()?)
    }

    fn share(&mut self) -> Result<f64, ParseError> {
        let text = self.next()?;
        let share = text.parse().ok();
        let share = share.filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| ParseError::new("share from 0 to 1", text))
    }

    fn link(&mut self, effect: Effect) -> Result<Step, ParseError> {
        let (from, to) = (self.nodes()?, self.nodes()?);
        let flapping = match self.rest.next() {
            None => None,
            Some("flap") => {
                let (on, off) = (self.duration()?, self.duration()?);
                Some(Flapping { on, off })
            }
            Some(other) => return Err(ParseError::new("`flap`", other)),
        };
        Ok(Step::Link {
            effect,
            from,
            to,
            flapping,
        })
    }

    /// `+5s`, `-200ms`.
    fn jump(&mut self) -> Result<i64, ParseError> {
        let text = self.next()?;
        let bad = || ParseError::new("signed duration", text);
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').ok_or_else(bad)?),
        };
        let length = i64::try_from(duration(rest)?).ok().ok_or_else(bad)?;
        Ok(sign * length)
    }
}

impl FromStr for Step {
    type Err = ParseError;

    fn from_str(line: &str) -> Result<Self, ParseError> {
        let mut words = Words {
            line,
            rest: line.split_whitespace(),
        };
        let step = step(&mut words)?;
        match words.rest.next() {
            None => Ok(step),
            Some(more) => Err(ParseError::new("part of the step", more)),
        }
    }
}

fn step(words: &mut Words<'_>) -> Result<Step, ParseError> {
    let name = words.next()?;
    Ok(match name {
        "crash" => Step::Crash(words.nodes()?),
        "restart" => Step::Restart {
            nodes: words.nodes()?,
            blank: match words.rest.next() {
                None => false,
                Some("blank") => true,
                Some(other) => return Err(ParseError::new("`blank`", other)),
            },
        },
        "stall" => Step::Stall(words.nodes()?, words.duration()?),
        "stalls" | "blocks" => Step::Stalls {
            timers: name == "blocks",
            nodes: words.nodes()?,
            least: words.duration()?,
            most: words.duration()?,
            run: words.duration()?,
        },
        "partition" => Step::Partition(words.nodes()?, words.nodes()?),
        "jump" => Step::Jump(words.nodes()?, words.jump()?),
        "drift" => {
            let nodes = words.nodes()?;
            let text = words.next()?;
            let ppm = text.parse().ok();
            Step::Drift(
                nodes,
                ppm.ok_or_else(|| ParseError::new("drift in ppm", text))?,
            )
        }
        "heal" => Step::Heal,
        _ => {
            let effect = effect(name, words)?;
            words.link(effect)?
        }
    })
}

fn effect(name: &str, words: &mut Words<'_>) -> Result<Effect, ParseError> {
    Ok(match name {
        "cut" => Effect::Loss(1.0),
        "loss" => Effect::Loss(words.share()?),
        "burst" => Effect::Burst {
            good: words.duration()?,
            bad: words.duration()?,
        },
        "delay" => Effect::Delay(words.next()?.parse()?),
        "duplicate" => Effect::Duplicate(words.share()?),
        "corrupt" => Effect::Corrupt(words.share()?),
        "reorder" => Effect::Reorder(words.share()?, words.duration()?),
        _ => return Err(ParseError::new("step", words.line)),
    })
}

/// `5ms`, `1ms..2ms`, `1ms+2ms~500us`.
impl FromStr for Delay {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some((least, most)) = text.split_once("..") {
            return Ok(Self::Uniform(duration(least)?, duration(most)?));
        }
        let Some((shift, rest)) = text.split_once('+') else {
            return Ok(Self::Constant(duration(text)?));
        };
        let parts = rest.split_once('~');
        let (mean, sigma) = parts.ok_or_else(|| ParseError::new("delay", text))?;
        Ok(Self::LogNormal {
            shift: duration(shift)?,
            mean: duration(mean)?,
            sigma: duration(sigma)?,
        })
    }
}

/// A duration in ns.
pub(crate) fn duration(text: &str) -> Result<u64, ParseError> {
    let bad = || ParseError::new("duration", text);
    let unit = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(bad)?;
    let (number, unit) = text.split_at_checked(unit).ok_or_else(bad)?;
    let scale: u32 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err(bad()),
    };
    if let Ok(number) = number.parse::<u64>() {
        return number.checked_mul(u64::from(scale)).ok_or_else(bad);
    }
    let number: f64 = number.parse().ok().ok_or_else(bad)?;
    let in_range = (0.0..1e9).contains(&number);
    in_range
        .then(|| whole((number * f64::from(scale)).round()))
        .ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for line in [
            "crash 3",
            "crash zone=1",
            "restart 3-5 blank",
            "restart 3",
            "stall 1,4-6 1.5s",
            "stalls 25% 2s 8s 500ms",
            "blocks 25% 2s 8s 500ms",
            "loss 0.8 all 1%",
            "cut 3 not(3) flap 20s 20s",
            "burst 1s 200ms all 2",
            "delay 5ms all all",
            "delay 1ms..2ms 0 1",
            "delay 270ms+13ms~27ms zone=0 zone=1",
            "duplicate 0.1 all all",
            "corrupt 0.01 all all",
            "reorder 0.5 10ms all all",
            "partition 0-2 3-4",
            "jump 2 +5s",
            "jump 2 -5s",
            "drift 2 -200",
            "heal",
        ] {
            let step: Step = line.parse().unwrap();
            assert_eq!(step.to_string().parse::<Step>().unwrap(), step, "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "crash",
            "crash x",
            "crash 1 2",
            "loss 2 all all",
            "loss 0.1 all",
            "stall 1 5",
            "stall 1 5h",
            "jump 1 5s",
            "restart 1 now",
            "cut 1 2 flap 5s",
            "explode 1",
            "crash 110%",
            "delay 5ms+3ms all all",
            "crash not(",
            "stall 1 -5s",
            "stall 1 99999999999999999999s",
        ] {
            assert!(line.parse::<Step>().is_err(), "{line}");
        }
    }

    #[test]
    fn durations_are_exact() {
        assert_eq!(duration("1.5s"), Ok(1_500_000_000));
        assert_eq!(duration("7ns"), Ok(7));
        assert_eq!(duration("0.1ms"), Ok(100_000));
    }
}
