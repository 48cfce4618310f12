//! Five nodes on this machine, each with one replica.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::journal;
use crate::backend::{ANSWER, Settings};
use crate::ninefold::{FILE, Ninefold};
use crate::port;
use crate::problem::{Problem, While};
use crate::process::Process;
use crate::stage::answers;

pub(super) const NODES: usize = 5;
/// Lines of a journal that are looked at: more than one injection makes.
const LINES: &str = "400";
/// How long a cluster may take until all of it is well.
const WELL_MAX: Duration = Duration::from_secs(120);

/// The cluster. All of it ends when this value goes away.
#[derive(Debug)]
pub(super) struct Cluster {
    ninefold: Ninefold,
    port: u16,
    _parent: Process,
}

/// One replica as an observer's status shows it.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) name: String,
    pub(super) node: usize,
    pub(super) pid: i32,
    pub(super) address: SocketAddr,
}

impl Cluster {
    /// Starts all of it in an empty folder.
    pub(super) async fn start(program: &Path, folder: &Path) -> Result<Self, Problem> {
        if folder.exists() {
            fs::remove_dir_all(folder).while_(&format!("empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder).while_(&format!("make {}", folder.display()))?;
        let own = std::env::current_exe().while_("find this program")?;
        let port = port::free()?.port();
        let file = folder.join(FILE);
        fs::write(&file, text(&own, folder, port)).while_("write the file")?;
        let words = [
            "up",
            &file.display().to_string(),
            "--nodes",
            &NODES.to_string(),
            "--quiet",
        ];
        let words: Vec<String> = std::iter::once(program.display().to_string())
            .chain(words.map(str::to_owned))
            .collect();
        let mut parent = Process::start(&words, &folder.join("ninefold.log"))?;
        for node in 1..=NODES {
            answers(at(node, port), "/", || parent.runs()).await?;
        }
        let cluster = Self {
            ninefold: Ninefold {
                program: program.to_owned(),
                folder: folder.to_owned(),
            },
            port,
            _parent: parent,
        };
        cluster.settle(1).await?;
        Ok(cluster)
    }

    /// Where a node's gateway listens.
    pub(super) fn gateway(&self, node: usize) -> SocketAddr {
        at(node, self.port)
    }

    /// The process of a node.
    pub(super) fn pid(&self, node: usize) -> Result<i32, Problem> {
        let path = self
            .ninefold
            .folder
            .join(format!("state/n{node}/node.json"));
        let text = fs::read_to_string(&path).while_(&format!("read {}", path.display()))?;
        let record: Value = serde_json::from_str(&text).while_("read who a node is")?;
        let pid = record.get("pid").and_then(Value::as_i64);
        let pid = pid.ok_or_else(|| format!("{} has no pid", path.display()))?;
        i32::try_from(pid).while_("read a pid")
    }

    pub(super) async fn replicas(&self, observer: usize) -> Result<Vec<Replica>, Problem> {
        let status = self.status(observer).await?;
        let instances = status.get("instances").and_then(Value::as_array);
        let replica = |one: &Value| {
            let text = |key: &str| one.get(key).and_then(Value::as_str);
            Some(Replica {
                name: text("instance")?.to_owned(),
                node: text("node")?.strip_prefix('n')?.parse().ok()?,
                pid: i32::try_from(one.get("pid")?.as_i64()?).ok()?,
                address: text("address")?.parse().ok()?,
            })
        };
        Ok(instances
            .into_iter()
            .flatten()
            .filter_map(replica)
            .collect())
    }

    /// The process of a replica, where one runs.
    pub(super) async fn replica(
        &self,
        observer: usize,
        name: &str,
    ) -> Result<Option<Replica>, Problem> {
        let replicas = self.replicas(observer).await?;
        Ok(replicas.into_iter().find(|one| one.name == name))
    }

    async fn status(&self, observer: usize) -> Result<Value, Problem> {
        let node = format!("n{observer}");
        let said = self
            .ninefold
            .run(&["status", "--node", &node, "--output", "json"])
            .await?;
        serde_json::from_str(&said).while_("read the status")
    }

    /// An observer's journal since then, or all that is kept.
    pub(super) async fn journal(&self, observer: usize) -> Result<String, Problem> {
        let node = format!("n{observer}");
        let words = ["events", "--node", &node, "--output", "json", "-n", LINES];
        self.ninefold.run(&words).await
    }

    /// Whether all is well in an observer's eyes.
    async fn is_well(&self, observer: usize) -> Result<bool, Problem> {
        let status = self.status(observer).await?;
        let all = |key: &str, ok: &dyn Fn(&Value) -> bool| {
            let list = status.get(key).and_then(Value::as_array);
            list.is_some_and(|list| list.len() == NODES && list.iter().all(ok))
        };
        let is = |one: &Value, key: &str, value: &str| {
            one.get(key).and_then(Value::as_str) == Some(value)
        };
        let nodes = all("members", &|one| is(one, "state", "alive"));
        let replicas = all("instances", &|one| {
            is(one, "state", "ready") && one.get("ejected").and_then(Value::as_bool) == Some(false)
        });
        let thought = status.get("opinions").and_then(Value::as_array);
        Ok(nodes && replicas && thought.is_none_or(Vec::is_empty))
    }

    /// Whether a node sees all nodes alive, itself included.
    pub(super) async fn sees_all(&self, node: usize) -> Result<bool, Problem> {
        let status = self.status(node).await?;
        let members = status.get("members").and_then(Value::as_array);
        let is_alive = |one: &Value| one.get("state").and_then(Value::as_str) == Some("alive");
        Ok(members.is_some_and(|all| all.len() == NODES && all.iter().all(is_alive)))
    }

    /// The port of the nodes' gossip, over UDP and TCP, as one of them knows it.
    pub(super) async fn gossip_port(&self, node: usize) -> Result<u16, Problem> {
        let status = self.status(node).await?;
        let members = status.get("members").and_then(Value::as_array);
        let of = |one: &Value| {
            let address: SocketAddr = one.get("address")?.as_str()?.parse().ok()?;
            Some(address.port())
        };
        let port = members.and_then(|all| all.first()).and_then(of);
        port.ok_or_else(|| format!("n{node} does not say where gossip is: {status}"))
    }

    /// Takes one back that answered wrongly; one that is in no quarantine is not touched.
    pub(super) async fn readmit(&self, name: &str) {
        // It was not found out, then.
        drop(self.ninefold.run(&["readmit", name, FILE]).await);
    }

    /// Waits until all is well, and stays so for two seconds.
    pub(super) async fn settle(&self, observer: usize) -> Result<(), Problem> {
        let begun = Instant::now();
        let mut well = 0;
        while well < 8 {
            if begun.elapsed() > WELL_MAX {
                let status = self.status(observer).await?;
                return Err(format!("not well after {WELL_MAX:?}: {status}"));
            }
            // A node that is starting does not answer yet.
            well = if self.is_well(observer).await.unwrap_or(false) {
                well + 1
            } else {
                0
            };
            sleep(Duration::from_millis(250)).await;
        }
        Ok(())
    }

    /// The number of the newest line of an observer's journal.
    pub(super) async fn newest(&self, observer: usize) -> Result<u64, Problem> {
        Ok(journal::newest(&self.journal(observer).await?))
    }
}

/// Signals a process by its number.
pub(super) fn signal(pid: i32, signal: Signal) -> Result<(), Problem> {
    let pid = Pid::from_raw(pid).ok_or_else(|| "a pid is none".to_owned())?;
    kill_process(pid, signal).while_("signal a process")
}

fn at(node: usize, port: u16) -> SocketAddr {
    let last = u8::try_from(node).unwrap_or(u8::MAX);
    SocketAddr::from(([127, 0, 0, last], port))
}

fn text(own: &Path, folder: &Path, port: u16) -> String {
    let settings = Settings {
        service: Duration::from_millis(2),
        ..Settings::default()
    };
    format!(
        r#"[cluster]
name  = "classify"
zones = ["a", "b", "c"]

[node]
admin = "off"
state = "{state}"

[service.app]
run      = ["{own}", "backend", "0", "{{address}}", "{settings}", "/dev/null"]
replicas = {NODES}
restart  = {{ budget = 1000 }}

[service.app.health]
ready = {{ http = "/health", every = "500ms", timeout = "500ms", failures = 2 }}
live  = {{ http = "/health", every = "500ms", timeout = "500ms", failures = 4 }}

[[listener]]
address = "127.0.0.1:{port}"

[[listener.route]]
service     = "app"
timeout     = "2s"
try_timeout = "500ms"

[listener.route.answers]
vote = {{ share = "5%" }}

[[listener.route.answers.canary]]
path   = "/known"
expect = {{ body = "{answer}" }}
every  = "1s"
"#,
        state = folder.join("state").display(),
        own = own.display(),
        answer = ANSWER.replace('\n', "\\n"),
    )
}
