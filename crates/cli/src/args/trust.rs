//! `init`, `token`, and what `up` needs to join.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;
use ninefold_core::units::Span;
use ninefold_trust::NodeName;

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

fn life(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    Ok(span.0)
}
