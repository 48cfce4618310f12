//! A cluster of real processes in a folder of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A condition that does not hold by then never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// One `ninefold up` with its file and state.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    /// The network namespace that all of it runs in, if it is not this one's.
    network: Option<String>,
    up: Option<Child>,
}

/// The service that the tests run.
pub(crate) fn answer() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let answer = target.join("examples/answer");
    assert!(
        answer.exists(),
        "`cargo test -p ninefold-cli` builds {}, with `--test` it does not",
        answer.display()
    );
    answer
}

/// Three replicas over three zones behind one listener; `extra` is appended.
pub(crate) fn three_replicas(extra: &str) -> String {
    format!(
        r#"
[cluster]
name = "test"
zones = ["a", "b", "c"]
[node]
admin = "127.0.0.1:0"
[service.web]
run = ["{}", "{{address}}"]
replicas = 3
health = {{ ready = "/ready", live = {{ http = "/live", every = "300ms", timeout = "300ms", failures = 2 }} }}
[[listener]]
address = "127.0.0.1:0"
[[listener.route]]
path = "/"
service = "web"
[slo.web]
route = "/"
availability = "99.9%"
{extra}
"#,
        answer().display()
    )
}

impl Cluster {
    /// Writes the file, and runs nothing yet.
    pub(crate) fn new(file: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("nf").tempdir().unwrap();
        std::fs::write(folder.path().join("ninefold.toml"), file).unwrap();
        Self {
            folder,
            network: None,
            up: None,
        }
    }

    /// The same in a network namespace.
    pub(crate) fn inside(network: &str, file: &str) -> Self {
        let mut cluster = Self::new(file);
        cluster.network = Some(network.to_owned());
        cluster
    }

    /// Writes the file and brings it up.
    pub(crate) fn up(file: &str) -> Self {
        let mut cluster = Self::new(file);
        cluster.start();
        cluster
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ninefold.toml")
    }

