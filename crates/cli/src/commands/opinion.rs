//! `explain` of a node, an instance, a link or a zone.

use ninefold_agent::observe::explain::explain_opinion;
use ninefold_core::status::NodeStatus;

use super::node::{Named, failed, running};
use crate::args::{ExplainArgs, Output};
use crate::exit::Exit;
use crate::print;

/// Says what is thought of a subject: `n2`, `catalog/1`, `n1>n2` or the name of a zone.
pub(crate) async fn explain(args: &ExplainArgs, subject: &str) -> Exit {
    let client = match running(Named::of(&args.node)) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let status = match client.status().await {
        Ok(status) => status,
        Err(error) => return failed(error),
    };
    let Some(name) = found(&status, subject) else {
        return failed(format!(
            "nothing is called `{subject}` here: name an incident (`inc-3`), a node (`n2`), an instance (`catalog/1`), a link (`n1>n2`) or a zone"
        ));
    };
    let opinion = status.opinions.iter().find(|one| one.subject == name);
    match (opinion, args.node.common.output) {
        (opinion, Output::Json) => print::json(&opinion),
        (Some(opinion), Output::Text) => print::quoted(&explain_opinion(opinion, status.at)),
        (None, Output::Text) => print::line(format!("{name} is well")),
    };
    Exit::Ok
}

/// The subject's whole name, as in `node n2`.
fn found(status: &NodeStatus, subject: &str) -> Option<String> {
    let is_node = |name: &str| status.members.iter().any(|member| member.node == name);
    if is_node(subject) {
        return Some(format!("node {subject}"));
    }
    if let Some((from, to)) = subject.split_once('>') {
        let both = is_node(from) && is_node(to) && from != to;
        return both.then(|| format!("link {from} to {to}"));
    }
    let mut instances = status.instances.iter();
    if instances.any(|one| one.instance.to_string() == subject) {
        return Some(format!("instance {subject}"));
    }
    let mut zones = status
        .members
        .iter()
        .filter_map(|member| member.zone.as_deref());
    if zones.any(|zone| zone == subject) {
        return Some(format!("zone {subject}"));
    }
    let mut opinions = status.opinions.iter();
    opinions
        .find(|one| one.subject == subject)
        .map(|one| one.subject.clone())
}
