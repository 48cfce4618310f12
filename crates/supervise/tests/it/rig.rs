//! A supervisor, its journal and its reports, and ways to look at what it does.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ninefold_config::model::{Endpoint, External, File, ServiceKind};
use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::Seen;
use ninefold_core::status::{InstanceState, InstanceStatus};
use ninefold_supervise::{
    Addresses, Options, Place, PrepareState, ProbeTls, Recorder, Report, Supervisor,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

/// Everything here is over long before.
pub(crate) const DEADLINE: Duration = Duration::from_secs(40);

/// One endpoint that the test runs.
pub(crate) fn external(address: SocketAddr) -> ServiceKind {
    ServiceKind::External(External {
        endpoints: vec![Endpoint {
            address: address.to_string(),
            zone: None,
            weight: 1,
            backup: false,
        }],
        source: None,
    })
}

#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<EventKind>>);

impl Recorder for Journal {
    fn record(&self, kind: EventKind) {
        self.0.lock().unwrap().push(kind);
    }
}

/// What was reported, in order.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    Seen(Seen),
    /// And whether the instance was still admitted.
    Drain(bool),
    Prepare(PrepareState),
}

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) supervisor: Supervisor,
    pub(crate) journal: Arc<Journal>,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// For the reader of the reports, which must not keep the supervisor alive.
    given: watch::Sender<Option<Supervisor>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.given.send_replace(None);
        if std::thread::panicking() {
            self.kill_all();
        }
    }
}

/// A binary of this crate's examples.
pub(crate) fn example(name: &str) -> String {
    let own = std::env::current_exe().unwrap();
    let target = own.parent().and_then(Path::parent).unwrap();
    target
        .join("examples")
        .join(name)
        .to_str()
        .unwrap()
        .to_owned()
}

pub(crate) fn folder() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

pub(crate) fn state_of(folder: &TempDir) -> PathBuf {
    folder.path().join("state")
}

pub(crate) fn web(ordinal: u32) -> InstanceId {
    InstanceId::new("web", ordinal)
}

impl Rig {
    /// A test that failed leaves nobody behind.
    fn kill_all(&self) {
        for pid in self
            .supervisor
            .instances()
            .iter()
            .filter_map(|status| status.pid)
        {
            signal(pid, rustix::process::Signal::KILL);
        }
    }

    pub(crate) async fn start(folder: &Arc<TempDir>, file: File) -> Self {
        Self::start_with(folder, file, BTreeMap::new()).await
    }

    pub(crate) async fn start_with(
        folder: &Arc<TempDir>,
        file: File,
        addresses: BTreeMap<String, SocketAddr>,
    ) -> Self {
        Self::begin(folder, file, addresses, None, None).await
    }

    /// As [`Rig::start`], with probes that speak TLS.
    pub(crate) async fn secured(folder: &Arc<TempDir>, file: File, tls: Arc<dyn ProbeTls>) -> Self {
        Self::begin(folder, file, BTreeMap::new(), Some(tls), None).await
    }

    /// As [`Rig::start`], as one node of several.
    pub(crate) async fn placed(folder: &Arc<TempDir>, file: File, place: Place) -> Self {
        Self::begin(folder, file, BTreeMap::new(), None, Some(place)).await
    }

    async fn begin(
        folder: &Arc<TempDir>,
        file: File,
        addresses: BTreeMap<String, SocketAddr>,
        tls: Option<Arc<dyn ProbeTls>>,
        place: Option<Place>,
    ) -> Self {
        let (reports, received) = mpsc::channel(64);
        let journal = Arc::new(Journal::default());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let started = tokio::spawn(Supervisor::start(Options {
            file: Arc::new(file),
            state: state_of(folder),
            keeper: vec![example("keeper").into()],
            addresses: Addresses {
                services: addresses,
                egress: None,
            },
            reports,
            journal: Arc::clone(&journal) as Arc<dyn Recorder>,
            tls,
            place,
        }));
        let (given, take) = watch::channel(None);
        tokio::spawn(listen(received, Arc::clone(&heard), take));
        let supervisor = started.await.unwrap().unwrap();
        given.send_replace(Some(supervisor.clone()));
        Self {
            folder: Arc::clone(folder),
            supervisor,
            journal,
            heard,
            given,
        }
    }

