//! `keys`, and `expel`, which begins to change them, too.

use ninefold_core::status::KeysStep;
use ninefold_core::time::short;
use ninefold_trust::now;
use ninefold_trust::rotation::{Keys, Rotator};

use super::node::failed;
use super::token::Target;
use crate::args::{ClusterArgs, ExpelArgs, KeysCommand, Output, RotateArgs};
use crate::exit::Exit;
use crate::print;

/// Shows the keys, or begins to change them.
pub(crate) fn run(command: &KeysCommand) -> Exit {
    let done = match command {
        KeysCommand::Show(args) => show(args),
        KeysCommand::Rotate(args) => rotate(args),
    };
    done.err().unwrap_or(Exit::Ok)
}

fn show(args: &ClusterArgs) -> Result<(), Exit> {
    let target = Target::of(args)?.or_first_of_host();
    target.identity()?;
    let keys = Keys::load(&target.secrets).map_err(failed)?;
    tell(&target, &keys, false);
    Ok(())
}

/// Expels a node, or takes it back.
pub(crate) async fn expel(args: ExpelArgs) -> Exit {
    let done = try_expel(&args).await;
    done.err().unwrap_or(Exit::Ok)
}

async fn try_expel(args: &ExpelArgs) -> Result<(), Exit> {
    let target = Target::of(&args.cluster)?.or_first_of_host();
    let rotator = rotator(&target)?;
    let keys = if args.undo {
        rotator.take_back(&args.node, now())
    } else {
        rotator.expel(&args.node, now())
    };
    tell(&target, &keys.map_err(failed)?, true);
    if !args.undo {
        say_if_unknown(&target, &args.node).await;
    }
    Ok(())
}

/// Says so where the node that runs here knows nobody of that name: it may be a slip, or one that is long gone.
async fn say_if_unknown(target: &Target, node: &str) {
    // Without one that runs nobody is known.
    let members = target.client().status().await.map(|status| status.members);
    let members = members.unwrap_or_default();
    if members.is_empty() || members.iter().any(|member| member.node == node) {
        return;
    }
    let names: Vec<&str> = members.iter().map(|member| &*member.node).collect();
    print::note(format!(
        "nobody here is called {node}: the nodes are {}; whoever has a certificate of that name is shut out all the same, and `ninefold expel {node} --undo` takes it back",
        names.join(", ")
    ));
}

fn rotator(target: &Target) -> Result<Rotator, Exit> {
    let identity = target.identity()?;
    let rotator = Rotator::load(&target.secrets, &target.cluster, now()).map_err(failed)?;
    rotator.ok_or_else(|| {
        failed(format!(
            "{} has joined the cluster, and does not have its authority; do it on the node where `ninefold init` was run",
            identity.node()
        ))
    })
}

fn rotate(args: &RotateArgs) -> Result<(), Exit> {
    let target = Target::of(&args.cluster)?.or_first_of_host();
    let keys = rotator(&target)?.begin(args.keep, now()).map_err(failed)?;
    tell(&target, &keys, true);
    Ok(())
}

fn tell(target: &Target, keys: &Keys, began: bool) {
    let names: Vec<String> = keys.ring().keys().map(|key| key.id().to_string()).collect();
    match target.output {
        Output::Json => print::json(&serde_json::json!({
            "cluster": &*target.cluster,
            "generation": keys.generation(),
            "step": keys.step(),
            "since": (keys.generation() > 0).then(|| keys.since().to_string()),
            "keep_seconds": keys.keep().as_secs(),
            "keys": names,
            "expelled": keys.expelled().names().map(|name| &**name).collect::<Vec<_>>(),
        })),
        Output::Text => print::quoted(&words(keys, &names, began)),
    };
}

fn words(keys: &Keys, names: &[String], began: bool) -> String {
    let (generation, step) = (keys.generation(), keys.step());
    let mut text = format!("keys of gossip: generation {generation}, {}", step.name());
    if generation > 0 {
        text.push_str(&format!(" since {}", keys.since()));
    }
    text.push('\n');
    for (n, name) in names.iter().enumerate() {
        let does = if n == 0 { "seals and opens" } else { "opens" };
        text.push_str(&format!("  {name}  {does}\n"));
    }
    let expelled: Vec<&str> = keys.expelled().names().map(|name| &**name).collect();
    if !expelled.is_empty() {
        text.push_str(&format!("expelled: {}\n", expelled.join(", ")));
    }
    let later = if keys.keep().is_zero() {
        "then".to_owned()
    } else {
        let keep = u64::try_from(keys.keep().as_nanos()).unwrap_or(u64::MAX);
        format!("{} later", short(keep))
    };
    match step {
        KeysStep::Spreading => text.push_str(&format!(
            "The nodes do the rest while they run: when all have the new key they seal with it, and the old one goes {later}.\n"
        )),
        KeysStep::Retiring => text.push_str(&format!(
            "When all seal with the new one the old one goes {later}.\n"
        )),
        KeysStep::Settled => {}
    }
    if began {
        text.push_str("`ninefold members` says who does not have it yet.\n");
    }
    text
}
