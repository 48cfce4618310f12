//! The node's folder on disk: who may use it, and what lies where.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ninefold_config::{NODES_MAX, model};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// A Unix socket's path holds 108 bytes with its end (`unix(7)`).
const SOCKET_PATH_MAX: usize = 107;

/// How long a lock that somebody holds is waited for.
const LOCK_WAIT_MAX: Duration = Duration::from_millis(500);

/// How long to wait before looking at it again.
const LOCK_AGAIN: Duration = Duration::from_millis(10);

/// The folder that one node keeps its state in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFolder {
    path: PathBuf,
}

/// Who runs in a folder, as written to `node.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Ninefold's process id.
    pub pid: u32,
    /// The cluster's name.
    pub cluster: String,
    /// The file it runs.
    pub file: PathBuf,
    /// The admin API on loopback, if any.
    pub admin: Option<SocketAddr>,
    /// What the system chose for listeners with port 0, in the order of the file.
    #[serde(default)]
    pub ports: Vec<SocketAddr>,
    /// How many nodes it holds, each in a folder below this one; nothing if it is a node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
}

/// What went wrong with the state folder. Nothing was changed in it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or folder could not be made, opened or read.
    #[error("state folder: {path}: {source}; choose another with --state or `node.state`", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another Ninefold runs in it.
    #[error(
        "cluster `{cluster}` already runs here: pid {pid}, {file}; see `ninefold status`, end it with `ninefold stop`, or give this one another name or --state",
        file = file.display()
    )]
    Taken {
        /// Its process.
        pid: u32,
        /// Its cluster.
        cluster: String,
        /// Its file.
        file: PathBuf,
    },
    /// Another process holds the lock and has not said who it is.
    #[error("{path} is locked by another process", path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The path is too long for the admin socket.
    #[error("{path}: longer than the {SOCKET_PATH_MAX} bytes that a Unix socket's path may have; choose a shorter --state", path = path.display())]
    TooLong {
        /// The socket's path.
        path: PathBuf,
    },
}

