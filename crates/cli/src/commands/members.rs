//! `members`.

use std::collections::BTreeMap;

use ninefold_agent::admin;
use ninefold_core::status::{GossipStatus, MemberState, MemberStatus, NodeStatus};

use super::node::{Named, failed, running};
use crate::args::{NodeArgs, Output};
use crate::exit::Exit;
use crate::print;

/// How far the keys of gossip are, if they ever changed.
fn keys(status: &NodeStatus) -> Option<String> {
    let keys = status.gossip.as_ref()?.keys;
    let newest = status.members.iter().map(|member| member.keys).max()?;
    if newest == 0 {
        return None;
    }
    let is_behind =
        |member: &&MemberStatus| member.state == MemberState::Alive && member.keys < newest;
    let behind = status.members.iter().filter(is_behind);
    let behind: Vec<&str> = behind.map(|member| &*member.node).collect();
    let behind = if behind.is_empty() {
        String::new()
    } else {
        format!("; not there yet: {}", behind.join(", "))
    };
    let step = keys.step.name();
    Some(format!(
        "keys of gossip: generation {newest}, {step}{behind}\n"
    ))
}

/// Who runs what, where those that are there do not all run the same.
fn unlike(
    members: &[MemberStatus],
    what: &str,
    of: impl Fn(&MemberStatus) -> Option<&str>,
) -> Option<String> {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let there = members
        .iter()
        .filter(|member| member.state == MemberState::Alive);
    for (member, said) in there.filter_map(|member| Some((member, of(member)?))) {
        by.entry(said).or_default().push(&member.node);
    }
    let each = |(said, nodes): (&&str, &Vec<&str>)| format!("{said} on {}", nodes.join(", "));
    let all: Vec<String> = by.iter().map(each).collect();
    (all.len() > 1).then(|| format!("nodes differ in {what}: {}\n", all.join("; ")))
}

/// Prints the nodes of the cluster, as the node that is asked knows them.
pub(crate) async fn run(node: NodeArgs) -> Exit {
    let client = match running(Named::of(&node)) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let status = match client.status().await {
        Ok(status) => status,
        Err(error) => return failed(error),
    };
    match node.common.output {
        Output::Json => {
            print::json(&serde_json::json!({
                "node": status.node,
                "members": status.members,
                "opinions": status.opinions,
                "gossip": status.gossip,
            }));
        }
        Output::Text if status.members.is_empty() => {
            print::note("this node is alone: `ninefold up FILE --nodes N` runs several");
        }
        Output::Text => {
            print::quoted(&admin::members(&status.members, &status.opinions).render());
            if let Some(keys) = keys(&status) {
                print::quoted(&keys);
            }
            if let Some(problem) = status.gossip.as_ref().and_then(GossipStatus::problem) {
                print::quoted(&format!("DEGRADED: {problem}\n"));
            }
            let expelled = status.gossip.iter().flat_map(|gossip| &gossip.expelled);
            let expelled: Vec<&str> = expelled.map(|name| &**name).collect();
            if !expelled.is_empty() {
                print::quoted(&format!("expelled: {}\n", expelled.join(", ")));
            }
            let members = &status.members;
            let version = unlike(members, "version", |one| one.version.as_deref());
            let revision = unlike(members, "configuration", |one| one.revision.as_deref());
            for note in version.into_iter().chain(revision) {
                print::quoted(&note);
            }
            for opinion in &status.opinions {
                print::quoted(&format!("not well: {opinion}\n"));
            }
        }
    }
    Exit::Ok
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(node: &str, state: &str, version: &str) -> MemberStatus {
        serde_json::from_value(serde_json::json!({
            "node": node, "zone": null, "address": "127.0.0.1:7946", "state": state, "path": "direct",
            "accused_by": 0, "warming": false, "incarnation": 1, "instances": 0, "version": version,
        }))
        .unwrap()
    }

    #[test]
    fn who_runs_what_is_said_where_they_differ() {
        let said =
            |members: &[MemberStatus]| unlike(members, "version", |one| one.version.as_deref());
        let mut members = vec![
            member("n1", "alive", "1"),
            member("n2", "alive", "1"),
            member("n3", "down", "2"),
        ];
        assert_eq!(said(&members), None);
        members.push(member("n4", "alive", "2"));
        let differ = "nodes differ in version: 1 on n1, n2; 2 on n4\n";
        assert_eq!(said(&members).as_deref(), Some(differ));
    }
}
