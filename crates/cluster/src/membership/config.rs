use std::time::Duration;

/// Knobs of membership. All nodes of a cluster have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The hash of the cluster's name: packets of another one are refused.
    pub cluster: u64,
    /// Observers of a subject (K), at most [`OBSERVERS_MAX`](super::OBSERVERS_MAX). 10.
    pub observers: usize,
    /// How often each of [`observers`](Self::observers) asks its subject; fewer of them ask more often, down to every
    /// 500 ms. 1.5 s; so a subject of ten observers is asked every 150 ms, and so is one of four.
    pub probe_interval: Duration,
    /// How much longer than usual an answer is waited for at most. 200 ms.
    pub probe_timeout_max: Duration,
    /// How rare a wrong timeout of one question is to be. 10 s: a second try follows, by several paths.
    pub mistake_recurrence: Duration,
    /// Who are asked to ask for us. 3.
    pub relays: usize,
    /// How often news are passed on while there are any. 50 ms.
    pub gossip_interval: Duration,
    /// To how many. 3.
    pub fanout: usize,
    /// How often a part of what is known is compared with another member. 1 s.
    pub sync_interval: Duration,
    /// Whether one to whom more is missing than a packet holds asks for it over a stream. Yes; without, by packets alone.
    pub streams: bool,
    /// A cut is decided when nothing has changed for so long. 100 ms.
    pub cut_delay: Duration,
    /// A subject between L and H holds up the conviction of others for so long at most. 3 s.
    pub hold: Duration,
    /// An accusation that is not repeated is forgotten after that. 20 s.
    pub accusation_ttl: Duration,
    /// One who is late for its own timer by more is taken to have been stalled. 100 ms.
    pub stall: Duration,
    /// How long one who came back counts as warming. 10 s.
    pub warming: Duration,
    /// How long those that are gone are remembered. A day.
    pub remember_gone: Duration,
    /// Bytes that are sent in any second at most, with what is around each packet. 12,000.
    pub bytes_per_second: u32,
    /// What is around each packet: the heads of IP and UDP, and the seal where there is one. 28.
    pub packet_overhead: usize,
    /// A zone is frozen at so many onsets within [`gate_window`](Self::gate_window), if they are also a twentieth
    /// of its members; or at two, if they are more than half. 3.
    pub gate_onsets: usize,
    /// See above; and how long it must be quiet until it is judged again. 10 s.
    pub gate_window: Duration,
    /// Convictions a minute: the larger of this and a tenth of the members. 2.
    pub convictions_per_minute: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cluster: 0,
            observers: 10,
            probe_interval: Duration::from_millis(1_500),
            probe_timeout_max: Duration::from_millis(200),
            mistake_recurrence: Duration::from_secs(10),
            relays: 3,
            gossip_interval: Duration::from_millis(50),
            fanout: 3,
            sync_interval: Duration::from_secs(1),
            streams: true,
            cut_delay: Duration::from_millis(100),
            hold: Duration::from_secs(3),
            accusation_ttl: Duration::from_secs(20),
            stall: Duration::from_millis(100),
            warming: Duration::from_secs(10),
            remember_gone: Duration::from_secs(86_400),
            bytes_per_second: 12_000,
            packet_overhead: 28,
            gate_onsets: 3,
            gate_window: Duration::from_secs(10),
            convictions_per_minute: 2,
        }
    }
}
