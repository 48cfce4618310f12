//! The paths of keys that checks point at.

use crate::finding::KeyPath;
use crate::model::{File, Listener, Route};

/// `service.NAME`.
pub(super) fn service(name: &str) -> KeyPath {
    KeyPath::default().key("service").key(name)
}

/// `slo.NAME`.
pub(super) fn slo(name: &str) -> KeyPath {
    KeyPath::default().key("slo").key(name)
}

/// `claim[INDEX]`.
pub(super) fn claim(index: usize) -> KeyPath {
    KeyPath::default().key("claim").index(index)
}

/// `listener[INDEX]`.
pub(super) fn listener(index: usize) -> KeyPath {
    KeyPath::default().key("listener").index(index)
}

/// Every listener with its path.
pub(super) fn listeners(file: &File) -> impl Iterator<Item = (KeyPath, &Listener)> {
    file.listeners
        .iter()
        .enumerate()
        .map(|(index, one)| (listener(index), one))
}

/// Every route with its path; that of an assumed route leads to its listener.
pub(super) fn routes(file: &File) -> impl Iterator<Item = (KeyPath, &Route)> {
    listeners(file).flat_map(|(path, listener)| {
        let route = path.key("route");
        listener
            .routes
            .iter()
            .enumerate()
            .map(move |(index, one)| (route.index(index), one))
    })
}
