//! Who speaks ill of which instance: what is seen here, which others are told of, and what others tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ninefold_cluster::evidence::{Channel, Observer, Said, Sign};
use ninefold_core::id::InstanceId;

use crate::cluster::words::{Heard, TOLD_MAX, Words};

/// What somebody told, and on which channel.
type Told = (InstanceId, Observer, Channel);

/// What is said against instances now.
#[derive(Debug, Default)]
pub(super) struct Accusers {
    /// Seen here, by who sees it.
    seen: BTreeMap<InstanceId, BTreeMap<(String, Channel), Sign>>,
    /// Told by other nodes, and by which.
    told: BTreeMap<Told, Arc<str>>,
}

impl Accusers {
    /// Somebody here has seen something, or sees nothing any more.
    pub(super) fn see(&mut self, instance: &InstanceId, observer: &str, said: Said) {
        let (channel, sign) = match said {
            Said::Sign(sign) => (sign.channel(), Some(sign)),
            Said::Nothing(channel) => (channel, None),
            Said::Lives(_) | Said::Ended(_) => return,
        };
        let seen = self.seen.entry(instance.clone()).or_default();
        let by = (observer.to_owned(), channel);
        match sign.filter(|sign| sign.accuses()) {
            Some(sign) => drop(seen.insert(by, sign)),
            None => drop(seen.remove(&by)),
        }
        if seen.is_empty() {
            self.seen.remove(instance);
        }
    }

    /// Whether somebody here speaks ill of an instance.
    pub(super) fn speak_of(&self, instance: &InstanceId) -> bool {
        self.seen.contains_key(instance)
    }

    /// What was seen here of an instance does not hold any more.
    pub(super) fn forget(&mut self, instance: &InstanceId) {
        self.seen.remove(instance);
    }

    /// What others are to be told of instances.
    pub(super) fn words(&self) -> BTreeMap<InstanceId, Words> {
        let words = |seen: &BTreeMap<(String, Channel), Sign>| {
            let words = seen
                .iter()
                .map(|((by, _), sign)| (by.clone(), sign.name().to_owned()));
            words.collect()
        };
        let seen = self.seen.iter().take(TOLD_MAX);
        seen.map(|(instance, seen)| (instance.clone(), words(seen)))
            .collect()
    }

    /// Whether that was not told already.
    pub(super) fn is_news(&self, heard: &Heard) -> bool {
        !self.told.contains_key(&key(heard))
    }

    /// All that others tell now. Returns what they told before and tell no more.
    pub(super) fn hear(&mut self, words: Vec<Heard>) -> Vec<Told> {
        let told = words.into_iter().map(|heard| (key(&heard), heard.node));
        let before = std::mem::replace(&mut self.told, told.collect());
        let no_more = before.into_keys();
        no_more
            .filter(|told| !self.told.contains_key(told))
            .collect()
    }

    /// Whether one node alone does not reach an instance as it should, and another one, `home`, runs it: then it may be
    /// the way between them. What an instance answers is not changed by the way.
    pub(super) fn is_from_afar(
        &self,
        instance: &InstanceId,
        me: &Arc<str>,
        home: &Arc<str>,
    ) -> bool {
        let seen = self.seen.get(instance).into_iter().flatten();
        let seen = seen.map(|((_, channel), _)| (me, *channel));
        let told = self.told.iter();
        let told = told.filter(|((of, ..), _)| of == instance);
        let told = told.map(|((_, _, channel), node)| (node, *channel));
        let all: BTreeSet<(&Arc<str>, Channel)> = seen.chain(told).collect();
        let mut nodes: Vec<&Arc<str>> = all.iter().map(|(node, _)| *node).collect();
        nodes.dedup();
        nodes.len() == 1 && !nodes.contains(&home) && all.iter().all(|(_, one)| is_of_the_way(*one))
    }
}

fn key(heard: &Heard) -> Told {
    let channel = heard.sign.channel();
    (heard.instance.clone(), heard.observer.clone(), channel)
}

/// Whether a bad way shows on that channel as a bad instance does.
const fn is_of_the_way(channel: Channel) -> bool {
    matches!(channel, Channel::Edge | Channel::Callers | Channel::Rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(node: &str, by: &str, sign: Sign) -> Heard {
        Heard {
            instance: InstanceId::new("app", 0),
            node: node.into(),
            observer: Observer::new(format!("{by} of {node}")),
            sign,
        }
    }

    #[test]
    fn one_other_node_that_does_not_reach_it_is_afar() {
        let app = InstanceId::new("app", 0);
        let (me, home): (Arc<str>, Arc<str>) = ("n2".into(), "n1".into());
        let mut accusers = Accusers::default();
        let mut told = |words: Vec<Heard>| {
            accusers.hear(words);
            accusers.is_from_afar(&app, &me, &home)
        };
        assert!(!told(Vec::new()));
        let failing = heard("n4", "callers", Sign::Failing);
        let slow = heard("n4", "times", Sign::Slow);
        assert!(told(vec![failing.clone(), slow]));
        let wrong = heard("n4", "canaries", Sign::Wrong);
        assert!(!told(vec![failing.clone(), wrong]), "no way does that");
        let third = heard("n5", "callers", Sign::Failing);
        assert!(!told(vec![failing.clone(), third]), "two of them");
        let own = heard("n1", "callers", Sign::Failing);
        assert!(!told(vec![own]), "who runs it sees it");
        assert!(told(vec![failing]));
        accusers.see(&app, "callers", Said::Sign(Sign::Failing));
        assert!(!accusers.is_from_afar(&app, &me, &home), "here as well");
        accusers.hear(Vec::new());
        assert!(accusers.is_from_afar(&app, &me, &home), "here alone");
        assert!(!accusers.is_from_afar(&app, &me, &me), "it runs here");
    }

    #[test]
    fn what_is_told_no_more_is_given_back_once() {
        let failing = heard("n4", "callers", Sign::Failing);
        let mut accusers = Accusers::default();
        assert!(accusers.is_news(&failing));
        assert_eq!(accusers.hear(vec![failing.clone()]), []);
        assert!(!accusers.is_news(&failing));
        assert_eq!(accusers.hear(Vec::new()), [key(&failing)]);
        assert_eq!(accusers.hear(Vec::new()), []);
    }
}
