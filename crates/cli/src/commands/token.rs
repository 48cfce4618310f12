//! `token`, and how a token is given out.

use std::path::PathBuf;

use ninefold_agent::{AdminClient, StateFolder};
use ninefold_core::time::short;
use ninefold_trust::{Authority, ClusterName, Identity, SecretsFolder, issue_token, now};
use serde::Serialize;

use super::node::failed;
use crate::args::{ClusterArgs, Output, TokenArgs, TokenLife};
use crate::exit::Exit;
use crate::print;

/// The cluster that is meant, and where this node's secrets are.
pub(super) struct Target {
    pub(super) cluster: ClusterName,
    pub(super) secrets: SecretsFolder,
    state: PathBuf,
    file: PathBuf,
    pub(super) output: Output,
}

/// What is answered.
#[derive(Serialize)]
struct Given<'a> {
    cluster: &'a str,
    node: &'a str,
    address: String,
    folder: &'a str,
    token: &'a str,
    expires: String,
    uses: u32,
    command: String,
}

/// Makes another token.
pub(crate) fn run(args: &TokenArgs) -> Exit {
    let target = match Target::of(&args.cluster) {
        Ok(target) => target,
        Err(exit) => return exit,
    };
    let identity = match target.identity() {
        Ok(identity) => identity,
        Err(exit) => return exit,
    };
    match Authority::load(&target.secrets, &target.cluster, now()) {
        Ok(Some(authority)) => give(&target, &authority, &identity, args.token, false),
        Ok(None) => failed(format!(
            "{} has joined the cluster, and does not have its authority; make the token on the node where `ninefold init` was run",
            identity.node()
        )),
        Err(error) => failed(error),
    }
}

impl Target {
    /// By the file, which has to be sound.
    pub(super) fn of(args: &ClusterArgs) -> Result<Self, Exit> {
        let outcome = ninefold_config::read(&args.file);
        let Some(file) = &outcome.file else {
            print::note(ninefold_config::render(&outcome).trim_end());
            return Err(Exit::No);
        };
        let state = StateFolder::of(file, args.state.as_deref());
        Ok(Self {
            cluster: file.cluster.name.parse().map_err(failed)?,
            secrets: SecretsFolder::of_state(state.path()),
            state: state.path().to_owned(),
            file: args.file.clone(),
            output: args.output,
        })
    }

    /// Of a cluster that runs on this host alone, its first node, where there is nothing else.
    pub(super) fn or_first_of_host(mut self) -> Self {
        let state = self.state.join("n1");
        let first = SecretsFolder::of_state(&state);
        if !Identity::exists(&self.secrets) && Identity::exists(&first) {
            (self.secrets, self.state) = (first, state);
        }
        self
    }

    /// The node itself, if it runs.
    pub(super) fn client(&self) -> AdminClient {
        AdminClient::new(&StateFolder::at(&self.state))
    }

    /// This node's, which has to be of that cluster.
    pub(super) fn identity(&self) -> Result<Identity, Exit> {
        let folder = self.secrets.path().display();
        let found = Identity::load(&self.secrets, now()).map_err(failed)?;
        let Some(identity) = found else {
            return Err(failed(format!(
                "no cluster has begun in {folder}; `ninefold init` begins one"
            )));
        };
        if *identity.cluster() == self.cluster {
            return Ok(identity);
        }
        Err(failed(format!(
            "{folder} is of the cluster `{}`, and {} is of `{}`; give the file of that one",
            identity.cluster(),
            self.file.display(),
            self.cluster,
        )))
    }
}

/// Makes a token and says what to do with it. `began`: the cluster has just begun.
pub(super) fn give(
    target: &Target,
    authority: &Authority,
    identity: &Identity,
    life: TokenLife,
    began: bool,
) -> Exit {
    let made = issue_token(&target.secrets, authority, life.ttl, life.uses, now());
    let token = match made {
        Ok(token) => token,
        Err(error) => return failed(error),
    };
    let text = token.to_string();
    let folder = target.secrets.path().to_string_lossy();
    let file = shell(&target.file.to_string_lossy());
    let next = if **identity.node() == *"n2" {
        "n3"
    } else {
        "n2"
    };
    let address = identity.address();
    let given = Given {
        cluster: identity.cluster(),
        node: identity.node(),
        address: address.to_string(),
        folder: &folder,
        token: &text,
        expires: token.expires().to_string(),
        uses: life.uses,
        command: format!("NINEFOLD_TOKEN={text} ninefold up {file} --join {address} --node {next}"),
    };
    match target.output {
        Output::Json => print::json(&given),
        Output::Text => print::quoted(&words(&given, life, &file, began)),
    };
    Exit::Ok
}

fn words(given: &Given<'_>, life: TokenLife, file: &str, began: bool) -> String {
    let Given {
        cluster,
        node,
        folder,
        command,
        expires,
        ..
    } = given;
    let begun = if began {
        format!(
            "Cluster `{cluster}` has begun. This node is `{node}`; its secrets are in {folder}.\n\n\
             On this host:\n\n  ninefold up {file}\n\n"
        )
    } else {
        String::new()
    };
    let hosts = match life.uses {
        1 => "one host".to_owned(),
        uses => format!("{uses} hosts, each with another --node"),
    };
    let ttl = short(u64::try_from(life.ttl.as_nanos()).unwrap_or(u64::MAX));
    format!(
        "{begun}On the next host, with a copy of the file:\n\n  {command}\n\n\
         The token is a secret. It admits {hosts}, for {ttl} (until {expires}).\n"
    )
}

/// As a word for a shell.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in [
            ("shop/ninefold.toml", "shop/ninefold.toml"),
            ("my shop.toml", "'my shop.toml'"),
            ("it's", "'it'\\''s'"),
            ("$(x)", "'$(x)'"),
        ] {
            assert_eq!(shell(path), word);
        }
    }
}
