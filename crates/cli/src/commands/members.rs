//! `members`.

use ninefold_agent::admin;
use ninefold_core::status::{MemberState, MemberStatus, NodeStatus};

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

/// Prints the nodes of the cluster, as the node that is asked knows them.
pub(crate) async fn run(node: NodeArgs) -> Exit {
    let client = match running(Named::of(node.file.as_deref(), &node.common)) {
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
            let expelled = status.gossip.iter().flat_map(|gossip| &gossip.expelled);
            let expelled: Vec<&str> = expelled.map(|name| &**name).collect();
            if !expelled.is_empty() {
                print::quoted(&format!("expelled: {}\n", expelled.join(", ")));
            }
            for opinion in &status.opinions {
                print::quoted(&format!("not well: {opinion}\n"));
            }
        }
    }
    Exit::Ok
}
