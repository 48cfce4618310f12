//! What a proxy is to stand before.

use std::net::SocketAddr;
use std::path::PathBuf;

/// One replica as a proxy's configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    pub(crate) zone: Option<&'static str>,
}

/// Where a proxy listens, before whom, and where its files may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) listen: SocketAddr,
    pub(crate) replicas: Vec<Replica>,
    /// A folder of its own.
    pub(crate) folder: PathBuf,
    /// Requests that one replica works on at once. Whoever tunes a proxy knows it.
    pub(crate) slots: usize,
}

impl Setup {
    /// A cap for one replica: what it works on, and as much again that waits.
    pub(super) const fn replica_cap(&self) -> usize {
        self.slots * 2
    }

    /// A cap for all replicas.
    pub(super) const fn cap(&self) -> usize {
        self.replica_cap() * self.replicas.len()
    }

    /// A line for each replica.
    pub(super) fn lines(&self, line: impl Fn(usize, &Replica) -> String) -> String {
        let lines = self.replicas.iter().enumerate();
        lines
            .map(|(number, replica)| line(number, replica))
            .collect()
    }

    /// A file in the folder, as a text.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

#[cfg(test)]
impl Setup {
    /// Three replicas.
    pub(super) fn example() -> Self {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let replica = |port| Replica {
            address: address(port),
            zone: None,
        };
        Self {
            listen: address(1_000),
            replicas: vec![replica(1_001), replica(1_002), replica(1_003)],
            folder: PathBuf::from("/f"),
            slots: 4,
        }
    }
}
