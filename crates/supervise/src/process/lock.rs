//! A lock that says who holds it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::ProcessId;

/// A lock of this process on a file, until it is dropped or the process ends, however it ends.
///
/// It is one of `fcntl`: the kernel tells who holds it, and children do not inherit it. It is gone
/// with any descriptor of the file that this process closes, so the file is opened here only.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the file at `path`; nothing if another process holds it. The file needs
    /// no room on the disk but its name.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(Errno::ACCESS | Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Who holds the lock of the file at `path`, be it anybody but this process.
    pub(crate) fn holder(path: &Path) -> Option<ProcessId> {
        let file = File::open(path).ok()?;
        let pid = || {
            let held = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock)).ok()??;
            u32::try_from(held.pid?.as_raw_pid()).ok()
        };
        let holder = ProcessId::of(pid()?)?;
        // Between the two looks it may have ended, and its number gone to somebody else.
        (pid() == Some(holder.pid)).then_some(holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_lock_has_no_holder_and_a_file_that_is_not_there_none_either() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(Lock::holder(&path), None);
        let lock = Lock::take(&path).unwrap().unwrap();
        drop(lock);
        assert_eq!(Lock::holder(&path), None);
        assert!(Lock::take(&folder.path().join("no/lock")).is_err());
    }
}