/// The lock on a state folder; it ends with the process, however that ends.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateFolder {
    /// The folder for `file`: `chosen` (from the command line) before `node.state` before
    /// `<root>/<cluster>`. It is not created.
    #[must_use]
    pub fn of(file: &model::File, chosen: Option<&Path>) -> Self {
        let path = match (chosen, &file.node.state) {
            (Some(path), _) => path.to_owned(),
            (None, Some(path)) => file.folder().join(path),
            (None, None) => Self::root().join(&*file.cluster.name),
        };
        Self {
            path: std::path::absolute(&path).unwrap_or(path),
        }
    }

    /// A folder given by its path.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        }
    }

    /// Where state folders lie by default: `$NINEFOLD_STATE`, else `/var/lib/ninefold` for root,
    /// else `$XDG_STATE_HOME/ninefold` or `~/.local/state/ninefold`.
    #[must_use]
    pub fn root() -> PathBuf {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(root) = variable("NINEFOLD_STATE") {
            return root.into();
        }
        if rustix::process::geteuid().is_root() {
            return "/var/lib/ninefold".into();
        }
        match (variable("XDG_STATE_HOME"), variable("HOME")) {
            (Some(state), _) => PathBuf::from(state).join("ninefold"),
            (None, Some(home)) => PathBuf::from(home).join(".local/state/ninefold"),
            (None, None) => std::env::temp_dir().join("ninefold"),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The admin API's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path.join("admin.sock")
    }

    /// The socket where a successor takes over.
    pub(crate) fn handover(&self) -> PathBuf {
        // Not longer than the admin socket's, whose length is looked at.
        self.path.join("next.sock")
    }

    /// The folder of what this node has of its cluster.
    #[must_use]
    pub fn cluster(&self) -> PathBuf {
        self.path.join("cluster")
    }

    /// The last incarnation of this node in its cluster that is known, or 0: others know better, and say so.
    pub(crate) fn incarnation(&self) -> u64 {
        let text = fs::read_to_string(self.cluster().join("incarnation"));
        text.ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Keeps the incarnation for the next start.
    pub(crate) fn keep_incarnation(&self, incarnation: u64) -> io::Result<()> {
        let folder = self.cluster();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        let (path, fresh) = (folder.join("incarnation"), folder.join("incarnation.tmp"));
        fs::write(&fresh, format!("{incarnation}\n"))?;
        fs::rename(fresh, path)
    }

    /// Written to again and again, to see whether that works.
    pub(crate) fn canary(&self) -> PathBuf {
        self.path.join("canary")
    }

    /// The journal's folder.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// The SLO ledger's folder.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.path.join("slo")
    }

    /// The folder of one of several nodes, counted from 1.
    #[must_use]
    pub fn node(&self, number: u32) -> Self {
        Self {
            path: self.path.join(format!("n{number}")),
        }
    }

    /// The folders of nodes that are there, with their numbers, in order.
    #[must_use]
    pub fn nodes(&self) -> Vec<(u32, Self)> {
        let folder = |number| (number, self.node(number));
        let all = (1..=NODES_MAX).map(folder);
        all.filter(|(_, folder)| folder.path.is_dir()).collect()
    }

    /// Takes the folder for whoever holds several nodes, and says who that is.
    ///
    /// # Errors
    ///
    /// As for a node: another one runs there, or it cannot be used.
    pub fn hold(&self, record: &NodeRecord) -> Result<StateLock, StateError> {
        let lock = self.open()?;
        self.write_record(record)?;
        Ok(lock)
    }

    /// Creates the folder, for this user only, and takes its lock.
    pub(crate) fn open(&self) -> Result<StateLock, StateError> {
        let socket = self.socket();
        if socket.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(StateError::TooLong { path: socket });
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StateError::Io { path, source }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(io(&self.path))?;
        let path = self.path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(io(&path))?;
        let asked = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(StateLock { _file: file }),
                // A node that was killed a moment ago holds it until the kernel has taken it apart,
                // and whoever asks whether one runs holds it for a moment.
                Err(rustix::io::Errno::WOULDBLOCK) if asked.elapsed() < LOCK_WAIT_MAX => {
                    std::thread::sleep(LOCK_AGAIN);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(self.taken(path)),
                Err(errno) => return Err(io(&path)(errno.into())),
            }
        }
    }

    /// Who holds the lock.
    fn taken(&self, path: PathBuf) -> StateError {
        match self.record() {
            Some(record) => StateError::Taken {
                pid: record.pid,
                cluster: record.cluster,
                file: record.file,
            },
            None => StateError::Locked { path },
        }
    }

    /// Whether a Ninefold holds the lock now.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let Ok(file) = File::open(self.path.join("lock")) else {
            return false;
        };
        // A shared lock is refused while the node holds its exclusive one, and ends with `file`.
        flock(&file, FlockOperation::NonBlockingLockShared).is_err()
    }

    /// Whether this user may not look into it, and so cannot tell whether a Ninefold runs.
    pub(crate) fn is_denied(&self) -> bool {
        File::open(self.path.join("lock"))
            .is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Says who runs here.
    pub(crate) fn write_record(&self, record: &NodeRecord) -> Result<(), StateError> {
        let path = self.path.join("node.json");
        let fresh = self.path.join("node.json.tmp");
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(record)?)?;
            fs::rename(&fresh, &path)
        };
        write().map_err(|source| StateError::Io {
            path: path.clone(),
            source,
        })
    }

    /// Says that who runs here goes on by another file.
    pub(crate) fn now_runs(&self, file: &Path, ports: Vec<SocketAddr>) -> Result<(), StateError> {
        match self.record() {
            Some(record) => self.write_record(&NodeRecord {
                file: file.to_owned(),
                ports,
                ..record
            }),
            None => Ok(()),
        }
    }

    /// Who runs, or last ran, here.
    #[must_use]
    pub fn record(&self) -> Option<NodeRecord> {
        let mut text = String::new();
        let file = File::open(self.path.join("node.json")).ok()?;
        file.take(64 << 10).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(&folder.path().join("deep/er"));
        assert!(!state.is_running());
        let lock = state.open().unwrap();
        assert!(state.is_running());
        assert!(matches!(state.open(), Err(StateError::Locked { .. })));
        let record = NodeRecord {
            pid: 7,
            cluster: "shop".into(),
            file: "x.toml".into(),
            admin: None,
            ports: Vec::new(),
            nodes: None,
        };
        state.write_record(&record).unwrap();
        let refused = state.open().unwrap_err().to_string();
        assert!(
            refused.contains("pid 7") && refused.contains("ninefold stop"),
            "{refused}"
        );
        drop(lock);
        assert!(!state.is_running());
        assert!(state.open().is_ok());
    }

    #[test]
    fn nodes_have_folders_of_their_own_and_one_holder() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path());
        for name in ["n2", "n10", "n201", "nx", "instances"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let numbers: Vec<u32> = state.nodes().into_iter().map(|(n, _)| n).collect();
        assert_eq!(numbers, [2, 10]);
        let record = NodeRecord {
            pid: 7,
            cluster: "shop".into(),
            file: "x.toml".into(),
            admin: None,
            ports: Vec::new(),
            nodes: Some(10),
        };
        let _lock = state.hold(&record).unwrap();
        assert_eq!(state.record().and_then(|record| record.nodes), Some(10));
        assert!(state.hold(&record).is_err());
        assert!(state.node(2).open().is_ok());
    }

    #[test]
    fn whoever_is_about_to_go_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path());
        let lock = state.open().unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| state.open().is_ok());
            std::thread::sleep(LOCK_AGAIN * 5);
            drop(lock);
            assert!(next.join().unwrap());
        });
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_refused_before_anything_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(120));
        let state = StateFolder::at(&path);
        assert!(matches!(state.open(), Err(StateError::TooLong { .. })));
        assert!(!path.exists());
    }

    #[test]
    fn the_folder_is_for_its_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(&folder.path().join("s"));
        let _lock = state.open().unwrap();
        let mode = fs::metadata(state.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
