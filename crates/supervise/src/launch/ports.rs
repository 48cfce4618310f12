//! Which instance has which port.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ninefold_core::hash::fnv1a;
use ninefold_core::id::InstanceId;

use crate::disk::{Folder, write_text};

use super::LaunchError;

/// The ports of one node. An instance keeps its port over restarts while nobody else takes it.
#[derive(Debug)]
pub(crate) struct Ports {
    host: IpAddr,
    range: (u16, u16),
    offset: u32,
    taken: Mutex<BTreeMap<u16, InstanceId>>,
}

impl Ports {
    /// Ports of `range` on `host`, both ends included. The search begins at a place that follows from where
    /// the cluster keeps its state, so that clusters on one machine, of one name as well, seldom
    /// meet.
    pub(crate) fn new(host: IpAddr, range: (u16, u16), state: &Path) -> Self {
        let count = u64::from(range.1.saturating_sub(range.0)) + 1;
        Self {
            host,
            range,
            offset: u32::try_from(fnv1a(state.as_os_str().as_bytes()) % count).unwrap_or(0),
            taken: Mutex::new(BTreeMap::new()),
        }
    }

    /// The address that all of them are on.
    pub(crate) const fn host(&self) -> IpAddr {
        self.host
    }

    /// Holds a port for an instance that runs, or whose folder remembers it. The first holder
    /// keeps it.
    pub(crate) fn reserve(&self, instance: &InstanceId, port: u16) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.entry(port).or_insert_with(|| instance.clone());
    }

    /// The port that the folder remembers.
    pub(crate) fn remembered(folder: &Folder) -> Option<u16> {
        fs::read_to_string(folder.port()).ok()?.trim().parse().ok()
    }

    /// A port for `instance` that can be bound right now: its own if possible.
    pub(crate) fn choose(
        &self,
        instance: &InstanceId,
        folder: &Folder,
    ) -> Result<SocketAddr, LaunchError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own =
            Self::remembered(folder).filter(|port| (self.range.0..=self.range.1).contains(port));
        let count = u32::from(self.range.1.saturating_sub(self.range.0)) + 1;
        let scan = (0..count).filter_map(|step| {
            let port = u32::from(self.range.0) + (self.offset + step) % count;
            u16::try_from(port).ok()
        });
        for port in own.into_iter().chain(scan) {
            let foreign = taken.get(&port).is_some_and(|holder| holder != instance);
            if foreign || TcpListener::bind((self.host, port)).is_err() {
                continue;
            }
            taken.retain(|_, holder| holder != instance);
            taken.insert(port, instance.clone());
            drop(taken);
            if let Err(error) = write_text(&folder.port(), format!("{port}\n").as_bytes()) {
                tracing::warn!(%instance, %error, "the port is not remembered");
            }
            return Ok(SocketAddr::from((self.host, port)));
        }
        Err(LaunchError::NoPort { range: self.range })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn ports_are_distinct_stable_and_free() {
        let state = tempfile::tempdir().unwrap();
        // Some range above the ephemeral ports in which not everything is taken.
        let ports = Ports::new(HOST, (61_000, 64_000), state.path());
        let (a, b) = (InstanceId::new("a", 0), InstanceId::new("b", 0));
        let folder = |id: &InstanceId| {
            let folder = Folder::of(state.path(), id);
            folder.create().unwrap();
            folder
        };
        let first = ports.choose(&a, &folder(&a)).unwrap();
        let other = ports.choose(&b, &folder(&b)).unwrap();
        assert_ne!(first, other);
        assert_eq!(ports.choose(&a, &folder(&a)).unwrap(), first);
        let squatter = TcpListener::bind(first).unwrap();
        let moved = ports.choose(&a, &folder(&a)).unwrap();
        assert!(moved != first && moved != other);
        drop(squatter);
    }

    #[test]
    fn clusters_of_one_name_begin_at_places_of_their_own() {
        let at = |path: &str| Ports::new(HOST, (21_000, 31_000), Path::new(path)).offset;
        assert_eq!(at("/one/shop"), at("/one/shop"));
        assert_ne!(at("/one/shop"), at("/two/shop"));
    }

    #[test]
    fn nodes_on_one_machine_have_the_same_ports_on_addresses_of_their_own() {
        let state = tempfile::tempdir().unwrap();
        let squatter = TcpListener::bind((HOST, 0)).unwrap();
        let port = squatter.local_addr().unwrap().port();
        let id = InstanceId::new("a", 0);
        let folder = Folder::of(state.path(), &id);
        folder.create().unwrap();
        let host = IpAddr::from([127, 0, 0, 9]);
        let chosen = Ports::new(host, (port, port), state.path()).choose(&id, &folder);
        assert_eq!(chosen.unwrap(), SocketAddr::from((host, port)));
    }

    #[test]
    fn a_range_that_is_used_up_is_an_error() {
        let state = tempfile::tempdir().unwrap();
        let squatter = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = squatter.local_addr().unwrap().port();
        let id = InstanceId::new("a", 0);
        let folder = Folder::of(state.path(), &id);
        folder.create().unwrap();
        let error = Ports::new(HOST, (port, port), state.path())
            .choose(&id, &folder)
            .unwrap_err();
        assert!(matches!(error, LaunchError::NoPort { .. }), "{error}");
    }
}
