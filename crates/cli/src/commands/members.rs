//! `members`.

use ninefold_agent::admin;

use super::node::{Named, failed, running};
use crate::args::{NodeArgs, Output};
use crate::exit::Exit;
use crate::print;

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
            for opinion in &status.opinions {
                print::quoted(&format!("not well: {opinion}\n"));
            }
        }
    }
    Exit::Ok
}
