//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ninefold_agent::chaos::SIMULATED_NODES_MAX;
use ninefold_config::NODES_MAX;
use ninefold_config::model::Span;
use ninefold_core::id::InstanceId;

pub(crate) use cluster::{NodeOf, node_number};
pub(crate) use detect::{DetectCommand, ModelArg, ModelArgs, ReplayArgs, ReplayOutput};
pub(crate) use trust::{
    ClusterArgs, ExpelArgs, InitArgs, JoinArgs, KeysCommand, RotateArgs, TokenArgs, TokenLife,
};

mod cluster;
mod detect;
mod trust;

/// Declare what your service must survive; Ninefold makes it survive, and proves it.
#[derive(Debug, Parser)]
#[command(
    name = "ninefold",
    version,
    arg_required_else_help = true,
    after_help = "Start with:\n  ninefold check ninefold.toml     is the file sound?\n  ninefold up ninefold.toml        run it\n  ninefold status                  what is up, and what may still fail\n  ninefold verify                  prove the claims\n\nExit codes: 0 done, 1 the answer is no, 2 it could not be done; `verify` adds 3 and 4."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run this node: start the services, route to them, keep them up.
    #[command(
        after_help = "Examples:\n  ninefold up\n  ninefold up examples/shop/ninefold.toml\n  ninefold up proxy.toml --log-format json\n  ninefold up examples/shop/ninefold.toml --nodes 3\n  ninefold up --join 10.0.0.1:7946 --node n2 --token-file token\n\nCtrl-C or SIGTERM stops in order; a second one leaves at once and lets the services run on, for the next `up` to adopt.\nWith --nodes, node nK has its listeners and instances on 127.0.0.K and its state in STATE/nK. A node that ends by itself is started again after 1 s, later up to 30 s; one that is stopped stays so. `ninefold stop` stops all of them, other commands mean the first that runs, or --node nK.\nNINEFOLD_LOG filters the log, as in NINEFOLD_LOG=warn.\n\nExit codes: 0 stopped in order, 1 the file has errors, 2 it could not start, or left at once."
    )]
    Up(UpArgs),
    /// Begin a cluster of several hosts: make its authority, this node's identity, and a token for the next host.
    #[command(
        after_help = "The cluster has the name that the file gives it. What is made is in the state folder, in `cluster`, for its owner only: the authority's key stays there, on this node, which answers joins.\n\nExamples:\n  ninefold init\n  ninefold init shop.toml --address 10.0.0.1:7946\n  ninefold init --output json | jq -r .token\n\nExit codes: 0 done, 1 the file has errors, 2 there is one already, or it could not be done."
    )]
    Init(InitArgs),
    /// Make a token by which another host joins the cluster.
    #[command(
        after_help = "To be run on the node where `ninefold init` was. A token is a secret, and shown once; only its hash is kept.\n\nExamples:\n  ninefold token\n  ninefold token shop.toml --ttl 1h --uses 3\n\nExit codes: 0 done, 1 the file has errors, 2 no cluster has begun here, or it could not be done."
    )]
    Token(TokenArgs),
    /// The keys that gossip between the nodes is sealed with.
    #[command(
        subcommand,
        after_help = "Examples:\n  ninefold keys show\n  ninefold keys rotate\n\nExit codes: 0 done, 1 the file has errors, 2 no cluster has begun here, or it could not be done."
    )]
    Keys(KeysCommand),
    /// Expel a node from the cluster: its certificate counts no more, and the others change to a key that it does not have.
    #[command(
        after_help = "To be run on the node where `ninefold init` was; on one host, of `up --nodes`, that is n1. For a host that was stolen or taken over, or that does not come back. While the nodes run they do the rest, and each acts as soon as it knows: it takes the node for one that has left, refuses its packets and its connections, and nobody may join under its name, or with a token of before: make another one. Nothing is kept of the old key, so who is away meanwhile has to join again.\n\nWith --undo its certificate counts again, if it has one still; as it does not have the present key, remove `cluster` from its state folder and have it join again with a token.\n\nExamples:\n  ninefold expel n3\n  ninefold expel n3 shop.toml --output json\n  ninefold members           who is expelled, and who does not know it yet\n  ninefold expel n3 --undo\n\nExit codes: 0 begun, 1 the file has errors, 2 no cluster has begun here, it has to remain, or nothing would change."
    )]
    Expel(ExpelArgs),
    /// Validate a file: every error and warning with its line and what to do.
    #[command(
        after_help = "Examples:\n  ninefold check\n  ninefold check shop.toml --output json\n\nExit codes: 0 no errors (warnings are none), 1 errors, or the file cannot be read."
    )]
    Check(FileArgs),
    /// Print the JSON Schema of the file, for editors.
    #[command(after_help = "Example:\n  ninefold schema > ninefold.schema.json\n\nExit code: 0.")]
    Schema,
    /// What is up, on one screen.
    #[command(
        after_help = "Examples:\n  ninefold status\n  ninefold status --watch\n  ninefold status --output json | jq '.instances[] | [.instance, .state, .pid]'\n\nExit codes: 0 done, 2 nothing runs there, or it does not answer."
    )]
    Status(StatusArgs),
    /// The nodes of the cluster: who is there, who is accused, and who is down.
    #[command(
        after_help = "Each node has its own view; they agree soon after every change.\n\nExamples:\n  ninefold members\n  ninefold members --output json | jq '.members[] | select(.state != \"alive\")'\n\nExit codes: 0 done, 2 nothing runs there, or it does not answer."
    )]
    Members(NodeArgs),
    /// The journal: what happened, was concluded and was done.
    #[command(
        after_help = "Examples:\n  ninefold events -f\n  ninefold events -n 50 --output json\n\nWhen nothing runs, the journal on disk is read, and standard error says so. JSON is one event a line.\n\nExit codes: 0 done, 2 there is no journal, or nothing to follow. -f ends when the node does."
    )]
    Events(EventsArgs),
    /// Incidents: what failed, how, for how long, and who was hurt.
    #[command(
        after_help = "Examples:\n  ninefold incidents\n  ninefold incidents --open --output json\n\nWhen nothing runs, they come from the journal on disk, and standard error says so.\n\nExit codes: 0 done, even if there are none, 2 there is no journal."
    )]
    Incidents(IncidentsArgs),
    /// One incident: who is hurt and how badly, where did it start, what changed and which failure is it. Or what is thought of somebody, how surely, and who saw what.
    #[command(
        after_help = "Examples:\n  ninefold explain inc-3\n  ninefold explain           the newest one\n  ninefold explain shop.toml the newest one there\n  ninefold explain n2        a node: how probable is which failure, and who saw what\n  ninefold explain catalog/1\n  ninefold explain 'n1>n2'   the way from n1 to n2\n\nWhen nothing runs, an incident comes from the journal on disk, and standard error says so.\n\nExit codes: 0 done, 2 no such incident or subject, or there is no journal."
    )]
    Explain(ExplainArgs),
    /// The captured output of a service's instances.
    #[command(
        after_help = "Examples:\n  ninefold logs checkout\n  ninefold logs checkout -f -n 0\n\nThe output is read from disk, whether or not anything runs.\n\nExit codes: 0 done, 2 no such service, or it has written nothing."
    )]
    Logs(LogsArgs),
    /// Prove or refute the claims: inject each failure and watch.
    #[command(
        after_help = "Works on the cluster that runs; if none does, it starts one from FILE and stops it afterwards. Claims of nodes need several (`up --nodes`, or --nodes here), those of partitions also root and nftables.\nWith --simulate nothing runs and nothing is hurt: production's membership and the gateway's decisions on modelled hosts, networks and instances, at any size; what is assumed of them is said with the result, and the same seed sees the same.\n\nExamples:\n  ninefold verify examples/shop/ninefold.toml --trials 5\n  ninefold verify examples/shop/nodes.toml --nodes 3\n  ninefold verify examples/shop/nodes.toml --simulate --nodes 300 --trials 20\n  ninefold verify --claim \"any one zone may go dark\" --seed 7\n  ninefold verify --output json > verdict.json\n  ninefold verify --junit report.xml --markdown report.md\n\nExit codes: 0 all proven, 1 refuted, 2 could not be tried, 3 inconclusive or untested, 4 refused."
    )]
    Verify(VerifyArgs),
    /// Failure detectors on traces of heartbeats: how fast they are, and how often they are wrong.
    #[command(
        subcommand,
        after_help = "Examples:\n  ninefold detect model cloud > cloud.csv\n  ninefold detect replay cloud.csv\n\nExit codes: 0 done, 1 the trace has an error, 2 it could not be done."
    )]
    Detect(DetectCommand),
    /// Stop a running node and its services in order.
    #[command(
        after_help = "Examples:\n  ninefold stop\n  ninefold stop examples/shop/ninefold.toml\n\nOf `up --nodes` all nodes are stopped; with --node only that one, until the next `up`.\nIf Ninefold itself was killed, this stops the services that it left running.\n\nExit codes: 0 stopped, 2 nothing ran, or it has not stopped in time."
    )]
    Stop(StopArgs),
    /// Take an instance back that was put into quarantine because it answered wrongly.
    #[command(
        after_help = "Who answers wrongly gets no more requests and is not restarted: find out why first. A new process ends the quarantine by itself; end the old one, and Ninefold starts another.\n\nExamples:\n  ninefold readmit catalog/1\n  ninefold readmit catalog/1 shop.toml\n\nOf `up --nodes`, all nodes of this machine take it back.\n\nExit codes: 0 it takes requests again, 2 it is not in quarantine, nothing runs there, or it does not answer."
    )]
    Readmit(ReadmitArgs),
    /// Go on by a changed file, without a lost request.
    #[command(
        after_help = "The file is checked and compared; what is added is started; then the new configuration takes the connections of one thread and is watched. If it fails more than the present one, everything is as before. Services that changed are replaced one instance at a time, those that are gone are drained and stopped.\n\nExamples:\n  ninefold reload\n  ninefold reload --dry-run\n  ninefold reload shop.toml --watch 30\n  ninefold reload --now --output json\n\nSIGHUP to `ninefold up` does the same. The nodes of `up --nodes` reload one after another; the first that does not is the last.\n\nExit codes: 0 done, or nothing to do, 1 the file has errors, asks for what cannot be changed, or was rolled back, 2 nothing runs there, or it could not be done."
    )]
    Reload(ReloadArgs),
    /// Have this program take over from the one that runs, without a lost request.
    #[command(
        after_help = "The running `ninefold up` starts this program as its child, with its own environment and log, and gives it the listening sockets; services are adopted, not restarted. If the new one fails before it serves, the old one goes on. It is for new versions, and for what `ninefold reload` refuses; change services with a reload afterwards, since the old process, while it drains, knows only the instances that there were.\n\nExamples:\n  ninefold upgrade\n  /opt/ninefold-0.2/ninefold upgrade shop.toml\n  ninefold up --take-over         the same, in the foreground\n\nA node of `up --nodes` does not hand over.\n\nUnder systemd, with Type=notify and NotifyAccess=all, the unit follows the new process.\n\nExit codes: 0 the new one serves, 1 the file has errors, or the old one goes on, 2 nothing runs there."
    )]
    Upgrade(UpgradeArgs),
    /// Print the completions for a shell.
    #[command(
        after_help = "Example:\n  ninefold completions bash > /etc/bash_completion.d/ninefold\n\nExit code: 0."
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder, or the main one to standard output.
    #[command(
        after_help = "Examples:\n  ninefold man /usr/local/share/man/man1\n  ninefold man | man -l -\n\nExit codes: 0 done, 2 the folder cannot be written."
    )]
    Man {
        /// The folder.
        folder: Option<PathBuf>,
    },
    /// Keeps one instance; started by `up`.
    #[command(hide = true)]
    Keep {
        /// The instance's folder.
        folder: PathBuf,
    },
    /// Undoes faults when their controller dies; started by `verify`.
    #[command(hide = true)]
    Reap {
        /// The state folder of a cluster that ends with its controller.
        #[arg(long)]
        own: Option<PathBuf>,
        /// The fault ledger's folder.
        folder: PathBuf,
    },
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// A file, and how to answer.
#[derive(Debug, ClapArgs)]
pub(crate) struct FileArgs {
    /// The file.
    #[arg(default_value = "ninefold.toml")]
    pub(crate) file: PathBuf,
    /// How to answer.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// Which node is meant, and how to answer.
#[derive(Debug, ClapArgs)]
pub(crate) struct NodeArgs {
    /// The file that the node runs. Default: ./ninefold.toml if that runs, else the only one that
    /// does.
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// What every command about a node takes.
#[derive(Debug, ClapArgs)]
pub(crate) struct CommonArgs {
    /// The node's state folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// Which of the nodes of `up --nodes`: n1, n2, … Default: the first that runs.
    #[arg(long, value_name = "nK", value_parser = node_number)]
    pub(crate) node: Option<u32>,
    /// How to answer.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// `up`.
#[derive(Debug, ClapArgs)]
pub(crate) struct UpArgs {
    /// The file.
    #[arg(default_value = "ninefold.toml")]
    pub(crate) file: PathBuf,
    /// The state folder. Default: node.state in the file, else NINEFOLD_STATE/NAME, else
    /// /var/lib/ninefold/NAME for root, else ~/.local/state/ninefold/NAME.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// Take over from the node that runs, without a lost request and without a restart of its
    /// services; it drains and ends. Where none runs this is an ordinary start.
    #[arg(long, conflicts_with_all = ["tied", "nodes"])]
    pub(crate) take_over: bool,
    /// Run so many nodes on this machine, each a process of its own, and keep them up.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(NODES_MAX)))]
    pub(crate) nodes: Option<u32>,
    /// How to log on standard error.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log_format: Output,
    /// Only log what is wrong.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Stop in order when standard input, a pipe, ends; signals do not cut that short.
    #[arg(long, hide = true)]
    pub(crate) tied: bool,
    /// Which node of how many this is.
    #[arg(long, hide = true, value_name = "K/N", conflicts_with_all = ["nodes", "take_over"])]
    pub(crate) place: Option<NodeOf>,
    /// Where a node of a cluster gossips, over UDP, and answers joins, over TCP. Default: the address that it said when
    /// it joined, or at `ninefold init`.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "nodes")]
    pub(crate) gossip: Option<SocketAddr>,
    /// Where the gossip of some others is.
    #[arg(
        long = "seed",
        hide = true,
        value_name = "ADDRESS",
        conflicts_with = "nodes"
    )]
    pub(crate) seeds: Vec<SocketAddr>,
    #[command(flatten)]
    pub(crate) join: JoinArgs,
}

/// `status`.
#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Show it anew every second until Ctrl-C.
    #[arg(short, long)]
    pub(crate) watch: bool,
}