    pub(crate) fn status(&self, ordinal: u32) -> InstanceStatus {
        self.get(&web(ordinal))
    }

    pub(crate) fn get(&self, id: &InstanceId) -> InstanceStatus {
        let all = self.supervisor.instances();
        all.into_iter()
            .find(|status| status.instance == *id)
            .unwrap()
    }

    pub(crate) fn address(&self, ordinal: u32) -> SocketAddr {
        self.supervisor
            .endpoint(&web(ordinal))
            .unwrap()
            .address
            .tcp()
            .unwrap()
    }

    pub(crate) async fn is(&self, ordinal: u32, state: InstanceState) -> InstanceStatus {
        let what = format!("web/{ordinal} is {state:?}");
        self.until(&what, || self.status(ordinal).state == state)
            .await;
        self.status(ordinal)
    }

    /// Ready with another process than `before`.
    pub(crate) async fn is_back(&self, ordinal: u32, before: &InstanceStatus) -> InstanceStatus {
        let what = format!("web/{ordinal} is back");
        self.until(&what, || {
            let status = self.status(ordinal);
            status.state == InstanceState::Ready && status.pid != before.pid
        })
        .await;
        self.status(ordinal)
    }

    /// Waits for a condition, and shows everything if it never comes.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds() {
            assert!(
                Instant::now() < end,
                "never: {what}\n{:#?}\n{:#?}\n{:#?}",
                self.supervisor.instances(),
                self.events(),
                self.heard(),
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn events(&self) -> Vec<EventKind> {
        self.journal.0.lock().unwrap().clone()
    }

    /// The journal as text.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.events().iter().map(ToString::to_string).collect()
    }

    pub(crate) fn recorded(&self, text: &str) -> usize {
        self.lines()
            .iter()
            .filter(|line| line.contains(text))
            .count()
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        let heard = self.heard();
        heard
            .into_iter()
            .filter_map(|heard| match heard {
                Heard::Seen(seen) => Some(seen),
                Heard::Drain(..) | Heard::Prepare(_) => None,
            })
            .collect()
    }
}

async fn listen(
    mut received: mpsc::Receiver<Report>,
    heard: Arc<Mutex<Vec<Heard>>>,
    supervisor: watch::Receiver<Option<Supervisor>>,
) {
    while let Some(report) = received.recv().await {
        let note = match report {
            Report::Changed | Report::Joined { .. } | Report::Left { .. } => continue,
            Report::Observed(observation) => Heard::Seen(observation.seen),
            Report::Prepare { state, .. } => Heard::Prepare(state),
            Report::Drain { instance, done, .. } => {
                let supervisor = supervisor.borrow().clone();
                let endpoint = supervisor.and_then(|supervisor| supervisor.endpoint(&instance));
                let admitted = endpoint.is_some_and(|endpoint| endpoint.admitted);
                done.send(()).ok();
                Heard::Drain(admitted)
            }
        };
        heard.lock().unwrap().push(note);
    }
}

/// The body of a GET.
pub(crate) async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    body.ok_or_else(|| std::io::Error::other("no answer"))
}

/// Whether a process runs; a zombie does not.
pub(crate) fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or(" Z").starts_with(" Z"))
}

/// A field of `/proc/PID/stat`, counted from the one behind the name.
pub(crate) fn stat(pid: u32, field: usize) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit(')').next().unwrap();
    let mut fields = fields.split_ascii_whitespace();
    fields.nth(field).unwrap().to_owned()
}

/// Its parent.
pub(crate) fn parent(pid: u32) -> u32 {
    stat(pid, 1).parse().unwrap()
}

pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits for a condition that no rig knows of.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let end = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
