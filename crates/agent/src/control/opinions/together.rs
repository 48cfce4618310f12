//! Failures that begin together: whether those that fail have something in common.

use std::collections::{BTreeMap, BTreeSet};

use ninefold_cluster::evidence::gate::{Settings, Shared, Tag};
use ninefold_cluster::evidence::{Said, Sign, Subject};
use ninefold_cluster::membership::Status;
use ninefold_core::id::InstanceId;
use ninefold_core::status::InstanceStatus;
use ninefold_core::time::Timestamp;

use super::{GATE, Opinions};
use crate::cluster::{About, MemberView};
use crate::control::core::Control;

/// What somebody may share with others that fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shares {
    tags: Vec<Tag>,
    /// How many have each of them, where half of those that fail are a reason.
    sizes: BTreeMap<Tag, usize>,
}

impl Shares {
    /// Of one that has these, among all, itself included. Half of all failing is no more a matter of their version
    /// where all have it.
    fn among(tags: Vec<Tag>, all: &[Vec<Tag>]) -> Self {
        let mut sizes: BTreeMap<Tag, usize> = BTreeMap::new();
        for tag in all.iter().flatten() {
            *sizes.entry(tag.clone()).or_default() += 1;
        }
        sizes.retain(|tag, size| matches!(tag, Tag::Zone(_)) || *size < all.len());
        Self { tags, sizes }
    }
}

impl Opinions {
    /// A failure has begun: whether others began with it that share a tag.
    pub(super) fn onset(&mut self, subject: &Subject, shares: &Shares, at: Timestamp) {
        let onsets = match subject {
            Subject::Node(_) => &mut self.nodes,
            Subject::Instance(_) => &mut self.instances,
            // A link has its ends, and a zone is what is shared.
            Subject::Link { .. } | Subject::Zone(_) => return,
        };
        onsets.learn(subject.clone(), at, shares.tags.iter().cloned());
        let size = |tag: &Tag| shares.sizes.get(tag).copied();
        let shared: Vec<Shared> = onsets.shared(&Settings::default(), size, at);
        // Who is well again does not fail with those that begin to fail now.
        let fails = |one: &Subject| one == subject || self.failed.contains_key(one);
        let mut together: BTreeMap<Subject, String> = BTreeMap::new();
        for event in &shared {
            for one in event.subjects.iter().filter(|one| fails(one)) {
                together
                    .entry(one.clone())
                    .or_insert_with(|| event.to_string());
            }
        }
        if !together.contains_key(subject) {
            self.sign(subject.clone(), GATE, Said::Sign(Sign::Alone), at);
        }
        for one in together.keys() {
            self.sign(one.clone(), GATE, Said::Sign(Sign::Shared), at);
        }
        self.together.append(&mut together);
    }
}

impl Control {
    /// What a subject may share with others that fail.
    pub(super) fn shares(&self, subject: &Subject) -> Shares {
        match subject {
            Subject::Node(name) => self.shares_of_node(name),
            Subject::Instance(instance) => self.shares_of_instance(instance),
            Subject::Link { .. } | Subject::Zone(_) => Shares::default(),
        }
    }

    fn shares_of_node(&self, name: &str) -> Shares {
        let Some(cluster) = &self.cluster else {
            return Shares::default();
        };
        let view = cluster.gossip.shared().view();
        let members = view.members.iter();
        let members = members.filter(|member| member.status != Status::Left);
        let (mut own, mut all) = (Vec::new(), Vec::new());
        for member in members {
            let tags = of_member(member);
            if *member.name == *name {
                own.clone_from(&tags);
            }
            all.push(tags);
        }
        Shares::among(own, &all)
    }

    /// Of what its service runs from, and where it stands. Of a place half are no reason here: it may hold two.
    fn shares_of_instance(&self, instance: &InstanceId) -> Shares {
        let facts = self.parts.detector.facts(instance);
        let zone = facts.and_then(|facts| facts.zone.clone()).map(Tag::Zone);
        let node = facts.and_then(|facts| facts.node.clone()).map(Tag::Rack);
        let siblings = self.parts.supervisor.instances().into_iter();
        let siblings = siblings.chain(self.peers_instances());
        let siblings = siblings.filter(|one| one.instance.service == instance.service);
        // What this node runs comes first; of what others tell it is an echo.
        let mut seen: BTreeSet<InstanceId> = BTreeSet::new();
        let siblings = siblings.filter(|one| seen.insert(one.instance.clone()));
        let (mut own, mut all) = (Vec::new(), Vec::new());
        for one in siblings {
            let tags = of_release(&one);
            if one.instance == *instance {
                own.clone_from(&tags);
            }
            all.push(tags);
        }
        own.extend(zone.into_iter().chain(node));
        Shares::among(own, &all)
    }
}

