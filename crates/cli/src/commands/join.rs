//! `up --join`: this host becomes a node, and then goes on as one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ninefold_agent::StateFolder;
use ninefold_config::model;
use ninefold_trust::{ClusterName, Identity, NodeName, SecretsFolder, Token, join, now};

use crate::args::{JoinArgs, UpArgs};
use crate::print;

/// Instead of arguments, which other users of the host see. Services do not get it.
const TOKEN_VARIABLE: &str = "NINEFOLD_TOKEN";

/// Bytes of a file with a token at most.
const TOKEN_FILE_MAX: u64 = 4_096;

type Failure = Box<dyn std::error::Error>;

/// Joins if that is asked for and has not been done. If it fails nothing was written.
pub(super) async fn first(args: &UpArgs, file: &model::File) -> Result<(), Failure> {
    let JoinArgs {
        join: Some(address),
        node: Some(node),
        ..
    } = &args.join
    else {
        return Ok(());
    };
    let state = StateFolder::of(file, args.state.as_deref());
    let folder = SecretsFolder::of_state(state.path());
    let cluster: ClusterName = file.cluster.name.parse()?;
    if let Some(identity) = Identity::load(&folder, now())? {
        return joined(&identity, &cluster, node, &folder);
    }
    let token = token(&args.join)?;
    token.check(&cluster, now())?;
    let identity = join(address, &token, node).await?;
    identity.save(&folder)?;
    print::note(format!(
        "joined the cluster `{cluster}` as `{node}`; its secrets are in {}",
        folder.path().display()
    ));
    Ok(())
}

/// Whether the identity that is there is the one that is asked for.
fn joined(
    identity: &Identity,
    cluster: &ClusterName,
    node: &NodeName,
    folder: &SecretsFolder,
) -> Result<(), Failure> {
    if identity.cluster() == cluster && identity.node() == node {
        return Ok(());
    }
    Err(format!(
        "this node is `{}` of the cluster `{}` already, and cannot be `{node}` of `{cluster}`: {} says so; choose another --state, or remove that folder",
        identity.node(),
        identity.cluster(),
        folder.path().display(),
    )
    .into())
}

/// It is read here, since what is wrong with an argument is shown with all of the argument.
fn token(args: &JoinArgs) -> Result<Token, Failure> {
    if let Some(token) = &args.token {
        return Ok(token.parse()?);
    }
    if let Some(path) = &args.token_file {
        return Ok(read(path)?.parse()?);
    }
    match std::env::var(TOKEN_VARIABLE) {
        Ok(text) => Ok(text.parse()?),
        Err(_unset) => Err(format!(
            "--join needs a token: in {TOKEN_VARIABLE}, --token-file or --token; `ninefold token` makes one on the node where `ninefold init` was run"
        )
        .into()),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(TOKEN_FILE_MAX).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {error}; give the file with the token", path.display()))?;
    Ok(text)
}
