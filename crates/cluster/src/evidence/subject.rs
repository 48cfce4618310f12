use std::fmt;
use std::sync::Arc;

use ninefold_core::id::InstanceId;

/// About whom something is said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A node, by its name.
    Node(Arc<str>),
    /// An instance of a service.
    Instance(InstanceId),
    /// The way from one node to another, in this direction.
    Link {
        /// Who sends.
        from: Arc<str>,
        /// Who receives.
        to: Arc<str>,
    },
    /// A zone, by its name, as those outside of it see it.
    Zone(Arc<str>),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(f, "node {name}"),
            Self::Instance(id) => write!(f, "instance {id}"),
            Self::Link { from, to } => write!(f, "link {from} to {to}"),
            Self::Zone(name) => write!(f, "zone {name}"),
        }
    }
}

/// Who says something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observer {
    /// Its name: that of a node, or what it is (`supervisor`, `probe`, `callers`).
    pub name: Arc<str>,
    /// Its zone, where the cluster has several. Observers without one are taken for independent.
    pub zone: Option<Arc<str>>,
}

impl Observer {
    /// An observer without a zone.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            zone: None,
        }
    }

    /// The same in a zone.
    #[must_use]
    pub fn in_zone(mut self, zone: impl Into<Arc<str>>) -> Self {
        self.zone = Some(zone.into());
        self
    }
}

/// How far an observer's accusations are to be believed, in thousandths: 1,000 of one that is well, 0 of one that
/// is isolated. Its good news always counts in full: who hears an answer has heard it, however slow he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Health(u16);

impl Health {
    /// Nothing is wrong with the observer.
    pub const FULL: Self = Self(1_000);
    /// It hears nobody: it accuses nobody.
    pub const ISOLATED: Self = Self(0);

    /// From thousandths; what is above 1,000 is that.
    #[must_use]
    pub const fn new(thousandths: u16) -> Self {
        Self(if thousandths > 1_000 {
            1_000
        } else {
            thousandths
        })
    }

    /// From Lifeguard's local health score, which is 0 of a node that is well: `1 / (1 + score)`, as its
    /// timeouts are stretched by `1 + score`.
    #[must_use]
    pub const fn of_score(score: u8) -> Self {
        Self(1_000 / (1 + score as u16))
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }
}
