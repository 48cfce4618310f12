//! Settings.

/// Settings of SWIM and Lifeguard; times in ns.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Time between probes.
    pub probe_interval: u64,
    /// Time for the answer to a direct probe.
    pub probe_timeout: u64,
    /// Members that are asked to probe as well.
    pub indirect_probes: usize,
    /// Shortest suspicion: this times the decimal logarithm of the number of nodes, in probe intervals.
    pub suspicion_mult: f64,
    /// Longest suspicion, in shortest ones.
    pub suspicion_max_mult: f64,
    /// How often an update is sent: this times the decimal logarithm of the number of nodes.
    pub retransmit_mult: f64,
    /// Highest local health score, and one.
    pub awareness_max: u32,
    /// Time between rounds of gossip.
    pub gossip_interval: u64,
    /// Members that gossip goes to in a round.
    pub gossip_nodes: usize,
    /// How long the dead are told that they are.
    pub gossip_to_the_dead: u64,
    /// Time between full exchanges, in clusters of up to 32 nodes.
    pub push_pull_interval: u64,
    /// Time between tries to reach one that is held for dead, as serf does it.
    pub reconnect_interval: u64,
    /// Largest packet.
    pub packet_size: usize,
}

const SECOND: u64 = 1_000_000_000;

impl Config {
    /// memberlist's defaults for a LAN.
    pub const LAN: Self = Self {
        probe_interval: SECOND,
        probe_timeout: SECOND / 2,
        indirect_probes: 3,
        suspicion_mult: 4.0,
        suspicion_max_mult: 6.0,
        retransmit_mult: 4.0,
        awareness_max: 8,
        gossip_interval: SECOND / 5,
        gossip_nodes: 3,
        gossip_to_the_dead: 30 * SECOND,
        push_pull_interval: 30 * SECOND,
        reconnect_interval: 30 * SECOND,
        packet_size: 1_400,
    };
    /// The same without Lifeguard: no local health, and a suspicion always as long as its shortest.
    pub const PLAIN: Self = Self {
        awareness_max: 1,
        suspicion_max_mult: 1.0,
        ..Self::LAN
    };

    /// The same with probes so many times as often; how long their answers and suspicions are waited for follows.
    #[must_use]
    pub const fn faster(self, times: u64) -> Self {
        let times = if times == 0 { 1 } else { times };
        Self {
            probe_interval: self.probe_interval / times,
            probe_timeout: self.probe_timeout / times,
            ..self
        }
    }
}
