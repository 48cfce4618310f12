//! Which failure domain a set of failed instances shares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::detect::Facts;
use crate::id::InstanceId;
use crate::named::named;

/// The smallest domain that explains the failed instances: as in `instance catalog/1`, `node n2`,
/// `zone b`, `service catalog`, or a list where they share nothing that is known.
pub(super) fn domain(
    failed: &BTreeSet<InstanceId>,
    members: &BTreeMap<InstanceId, Facts>,
) -> String {
    let Some(first) = failed.first() else {
        return "nothing".to_owned();
    };
    if failed.len() == 1 {
        return format!("instance {first}");
    }
    let one_service = failed.iter().all(|id| id.service == first.service);
    let whole_service = one_service && whole_service(&first.service, failed, members);
    if let Some(node) = node(failed, members) {
        return format!("node {node}");
    }
    if let Some(zone) = shared(failed, members, |facts| facts.zone.as_deref()) {
        let others_stand = members
            .iter()
            .any(|(id, facts)| facts.zone.as_deref() == Some(zone) && !failed.contains(id));
        if !(whole_service && others_stand) {
            return format!("zone {zone}");
        }
    }
    if whole_service {
        return format!("service {}", first.service);
    }
    if !members.is_empty() && members.keys().all(|id| failed.contains(id)) {
        return "every instance".to_owned();
    }
    format!("instances {}", named(failed.iter()))
}

/// The node that all of them are on.
pub(super) fn node<'a>(
    failed: &BTreeSet<InstanceId>,
    members: &'a BTreeMap<InstanceId, Facts>,
) -> Option<&'a str> {
    shared(failed, members, |facts| facts.node.as_deref())
}

/// Whether every known instance of the service, and more than one, is among `failed`.
pub(super) fn whole_service(
    service: &str,
    failed: &BTreeSet<InstanceId>,
    members: &BTreeMap<InstanceId, Facts>,
) -> bool {
    let mut all = 0;
    for id in members.keys().filter(|id| &*id.service == service) {
        if !failed.contains(id) {
            return false;
        }
        all += 1;
    }
    all > 1
}

/// What instances of one failure domain share.
pub(super) type Tag = fn(&Facts) -> Option<&Arc<str>>;

/// The failure domains, the smaller first.
pub(super) const TAGS: [Tag; 2] = [|facts| facts.node.as_ref(), |facts| facts.zone.as_ref()];

/// Whether at least half of the domain's known instances, and more than one, are among `failed`. Less
/// than that has a cause of its own more likely than the domain.
pub(super) fn most_of(
    (tag, name): (Tag, &Arc<str>),
    failed: &BTreeSet<InstanceId>,
    members: &BTreeMap<InstanceId, Facts>,
) -> bool {
    let there = members.iter().filter(|(_, facts)| tag(facts) == Some(name));
    let (mut all, mut out) = (0_usize, 0_usize);
    for (id, _) in there {
        all += 1;
        out += usize::from(failed.contains(id));
    }
    out > 1 && out * 2 >= all
}

/// What all of them have in common.
fn shared<'a>(
    failed: &BTreeSet<InstanceId>,
    members: &'a BTreeMap<InstanceId, Facts>,
    of: impl Fn(&'a Facts) -> Option<&'a str>,
) -> Option<&'a str> {
    let mut all = failed.iter().map(|id| members.get(id).and_then(&of));
    let first = all.next()??;
    all.all(|one| one == Some(first)).then_some(first)
}
