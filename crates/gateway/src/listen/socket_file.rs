//! The file of a Unix socket: made, told apart from others, and removed.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use socket2::{Domain, SockAddr, Socket, Type};

/// The file of a socket that somebody of this process listens on. Who drops it last removes it, if
/// it is theirs and nobody put another one in its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    owned: AtomicBool,
}

impl SocketFile {
    /// That of a socket which another process made and has not given up yet.
    pub(super) fn of_another(path: &str) -> Option<Self> {
        Self::at(Path::new(path), false).ok()
    }

    fn at(path: &Path, owned: bool) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
            owned: AtomicBool::new(owned),
        })
    }

    /// Whether it is this process's to remove.
    pub(super) fn own(&self, owned: bool) {
        self.owned.store(owned, Relaxed);
    }

    /// Who may connect.
    pub(super) fn set_mode(&self, mode: u32) -> io::Result<()> {
        fs::set_permissions(&self.path, Permissions::from_mode(mode))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let same = |file: &Self| {
            Self::at(&file.path, false).is_ok_and(|now| now.identity == file.identity)
        };
        if self.owned.load(Relaxed)
            && same(self)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "a socket's file is left behind");
        }
    }
}

/// Binds a socket to `path`, and gives it `mode` before anybody can connect. A file that a dead
/// process left is replaced; one on which somebody listens, or which is no socket, is not. It
/// listens at once if it is to.
///
/// # Errors
///
/// `AddrInUse` if somebody listens there.
pub(super) fn bind(
    path: &str,
    mode: u32,
    backlog: Option<i32>,
) -> io::Result<(Socket, SocketFile)> {
    let path = Path::new(path);
    let folder = path.parent().unwrap_or(path);
    // Between a look at a file and its removal another process could have taken its place. The lock
    // ends with the handle.
    let folder = File::open(folder)?;
    folder.lock()?;
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path, &address)?;
            socket.bind(&address)?;
        }
        bound => bound?,
    }
    let file = SocketFile::at(path, true)?;
    file.set_mode(mode)?;
    socket.set_nonblocking(true)?;
    if let Some(backlog) = backlog {
        socket.listen(backlog)?;
    }
    Ok((socket, file))
}

fn remove_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::other("a file is there that is no socket"));
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A full queue says so at once instead of making us wait.
    probe.set_nonblocking(true)?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(()) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::ErrorKind::AddrInUse.into())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn kind(bound: io::Result<(Socket, SocketFile)>) -> io::ErrorKind {
        bound.unwrap_err().kind()
    }

    #[test]
    fn only_what_a_dead_process_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let at = path.to_str().unwrap();
        let living = UnixListener::bind(&path).unwrap();
        assert_eq!(kind(bind(at, 0o600, Some(1))), io::ErrorKind::AddrInUse);
        drop(living);
        assert!(path.exists(), "it is left, as by a process that was killed");
        let (socket, file) = bind(at, 0o660, Some(1)).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        drop((socket, file));
        assert!(!path.exists());
        fs::write(&path, "precious").unwrap();
        assert_eq!(kind(bind(at, 0o600, Some(1))), io::ErrorKind::Other);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn the_file_of_another_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let at = path.to_str().unwrap();
        let (_socket, file) = bind(at, 0o600, Some(1)).unwrap();
        drop(SocketFile::of_another(at));
        assert!(path.exists(), "who was only shown it does not remove it");
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists(), "it is no longer the one that was made");
    }
}