fn of_member(member: &MemberView) -> Vec<Tag> {
    let zone = (!member.zone.is_empty()).then(|| Tag::Zone(member.zone.clone()));
    let about = About::read(member).into_iter().flat_map(|about| {
        let rack = about.rack.as_deref().map(|rack| Tag::Rack(rack.into()));
        let program = [
            Tag::Version(format!("{} of ninefold", about.version).into()),
            Tag::Revision(format!("{} of the file", about.revision).into()),
        ];
        rack.into_iter().chain(program)
    });
    zone.into_iter().chain(about).collect()
}

fn of_release(one: &InstanceStatus) -> Vec<Tag> {
    let of = |what: &str| format!("{what} of {}", one.service).into();
    let tags = one.release.iter().flat_map(|release| {
        let version = release
            .version
            .as_deref()
            .map(|version| Tag::Version(of(version)));
        version
            .into_iter()
            .chain([Tag::Revision(of(&release.revision))])
    });
    tags.collect()
}

#[cfg(test)]
mod tests {
    use ninefold_core::taxonomy::FailureClass;

    use super::*;

    fn zone(name: &str) -> Tag {
        Tag::Zone(name.into())
    }

    fn instance(ordinal: u32) -> Subject {
        Subject::Instance(InstanceId::new("app", ordinal))
    }

    fn revision(name: &str) -> Vec<Tag> {
        vec![Tag::Revision(format!("{name} of app").into())]
    }

    fn shared(opinions: &Opinions, one: &Subject, at: u64) -> bool {
        let opinion = opinions.ledger.opinion(one, Timestamp::from_secs(at));
        let mut lines = opinion.lines.iter();
        lines.any(|line| line.sign == Sign::Shared)
    }

    #[test]
    fn who_is_well_again_does_not_fail_with_those_that_fail_later() {
        let mut opinions = Opinions::default();
        let nodes = ["n1", "n4", "n5"].map(|name| Subject::Node(name.into()));
        let [n1, n4, n5] = &nodes;
        let all = ["a", "a", "b"].map(|name| vec![zone(name)]);
        for (one, at) in [(n1, 10), (n4, 11)] {
            let at = Timestamp::from_secs(at);
            opinions.onset(one, &Shares::among(vec![zone("a")], &all), at);
            opinions.told(one, Some(FailureClass::CrashStop), at);
        }
        assert!(shared(&opinions, n1, 11) && shared(&opinions, n4, 11));
        for one in [n1, n4] {
            opinions.told(one, None, Timestamp::from_secs(14));
        }
        let shares = Shares::among(vec![zone("b")], &all);
        opinions.onset(n5, &shares, Timestamp::from_secs(50));
        assert!(!shared(&opinions, n1, 50) && !shared(&opinions, n4, 50));
    }

    #[test]
    fn all_that_were_started_anew_fail_together_and_it_is_said_what_they_share() {
        let mut opinions = Opinions::default();
        let all = ["old", "new", "new", "old", "old"].map(revision);
        let shares = Shares::among(revision("new"), &all);
        let at = Timestamp::from_secs(10);
        opinions.onset(&instance(1), &shares, at);
        let first = opinions.told(&instance(1), Some(FailureClass::CrashStop), at);
        assert_eq!(first.together, None);
        opinions.onset(&instance(2), &shares, at);
        let second = opinions.told(&instance(2), Some(FailureClass::CrashStop), at);
        let together = "revision new of app: instance app/1, instance app/2";
        assert_eq!(second.together.as_deref(), Some(together));
        assert!(shared(&opinions, &instance(1), 10) && shared(&opinions, &instance(2), 10));
    }

    #[test]
    fn of_what_all_have_two_are_a_coincidence_and_three_are_none() {
        let mut opinions = Opinions::default();
        let all = ["one"; 4].map(revision);
        let shares = Shares::among(revision("one"), &all);
        let at = Timestamp::from_secs(10);
        for ordinal in 0..3 {
            opinions.onset(&instance(ordinal), &shares, at);
            let together = opinions.together.contains_key(&instance(ordinal));
            assert_eq!(together, ordinal == 2);
            opinions.told(&instance(ordinal), Some(FailureClass::CrashStop), at);
        }
    }
}
