//! Protocols as text: commands, and what nodes said.
//!
//! A block is comments, commands, a line `----`, what they printed, and an empty line:
//!
//! ```text
//! # One of five dies.
//! nodes 5 swim seed 1
//! crash 3
//! run 20s
//! ----
//! 2.114 s  n0 suspects n3
//! ```
//!
//! Commands are `nodes N PEER [zones Z] [seed S]`, which begins anew, `run DURATION`, `views`, and every
//! [`Step`].

use std::collections::BTreeMap;

use crate::simulation::{Build, Said, Simulation, Watch};
use crate::step::{ParseError, Step, duration};
use crate::truth::Truth;
use crate::{Event, NodeId, Topology};

/// Makes nodes of a kind that is known by name.
pub type Peers = dyn Fn(&str) -> Option<Box<Build>>;

/// The text with what its commands print in the place of what stood there.
#[must_use]
pub fn run(text: &str, peers: &Peers) -> String {
    let mut stage = Stage {
        peers,
        simulation: None,
    };
    let (mut printed, mut commands) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        printed.push_str(line);
        printed.push('\n');
        if line == "----" {
            for command in commands.drain(..) {
                stage.run(command, &mut printed);
            }
            // What stood there goes up to the next empty line.
            if lines.by_ref().any(str::is_empty) {
                printed.push('\n');
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            commands.push(line);
        }
    }
    printed
}

struct Stage<'a> {
    peers: &'a Peers,
    simulation: Option<Simulation>,
}

impl Stage<'_> {
    fn run(&mut self, command: &str, printed: &mut String) {
        if let Err(error) = self.command(command, printed) {
            printed.push_str(&format!("error: {error}\n"));
        }
    }

    fn command(&mut self, command: &str, printed: &mut String) -> Result<(), ParseError> {
        let words: Vec<&str> = command.split_whitespace().collect();
        if let ["nodes", nodes, peer, rest @ ..] = words.as_slice() {
            self.simulation = Some(self.begin(nodes, peer, rest, command)?);
            return Ok(());
        }
        let Some(simulation) = &mut self.simulation else {
            return Err(ParseError::new("command before `nodes`", command));
        };
        let mut lines = Lines(Vec::new());
        match words.as_slice() {
            ["run", length] => {
                let until = simulation.now() + duration(length)?;
                simulation.run_until(until, &mut lines);
            }
            ["views"] => views(simulation.truth(), &mut lines.0),
            _ => simulation.apply(&command.parse::<Step>()?, &mut lines),
        }
        for line in lines.0 {
            printed.push_str(&line);
            printed.push('\n');
        }
        Ok(())
    }

    fn begin(
        &self,
        nodes: &str,
        peer: &str,
        rest: &[&str],
        command: &str,
    ) -> Result<Simulation, ParseError> {
        let bad = || ParseError::new("command", command);
        let number = |text: &str| text.parse::<u32>().ok().ok_or_else(bad);
        let (mut zones, mut seed) = (1, 1);
        for pair in rest.chunks(2) {
            match pair {
                ["zones", value] => zones = number(value)?,
                ["seed", value] => seed = number(value)?,
                _ => return Err(bad()),
            }
        }
        let topology = Topology::new(number(nodes)?, zones);
        let build = (self.peers)(peer).ok_or_else(bad)?;
        Ok(Simulation::new(topology, u64::from(seed), build))
    }
}

/// What is said, a line each.
struct Lines(Vec<String>);

impl Watch for Lines {
    fn said(&mut self, said: Said, _: &Truth) {
        let ms = said.at / 1_000_000;
        let (what, about) = match said.event {
            Event::Suspect(about) => ("suspects", about),
            Event::Cleared(about) => ("clears", about),
            Event::Down(about) => ("convicts", about),
            Event::Up(about) => ("takes back", about),
        };
        let by = said.by;
        self.0.push(format!(
            "{}.{:03} s  {by} {what} {about}",
            ms / 1_000,
            ms % 1_000
        ));
    }
}

/// Who holds whom for down, those with the same view in one line.
fn views(truth: &Truth, lines: &mut Vec<String>) {
    let mut views: BTreeMap<Vec<NodeId>, Vec<NodeId>> = BTreeMap::new();
    for node in truth.running().iter() {
        let down = truth.down(node).map(|down| down.iter().collect());
        views
            .entry(down.unwrap_or_default())
            .or_default()
            .push(node);
    }
    let names = |nodes: &[NodeId]| {
        let names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
        names.join(" ")
    };
    for (down, nodes) in views {
        let down = if down.is_empty() {
            "nobody".to_owned()
        } else {
            names(&down)
        };
        lines.push(format!("{}: down {down}", names(&nodes)));
    }
}
