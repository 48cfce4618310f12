//! One proxy before its replicas, under one fault.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::backend::{Arrival, Settings, read};
use crate::load::Record;
use crate::port;
use crate::problem::{Problem, While};
use crate::process::Process;
use crate::row::Row;
use crate::subject::{Programs, Reload, Replica, Setup, Subject};

/// How long a process may take until it answers.
const START_MAX: Duration = Duration::from_secs(15);

/// A proxy and its replicas. They end when this value goes away.
#[derive(Debug)]
pub(crate) struct Stage {
    subject: Subject,
    row: Row,
    setup: Setup,
    reload: Option<Reload>,
    replicas: Vec<Option<Process>>,
    proxy: Process,
}

impl Stage {
    /// Starts all of it, in an empty folder, and sees that it answers.
    pub(crate) async fn start(
        subject: Subject,
        row: Row,
        programs: &Programs,
        folder: PathBuf,
    ) -> Result<Self, Problem> {
        if folder.exists() {
            fs::remove_dir_all(&folder).while_(&format!("empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).while_(&format!("make {}", folder.display()))?;
        let replica = |number| {
            Ok(Replica {
                address: port::free()?,
                zone: row.zone(number),
            })
        };
        let setup = Setup {
            listen: port::free()?,
            replicas: (0..row.replicas())
                .map(replica)
                .collect::<Result<_, Problem>>()?,
            folder,
            slots: row.settings().slots,
        };
        let mut replicas = Vec::new();
        for number in 0..setup.replicas.len() {
            let mut process = replica_process(&setup, row, number)?;
            let address = setup.replicas[number].address;
            answers(address, "/health", || process.runs()).await?;
            replicas.push(Some(process));
        }
        for (name, text) in subject.files(&setup) {
            write(&setup.folder.join(name), &text)?;
        }
        let words = subject.words(&setup, programs)?;
        let mut proxy = Process::start(&words, &setup.folder.join("proxy.log"))?;
        let begun = answers(setup.listen, "/", || proxy.runs()).await;
        begun.map_err(|why| format!("{why}; see {}", setup.file("proxy.log")))?;
        Ok(Self {
            subject,
            row,
            reload: subject.reload(programs),
            setup,
            replicas,
            proxy,
        })
    }

    pub(crate) const fn subject(&self) -> Subject {
        self.subject
    }

    pub(crate) const fn listen(&self) -> SocketAddr {
        self.setup.listen
    }

    /// Whether the proxy has not ended by itself.
    pub(crate) fn proxy_runs(&mut self) -> bool {
        self.proxy.runs()
    }

    /// Sends a replica a signal.
    pub(crate) fn signal(&self, number: usize, signal: Signal) -> Result<(), Problem> {
        match self.replicas.get(number) {
            Some(Some(process)) => process.signal(signal),
            _ => Err(format!("replica {number} does not run")),
        }
    }

    /// Starts a replica that has ended, or is about to, at its old address.
    pub(crate) async fn restart(&mut self, number: usize) -> Result<(), Problem> {
        let begun = Instant::now();
        if let Some(slot) = self.replicas.get_mut(number) {
            while slot.as_mut().is_some_and(Process::runs) && begun.elapsed() < START_MAX {
                sleep(Duration::from_millis(5)).await;
            }
            *slot = None;
            let process = replica_process(&self.setup, self.row, number)?;
            let process = slot.insert(process);
            let address = self.setup.replicas[number].address;
            answers(address, "/health", || process.runs()).await?;
        }
        Ok(())
    }

    /// Sets how a replica behaves.
    pub(crate) async fn set(&self, number: usize, settings: Settings) -> Result<(), Problem> {
        let address = self.setup.replicas[number].address;
        get(address, &format!("/set?{settings}")).await
    }

    /// Whether the proxy can take a changed configuration.
    pub(crate) const fn can_reload(&self) -> bool {
        self.reload.is_some()
    }

    /// Gives it a configuration without the last replica, or with it again.
    pub(crate) fn reload(&self, whole: bool) -> Result<(), Problem> {
        let mut setup = self.setup.clone();
        if !whole {
            setup.replicas.pop();
        }
        for (name, text) in self.subject.files(&setup) {
            let path = setup.folder.join(name);
            let unchanged = fs::read_to_string(&path).is_ok_and(|was| was == text);
            if !unchanged {
                write(&path, &text)?;
            }
        }
        match self.reload {
            Some(Reload::Signal(signal)) => self.proxy.signal(signal),
            Some(Reload::Watches) => Ok(()),
            None => Err(format!("{} has no reload", self.subject.name())),
        }
    }

    /// Leaves what became of each request in the folder, for whoever asks why: the milliseconds of
    /// its start and of its time, and its status.
    pub(crate) fn keep(&self, records: &[Record]) -> Result<(), Problem> {
        let mut text = String::new();
        for record in records {
            let (due, took) = (record.due.as_millis(), record.took.as_millis());
            text.push_str(&format!("{due}\t{took}\t{}\n", record.status));
        }
        write(&self.setup.folder.join("requests.tsv"), &text)
    }

    /// What each replica saw, from first to last.
    pub(crate) fn arrivals(&self) -> Vec<Vec<Arrival>> {
        let numbers = 0..self.setup.replicas.len();
        numbers
            .map(|number| read(&log(&self.setup, number)))
            .collect()
    }
}

fn log(setup: &Setup, number: usize) -> PathBuf {
    setup.folder.join(format!("arrivals-{number}"))
}

fn replica_process(setup: &Setup, row: Row, number: usize) -> Result<Process, Problem> {
    let own = std::env::current_exe().while_("find this program")?;
    let words = [
        own.display().to_string(),
        "backend".to_owned(),
        number.to_string(),
        setup.replicas[number].address.to_string(),
        row.settings().to_string(),
        log(setup, number).display().to_string(),
    ];
    Process::start(&words, &setup.folder.join("replicas.log"))
}

/// In one step, so that who watches the file never reads half of it.
fn write(path: &Path, text: &str) -> Result<(), Problem> {
    let shown = path.display();
    let new = path.with_extension("new");
    fs::write(&new, text).while_(&format!("write {shown}"))?;
    fs::rename(&new, path).while_(&format!("write {shown}"))
}

/// Waits until a GET is answered well; `runs` says whether waiting makes sense.
pub(crate) async fn answers(
    address: SocketAddr,
    path: &str,
    mut runs: impl FnMut() -> bool,
) -> Result<(), Problem> {
    let begun = Instant::now();
    loop {
        let Err(why) = get(address, path).await else {
            return Ok(());
        };
        if !runs() {
            return Err(format!("it has ended; {why}"));
        }
        if begun.elapsed() > START_MAX {
            return Err(format!("not within {START_MAX:?}; {why}"));
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// One GET on a connection of its own; its answer must be a 200.
async fn get(address: SocketAddr, path: &str) -> Result<(), Problem> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.while_("connect")?;
        let head = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.while_("send")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.while_("receive")?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.lines().next().unwrap_or("nothing");
        if status.split(' ').nth(1) == Some("200") {
            Ok(())
        } else {
            Err(format!("{address} answered `{status}`"))
        }
    };
    let late = |_late| format!("{address} is silent");
    timeout(Duration::from_secs(2), exchange)
        .await
        .map_err(late)?
}
