//! Who is compared.

use ninefold_sim::simulation::Build;
use ninefold_sim::swim::{Config, Swim};
use ninefold_sim::{Topology, membership};

use crate::foca::Foca;

/// A kind of member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ninefold,
    Swim,
    Lifeguard,
    Foca,
}

impl Peer {
    pub(crate) const ALL: [Self; 4] = [Self::Ninefold, Self::Swim, Self::Lifeguard, Self::Foca];

    /// On the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold",
            Self::Swim => "swim",
            Self::Lifeguard => "lifeguard",
            Self::Foca => "foca",
        }
    }

    /// In the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ninefold => "Ninefold",
            Self::Swim => "SWIM",
            Self::Lifeguard => "SWIM + Lifeguard",
            Self::Foca => "foca 2.0",
        }
    }

    pub(crate) fn build(self, topology: &Topology) -> Box<Build> {
        match self {
            Self::Ninefold => membership::build(topology.clone(), Default::default()),
            Self::Swim => Box::new(|boot| Box::new(Swim::new(boot, Config::PLAIN))),
            Self::Lifeguard => Box::new(|boot| Box::new(Swim::new(boot, Config::LAN))),
            Self::Foca => Box::new(|boot| Box::new(Foca::new(boot))),
        }
    }
}