/// `events`.
#[derive(Debug, ClapArgs)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Go on with what happens from now on.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only the newest so many.
    #[arg(short = 'n', long, default_value_t = 100)]
    pub(crate) lines: usize,
}

/// `incidents`.
#[derive(Debug, ClapArgs)]
pub(crate) struct IncidentsArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Only those that go on.
    #[arg(long)]
    pub(crate) open: bool,
}

/// `explain`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// The incident, or who is to be explained: a node, an instance, a link or a zone. Default: the newest incident.
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

impl ExplainArgs {
    /// One word alone that is a file's name means the file: nothing else that is explained ends so.
    pub(crate) fn settled(mut self) -> Self {
        let file = |id: &mut String| id.ends_with(".toml");
        if self.node.file.is_none()
            && let Some(id) = self.id.take_if(file)
        {
            self.node.file = Some(id.into());
        }
        self
    }
}

/// `readmit`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ReadmitArgs {
    /// The instance, as `ninefold status` shows it.
    #[arg(value_name = "SERVICE/N")]
    pub(crate) instance: InstanceId,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `logs`.
#[derive(Debug, ClapArgs)]
pub(crate) struct LogsArgs {
    /// The service.
    pub(crate) service: String,
    /// Go on with what is written from now on.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only the newest so many lines.
    #[arg(short = 'n', long, default_value_t = 100)]
    pub(crate) lines: usize,
    /// The file that the node runs. Default: ./ninefold.toml if that runs, else the only one that does.
    pub(crate) file: Option<PathBuf>,
    /// The node's state folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// Which of the nodes of `up --nodes`: n1, n2, … Default: the first that runs.
    #[arg(long, value_name = "nK", value_parser = node_number)]
    pub(crate) node: Option<u32>,
}

