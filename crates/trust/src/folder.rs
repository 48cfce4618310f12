//! The folder of a node's secrets.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Its name in the state folder.
const NAME: &str = "cluster";

/// Bytes of a file in it at most.
const FILE_MAX: u64 = 64 << 10;

/// How long another process that changes something in it is waited for.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long to wait before looking again.
const LOCK_AGAIN: Duration = Duration::from_millis(10);

/// What anybody but its owner may do with a file.
const OTHERS: u32 = 0o077;

/// The folder of a node's secrets. Against other users of the host: nobody but the owner may look into it or into its
/// files, and a file that others may read is not used.
///
/// A file is replaced whole, and is on the disk when it has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsFolder {
    path: PathBuf,
}

/// The folder, or a file in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made, read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it, or it is another user's.
    #[error(
        "{path} is a secret that other users of this host may read or change (mode {mode:03o}, owner {owner}); if nobody has, `chown` it to the user that runs Ninefold and `chmod go= {path}`, else begin the cluster anew",
        path = path.display()
    )]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Whose it is.
        owner: u32,
    },
    /// It is not what it should be.
    #[error("{path}: {detail}; restore it, or remove the folder and join again", path = path.display())]
    Broken {
        /// Which.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Another process changes something in it.
    #[error("{path} is locked by another process, which has not finished within {LOCK_WAIT_MAX:?}", path = path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
}

/// Who holds it is alone with the folder; it ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl SecretsFolder {
    /// At a path. It is not made.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// That of a node, in its state folder.
    #[must_use]
    pub fn of_state(state: &Path) -> Self {
        Self {
            path: state.join(NAME),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes it where it is not there, and sees to it that it is for its owner only.
    pub(crate) fn make(&self) -> Result<(), FolderError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(io_at(&self.path))?;
        let meta = fs::metadata(&self.path).map_err(io_at(&self.path))?;
        private(&self.path, &meta)
    }

    /// Waits until nobody else changes something.
    pub(crate) fn lock(&self) -> Result<FolderLock, FolderError> {
        let path = self.file("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_at(&path))?;
        let asked = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(FolderLock { _file: file }),
                Err(rustix::io::Errno::WOULDBLOCK) if asked.elapsed() < LOCK_WAIT_MAX => {
                    std::thread::sleep(LOCK_AGAIN);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(FolderError::Busy { path }),
                Err(errno) => return Err(io_at(&path)(errno.into())),
            }
        }
    }

    /// The text of a file, if it is there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, FolderError> {
        let path = self.file(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_at(&path)(error)),
        };
        let meta = file.metadata().map_err(io_at(&path))?;
        private(&path, &meta)?;
        let mut text = String::new();
        let mut bounded = file.take(FILE_MAX + 1);
        bounded.read_to_string(&mut text).map_err(io_at(&path))?;
        if text.len() as u64 > FILE_MAX {
            let detail = format!("it has more than {FILE_MAX} bytes");
            return Err(FolderError::Broken { path, detail });
        }
        Ok(Some(text))
    }

    /// The text of a file that has to be there.
    pub(crate) fn need(&self, name: &str) -> Result<String, FolderError> {
        self.read(name)?.ok_or_else(|| FolderError::Broken {
            path: self.file(name),
            detail: "it is not there".to_owned(),
        })
    }

    /// A file of JSON, if it is there.
    pub(crate) fn read_json<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, FolderError> {
        let Some(text) = self.read(name)? else {
            return Ok(None);
        };
        let value = serde_json::from_str(&text);
        value.map(Some).map_err(|error| FolderError::Broken {
            path: self.file(name),
            detail: error.to_string(),
        })
    }

    /// Replaces a file by JSON.
    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), FolderError> {
        let text = serde_json::to_string_pretty(value);
        let text = text.map_err(|error| io_at(&self.file(name))(error.into()))?;
        self.write(name, &text)
    }

    /// Replaces a file: whoever reads it, after a loss of power too, finds what was before or what is now.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let path = self.file(name);
        let fresh = self.file(&format!("{name}.new"));
        let write = || {
            match fs::remove_file(&fresh) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(io_at(&path))
    }
}

/// Whether only its owner, who we are, may look at it.
fn private(path: &Path, meta: &fs::Metadata) -> Result<(), FolderError> {
    let ours = meta.uid() == rustix::process::geteuid().as_raw();
    if ours && meta.mode() & OTHERS == 0 {
        return Ok(());
    }
    Err(FolderError::Exposed {
        path: path.to_owned(),
        mode: meta.mode() & 0o777,
        owner: meta.uid(),
    })
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn nobody_else_may_read_what_is_written() {
        let state = tempfile::tempdir().unwrap();
        let folder = SecretsFolder::of_state(state.path());
        folder.make().unwrap();
        folder.write("a", "one").unwrap();
        folder.write("a", "two").unwrap();
        assert_eq!(folder.read("a").unwrap().as_deref(), Some("two"));
        assert_eq!(folder.read("b").unwrap(), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.file("a")), 0o600);
        assert!(!folder.file("a.new").exists());
        for wrong in [0o640, 0o604, 0o666] {
            fs::set_permissions(folder.file("a"), fs::Permissions::from_mode(wrong)).unwrap();
            let refused = folder.read("a").unwrap_err().to_string();
            assert!(refused.contains("chmod go="), "{refused}");
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(folder.make(), Err(FolderError::Exposed { .. })));
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        let state = tempfile::tempdir().unwrap();
        let folder = SecretsFolder::of_state(state.path());
        folder.make().unwrap();
        let text = "x".repeat(usize::try_from(FILE_MAX).unwrap());
        folder.write("a", &text).unwrap();
        assert!(folder.read("a").is_ok());
        folder.write("a", &(text + "x")).unwrap();
        assert!(matches!(folder.read("a"), Err(FolderError::Broken { .. })));
    }

    #[test]
    fn one_after_the_other_is_alone_with_it() {
        let state = tempfile::tempdir().unwrap();
        let folder = SecretsFolder::at(state.path());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _lock = folder.lock().unwrap();
                    let before = folder.read("n").unwrap().unwrap_or_default();
                    folder.write("n", &(before + "x")).unwrap();
                });
            }
        });
        assert_eq!(folder.need("n").unwrap(), "xxxx");
    }
}
