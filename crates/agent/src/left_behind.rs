//! Stopping what a killed Ninefold left running.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ninefold_config::model::{Chaos, Cluster, File, Name, Node as NodeSection};
use ninefold_core::event::EventKind;
use ninefold_observe::journal::{Journal, JournalLimits};
use ninefold_supervise::{Addresses, Options, Recorder, Supervisor};
use tokio::sync::mpsc;

use crate::control::now;
use crate::node::NodeError;
use crate::state::StateFolder;

/// Records in the journal, and counts who stopped.
#[derive(Debug)]
struct Counting {
    journal: Journal,
    stopped: AtomicUsize,
}

impl Recorder for Counting {
    fn record(&self, kind: EventKind) {
        if matches!(kind, EventKind::InstanceStopped { .. }) {
            self.stopped.fetch_add(1, Ordering::Relaxed);
        }
        self.journal.record(now(), kind);
    }
}

/// Stops every instance that still runs in a folder whose node is gone: stop signal, grace, kill.
/// Says how many there were.
///
/// # Errors
/// When the folder is taken or its journal cannot be opened.
pub async fn stop_left_behind(state: &StateFolder) -> Result<usize, NodeError> {
    if !state.path().exists() {
        return Ok(0);
    }
    let _lock = state.open()?;
    let node = NodeSection::default();
    let limits = JournalLimits {
        file_bytes: node.journal_size.0,
        total_bytes: node.journal_size.0,
    };
    let (journal, _history) = Journal::open(&state.journal(), limits)?;
    let recorder = Arc::new(Counting {
        journal,
        stopped: AtomicUsize::new(0),
    });
    // A supervisor of a file without services stops everything it finds.
    let (reports, mut unread) = mpsc::channel(64);
    let reader = tokio::spawn(async move { while unread.recv().await.is_some() {} });
    let supervisor = Supervisor::start(Options {
        file: Arc::new(empty_file(state, node)?),
        state: state.path().to_owned(),
        keeper: vec![OsString::from("none-is-started")],
        addresses: Addresses::default(),
        reports,
        journal: Arc::clone(&recorder) as Arc<dyn Recorder>,
        tls: None,
        place: None,
    })
    .await?;
    supervisor.stop().await;
    reader.abort();
    Ok(recorder.stopped.load(Ordering::Relaxed))
}

fn empty_file(state: &StateFolder, node: NodeSection) -> Result<File, NodeError> {
    let name: Name = "left-behind".parse().map_err(NodeError::Name)?;
    Ok(File {
        path: state.path().join("ninefold.toml"),
        cluster: Cluster {
            nodes: None,
            name,
            zones: Vec::new(),
            regions: BTreeMap::new(),
        },
        threads: None,
        node,
        services: BTreeMap::new(),
        listeners: Vec::new(),
        slos: BTreeMap::new(),
        claims: Vec::new(),
        chaos: Chaos::default(),
    })
}