/// `verify`.
#[derive(Debug, ClapArgs)]
pub(crate) struct VerifyArgs {
    /// The file. Default: that of the node that runs, else ./ninefold.toml.
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    /// Where nothing runs, try them on a cluster of so many nodes, as of `up --nodes`: what claims of nodes need. With
    /// --simulate up to 10000, and by default what the file declares, one a zone, or three.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(SIMULATED_NODES_MAX)))]
    pub(crate) nodes: Option<u32>,
    /// Try them in virtual time: claims of nodes, zones, partitions, and of slow or failing instances.
    #[arg(long, conflicts_with = "traffic")]
    pub(crate) simulate: bool,
    /// What an instance takes for an answer in virtual time, in the mean.
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = answer, requires = "simulate")]
    pub(crate) answer: Duration,
    /// Trials of each claim.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) trials: u32,
    /// The seed that targets are chosen by. Default: from the clock, and printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Only this claim; may be given several times.
    #[arg(long = "claim", value_name = "NAME")]
    pub(crate) claims: Vec<String>,
    /// Requests a second instead of what the claims declare.
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,
    /// What to measure with.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) traffic: TrafficArg,
    /// Write a JUnit report there, too.
    #[arg(long, value_name = "PATH")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a Markdown report there, too.
    #[arg(long, value_name = "PATH")]
    pub(crate) markdown: Option<PathBuf>,
}

fn answer(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    let possible = Duration::from_micros(10)..=Duration::from_secs(60);
    if possible.contains(&span.0) {
        return Ok(span.0);
    }
    Err("10us to 60s are possible".to_owned())
}

/// What `verify` measures with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrafficArg {
    /// Its own open-loop load, as declared by the claim.
    #[default]
    Load,
    /// What passes anyway.
    Live,
}

/// `reload`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ReloadArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Only say what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not watch: take over at once.
    #[arg(long, conflicts_with = "watch")]
    pub(crate) now: bool,
    /// Watch for so many seconds. Default: 5.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=600))]
    pub(crate) watch: Option<u64>,
}

/// `upgrade`.
#[derive(Debug, ClapArgs)]
pub(crate) struct UpgradeArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `stop`.
#[derive(Debug, ClapArgs)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Give up waiting after so many seconds; the node goes on stopping.
    #[arg(long, default_value_t = 60)]
    pub(crate) timeout: u64,
}