    /// Writes another file in its place, and tells nobody.
    pub(crate) fn write(&self, file: &str) {
        std::fs::write(self.file(), file).unwrap();
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// Writes the file and brings it up on so many nodes.
    pub(crate) fn up_on(file: &str, nodes: u32) -> Self {
        let mut cluster = Self::new(file);
        cluster.start_on(nodes);
        cluster
    }

    /// Runs `up` and waits until it answers.
    pub(crate) fn start(&mut self) {
        self.start_with(&[], &[]);
    }

    /// Runs `up --nodes` and waits until every node answers.
    pub(crate) fn start_on(&mut self, nodes: u32) {
        self.start_with(&["--nodes", &nodes.to_string()], &[]);
        for number in 1..=nodes {
            let what = format!("node n{number} to answer");
            self.wait(&what, || self.node_status(number).is_some());
        }
    }

    /// The same, with more arguments and variables.
    pub(crate) fn start_with(&mut self, args: &[&str], variables: &[(&str, &str)]) {
        let mut child = self
            .command(&["up"])
            .arg(self.file())
            .args(args)
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = self.folder.path().join("up.log");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            let mut file = std::fs::File::create(log).unwrap();
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|n| n > 0) {
                file.write_all(line.as_bytes()).unwrap();
                line.clear();
            }
        });
        self.up = Some(child);
        self.wait("up to answer", || self.try_status().is_some());
    }

    /// The log of the last `up`.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("up.log")).unwrap_or_default()
    }

    fn command(&self, args: &[&str]) -> Command {
        let ninefold = env!("CARGO_BIN_EXE_ninefold");
        let mut command = match &self.network {
            Some(network) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", network, ninefold]);
                command
            }
            None => Command::new(ninefold),
        };
        command
            .args(args)
            .arg("--state")
            .arg(self.state())
            .stdin(Stdio::null());
        command
    }

    /// Where a `verify` that finds nothing running keeps the state of its own cluster.
    pub(crate) fn own_state(&self) -> PathBuf {
        self.state().join("verify")
    }

    /// Starts `verify` and does not wait for it.
    pub(crate) fn begin_verify(&self, args: &[&str]) -> Child {
        self.command(&["verify"])
            .arg(self.file())
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs a command on this cluster to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that says itself which cluster it means.
    pub(crate) fn anywhere(args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ninefold"));
        command.args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command on this cluster and expects JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{args:?}: {error}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    pub(crate) fn status(&self) -> Value {
        self.try_status().expect("a status")
    }

    /// What one of several nodes says.
    pub(crate) fn node_status(&self, number: u32) -> Option<Value> {
        let node = format!("n{number}");
        let output = self.run(&["status", "--output", "json", "--node", &node]);
        serde_json::from_slice(&output.stdout).ok()
    }

    fn try_status(&self) -> Option<Value> {
        serde_json::from_slice(&self.run(&["status", "--output", "json"]).stdout).ok()
    }

    /// The first listener's address, as bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.status()["listeners"][0]["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Waits for a condition, and shows the log if it never holds.
    pub(crate) fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds() {
            assert!(
                Instant::now() < end,
                "waited {PATIENCE:?} for {what}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `n` instances are ready, and gives their pids by instance.
    pub(crate) fn ready(&self, n: usize) -> Vec<(String, i32)> {
        let mut ready = Vec::new();
        self.wait(&format!("{n} ready instances"), || {
            ready = instances(&self.status(), "ready");
            ready.len() == n
        });
        ready
    }

    /// GET on the first listener: status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(self.address(), path)
    }

    /// What the admin socket answers.
    pub(crate) fn post(&self, path: &str, body: &Value) -> String {
        let mut stream = UnixStream::connect(self.state().join("admin.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The metrics, as a scraper gets them.
    pub(crate) fn metrics(&self) -> String {
        self.metrics_as(None)
    }

    /// The metrics with their head, for who sends this `Accept`.
    pub(crate) fn metrics_as(&self, accept: Option<&str>) -> String {
        let record = std::fs::read(self.state().join("node.json")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        let admin: SocketAddr = record["admin"].as_str().unwrap().parse().unwrap();
        let accept = accept.map_or_else(String::new, |accept| format!("accept: {accept}\r\n"));
        let request =
            format!("GET /metrics HTTP/1.1\r\nhost: {admin}\r\n{accept}connection: close\r\n\r\n");
        exchange(admin, request.as_bytes())
    }

    /// Kills `up` itself, as the kernel's OOM killer would.
    pub(crate) fn kill_ninefold(&mut self) {
        let mut up = self.up.take().unwrap();
        up.kill().unwrap();
        up.wait().unwrap();
    }

    /// The process of `up`.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.up.as_ref().unwrap().id()).unwrap()
    }

    /// Waits for the end of an `up` that was told to stop.
    pub(crate) fn ended(&mut self) -> std::process::ExitStatus {
        self.up.take().unwrap().wait().unwrap()
    }

    /// Takes note of an `up` that is gone.
    pub(crate) fn reap(&mut self) {
        self.up.take().unwrap().wait().unwrap();
    }

    /// Stops in order and says how `up` ended.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        let output = self.run(&["stop"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.up.take().unwrap().wait().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.run(&["stop", "--timeout", "20"]));
        // A test that failed leaves nobody behind.
        if self.own_state().exists() {
            let state = self.own_state();
            let state = state.to_str().unwrap();
            drop(Self::anywhere(&[
                "stop",
                "--timeout",
                "20",
                "--state",
                state,
            ]));
        }
        if let Some(mut up) = self.up.take() {
            drop(up.kill());
            drop(up.wait());
        }
    }
}

pub(crate) fn instances(status: &Value, state: &str) -> Vec<(String, i32)> {
    status["instances"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|instance| instance["state"] == state)
        .map(|instance| {
            let pid = instance["pid"].as_i64().unwrap_or(0);
            (
                instance["instance"].as_str().unwrap().to_owned(),
                i32::try_from(pid).unwrap(),
            )
        })
        .collect()
}

/// One GET on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let text = exchange(
        address,
        format!("GET {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").as_bytes(),
    );
    let status = text
        .get(9..12)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    (status, body)
}

/// Sends bytes, half-closes, and reads to the end.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return String::new();
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    if stream.write_all(bytes).is_err() {
        return String::new();
    }
    let mut answer = Vec::new();
    // What came before a reset counts.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether a process is there and is no zombie.
pub(crate) fn alive(pid: i32) -> bool {
    match std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")) {
        Ok(stat) => !stat
            .rsplit_once(')')
            .unwrap()
            .1
            .trim_start()
            .starts_with('Z'),
        Err(_) => false,
    }
}

/// Whether a process is stopped by a signal.
pub(crate) fn stopped(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit_once(')').unwrap().1.trim_start();
        state.starts_with('T')
    })
}

/// Sends a signal by number.
pub(crate) fn signal(pid: i32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}
