use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::Disturbance;
use crate::time::{nanos, short};

/// How often a node connects to its own listeners.
pub const KNOCK_EVERY: Duration = Duration::from_secs(5);
/// A connection that is not accepted within that is missed.
pub const KNOCK_PATIENCE: Duration = Duration::from_secs(1);
/// So many times in a row a listener misses them before it is told: the first may be the host's doing.
const MISSES: u32 = 2;

/// What became of a node's connection to a listener of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knock {
    /// It was accepted.
    Accepted,
    /// Not within [`KNOCK_PATIENCE`].
    Missed,
    /// The system refused it.
    Refused(String),
}

/// The listeners of a node, by what became of connections to them.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    /// By address.
    known: BTreeMap<String, Listener>,
}

#[derive(Clone, Debug, Default)]
struct Listener {
    missed: u32,
    trouble: Option<Disturbance>,
}

impl Listeners {
    /// One round: to each listener that there is one connection or more. What has changed since the last. Of a listener
    /// with several sockets each may be the one that fails, so the worst of its knocks counts.
    pub fn round(&mut self, knocks: Vec<(String, Knock)>) -> Vec<Disturbance> {
        let mut worst: BTreeMap<String, Knock> = BTreeMap::new();
        for (listener, knock) in knocks {
            let so_far = worst.entry(listener).or_insert(Knock::Accepted);
            if badness(&knock) > badness(so_far) {
                *so_far = knock;
            }
        }
        // One that is there no more is nobody's trouble.
        self.known
            .retain(|listener, _| worst.contains_key(listener));
        let mut changed = Vec::new();
        for (listener, knock) in worst {
            let known = self.known.entry(listener.clone()).or_default();
            changed.extend(known.turn(&listener, knock));
        }
        changed
    }

    /// What is wrong with them.
    pub fn troubles(&self) -> impl Iterator<Item = &Disturbance> {
        let known = self.known.values();
        known.filter_map(|listener| listener.trouble.as_ref())
    }
}

impl Listener {
    fn turn(&mut self, listener: &str, knock: Knock) -> Option<Disturbance> {
        let failed = |error| Disturbance::ListenerFailed {
            listener: listener.to_owned(),
            error,
        };
        let trouble = match knock {
            Knock::Accepted => {
                self.missed = 0;
                None
            }
            Knock::Refused(error) => Some(failed(error)),
            Knock::Missed => {
                self.missed = self.missed.saturating_add(1);
                if self.missed < MISSES && self.trouble.is_none() {
                    return None;
                }
                let patience = short(nanos(KNOCK_PATIENCE));
                Some(failed(format!("not within {patience}, again and again")))
            }
        };
        if trouble == self.trouble {
            return None;
        }
        self.trouble.clone_from(&trouble);
        Some(trouble.unwrap_or_else(|| Disturbance::ListenerRecovered {
            listener: listener.to_owned(),
        }))
    }
}

const fn badness(knock: &Knock) -> u8 {
    match knock {
        Knock::Accepted => 0,
        Knock::Missed => 1,
        Knock::Refused(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(listeners: &mut Listeners, knocks: &[(&str, Knock)]) -> Vec<String> {
        let knocks = knocks.iter();
        let knocks = knocks.map(|(listener, knock)| ((*listener).to_owned(), knock.clone()));
        let changed = listeners.round(knocks.collect());
        changed.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_that_misses_twice_is_told_of_once_and_its_recovery() {
        let mut listeners = Listeners::default();
        let (web, admin) = ("127.0.0.1:80", "127.0.0.1:81");
        let fine = [(web, Knock::Accepted), (admin, Knock::Accepted)];
        let late = [(web, Knock::Missed), (admin, Knock::Accepted)];
        assert!(round(&mut listeners, &late).is_empty());
        assert!(round(&mut listeners, &fine).is_empty());
        assert!(round(&mut listeners, &late).is_empty(), "not in a row");
        let told = round(&mut listeners, &late);
        assert_eq!(
            told,
            ["the listener 127.0.0.1:80 accepts nothing: not within 1.00 s, again and again"]
        );
        assert!(round(&mut listeners, &late).is_empty(), "it is known");
        assert_eq!(listeners.troubles().count(), 1);
        let told = round(&mut listeners, &fine);
        assert_eq!(told, ["the listener 127.0.0.1:80 accepts again"]);
        assert_eq!(listeners.troubles().count(), 0);
    }

    #[test]
    fn a_refusal_is_told_at_once_and_the_worst_of_several_counts() {
        let mut listeners = Listeners::default();
        let refused = Knock::Refused("Connection refused".to_owned());
        let knocks = [("a", Knock::Accepted), ("a", refused), ("a", Knock::Missed)];
        let told = round(&mut listeners, &knocks);
        assert_eq!(told, ["the listener a accepts nothing: Connection refused"]);
        // Gone by a reload: nothing that could recover.
        assert!(round(&mut listeners, &[("b", Knock::Accepted)]).is_empty());
        assert_eq!(listeners.troubles().count(), 0);
    }
}
