//! `init`, `token`, `keys`, and what `up` needs to join.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use ninefold_core::units::Span;
use ninefold_trust::NodeName;
use ninefold_trust::rotation::KEEP_MAX;

use super::Output;

/// `init`.
#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// What this node is called.
    #[arg(long, default_value = "n1")]
    pub(crate) node: NodeName,
    /// Where other hosts reach this node. Default: the address that this host has towards others, port 7946.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) token: TokenLife,
}

/// `token`.
#[derive(Debug, ClapArgs)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) token: TokenLife,
}

/// `keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Which keys this node has; never the keys themselves.
    #[command(
        after_help = "Read from this node's folder, whether or not it runs. Who does not have the newest yet is in `ninefold members`.\n\nExamples:\n  ninefold keys show\n  ninefold keys show shop.toml --output json\n\nExit codes: 0 done, 1 the file has errors, 2 no cluster has begun here."
    )]
    Show(ClusterArgs),
    /// Change to a new key, without anybody being cut off.
    #[command(
        after_help = "To be run on the node where `ninefold init` was; on one host, of `up --nodes`, that is n1. While the nodes run they do the rest: all are given the new key over mutual TLS, then all seal with it, and after --keep the old one goes. Who was away comes back by the old key within that time; later it has to join again.\n\nWhere the old key may be known to somebody it should not be kept: `--keep 0s`.\n\nExamples:\n  ninefold keys rotate\n  ninefold keys rotate shop.toml --keep 0s\n  ninefold members           who does not have it yet\n\nExit codes: 0 begun, 1 the file has errors, 2 no cluster has begun here, or the keys are being changed already."
    )]
    Rotate(RotateArgs),
}

/// `keys rotate`.
#[derive(Debug, ClapArgs)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// How long the old key is kept once nobody seals with it any more, as in `24h`; at most 30 days.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = keep)]
    pub(crate) keep: Duration,
}

/// `expel`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ExpelArgs {
    /// The node, as `ninefold members` shows it.
    pub(crate) node: NodeName,
    /// Take back one that was expelled.
    #[arg(long)]
    pub(crate) undo: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Which cluster, and how to answer.
#[derive(Debug, ClapArgs)]
pub(crate) struct ClusterArgs {
    /// The file that gives the cluster its name.
    #[arg(default_value = "ninefold.toml")]
    pub(crate) file: PathBuf,
    /// The node's state folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// How to answer.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, ClapArgs)]
pub(crate) struct TokenLife {
    /// How long the token is good for, as in `1h`; at most 30 days.
    #[arg(long, default_value = "24h", value_parser = life)]
    pub(crate) ttl: Duration,
    /// How many hosts it admits.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) uses: u32,
}

/// How `up` becomes a node first.
#[derive(Debug, ClapArgs)]
pub(crate) struct JoinArgs {
    /// Join the cluster of the node at this address first, unless this one has joined already.
    #[arg(long, value_name = "ADDRESS", requires = "node")]
    pub(crate) join: Option<String>,
    /// What this node is called in the cluster, as in `n2`.
    #[arg(long, value_name = "NAME", requires = "join")]
    pub(crate) node: Option<NodeName>,
    /// The token to join with. Other users of the host see arguments: NINEFOLD_TOKEN and --token-file they do not.
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "join",
        conflicts_with = "token_file"
    )]
    pub(crate) token: Option<String>,
    /// A file with the token to join with.
    #[arg(long, value_name = "FILE", requires = "join")]
    pub(crate) token_file: Option<PathBuf>,
}

fn keep(text: &str) -> Result<Duration, String> {
    let keep = life(text)?;
    if keep <= KEEP_MAX {
        return Ok(keep);
    }
    Err(format!(
        "an old key is kept for {} days at most",
        KEEP_MAX.as_secs() / 86_400
    ))
}

fn life(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    Ok(span.0)
}
