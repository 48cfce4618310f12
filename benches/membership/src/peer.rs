//! Who is compared: at the settings that they come with, and, where that is less, with as many bytes as ours.

use ninefold_sim::simulation::Build;
use ninefold_sim::swim::{Config, Swim};
use ninefold_sim::{Topology, membership};

use crate::chitchat::{Chitchat, Post};
use crate::foca::Foca;

/// A kind of member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ninefold,
    Swim,
    Lifeguard,
    Foca,
    Chitchat,
    /// The same, as many times faster as makes them send what ours does.
    SwimFaster,
    LifeguardFaster,
    FocaFaster,
}

/// So many times faster SWIM and foca send as much as ours where nothing happens: 901 B/s a node, of 100 and of 1,000.
const SWIM_FASTER: u64 = 11;
const FOCA_FASTER: u32 = 11;

impl Peer {
    pub(crate) const ALL: [Self; 8] = [
        Self::Ninefold,
        Self::Swim,
        Self::Lifeguard,
        Self::Foca,
        Self::Chitchat,
        Self::SwimFaster,
        Self::LifeguardFaster,
        Self::FocaFaster,
    ];

    /// On the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold",
            Self::Swim => "swim",
            Self::Lifeguard => "lifeguard",
            Self::Foca => "foca",
            Self::Chitchat => "chitchat",
            Self::SwimFaster => "swim-faster",
            Self::LifeguardFaster => "lifeguard-faster",
            Self::FocaFaster => "foca-faster",
        }
    }

    /// In the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ninefold => "Ninefold",
            Self::Swim => "SWIM",
            Self::Lifeguard => "SWIM + Lifeguard",
            Self::Foca => "foca 2.0",
            Self::Chitchat => "chitchat 0.13",
            Self::SwimFaster => "SWIM, equal bytes",
            Self::LifeguardFaster => "SWIM + Lifeguard, equal bytes",
            Self::FocaFaster => "foca 2.0, equal bytes",
        }
    }

    /// Whether a seed decides all that happens.
    #[cfg(test)]
    pub(crate) fn is_seeded(self) -> bool {
        self != Self::Chitchat
    }

    pub(crate) fn build(self, topology: &Topology) -> Box<Build> {
        match self {
            Self::Ninefold => membership::build(topology.clone(), Default::default()),
            Self::Swim => swim(Config::PLAIN),
            Self::Lifeguard => swim(Config::LAN),
            Self::Foca => Box::new(|boot| Box::new(Foca::new(boot, 1))),
            Self::Chitchat => {
                let post = Post::default();
                Box::new(move |boot| Box::new(Chitchat::new(boot, Post::clone(&post))))
            }
            Self::SwimFaster => swim(Config::PLAIN.faster(SWIM_FASTER)),
            Self::LifeguardFaster => swim(Config::LAN.faster(SWIM_FASTER)),
            Self::FocaFaster => Box::new(|boot| Box::new(Foca::new(boot, FOCA_FASTER))),
        }
    }
}

fn swim(config: Config) -> Box<Build> {
    Box::new(move |boot| Box::new(Swim::new(boot, config)))
}
