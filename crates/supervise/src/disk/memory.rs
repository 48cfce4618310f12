//! The run record in the memory of the keeper, for the time in which the disk refuses it.
//!
//! An anonymous file: it needs no disk, lives exactly as long as the keeper, and others find it
//! below `/proc/PID/fd`, if the keeper is known. Its lock tells who the keeper is.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::{MemfdFlags, memfd_create};

use super::record::RunRecord;
use crate::process::{ProcessId, boot_id};

/// The name of the anonymous file.
const NAME: &str = "ninefold-run";
/// A larger one is not ours.
const RECORD_BYTES_MAX: u64 = 64 << 10;
/// A keeper has a handful of descriptors; so many are looked at.
const DESCRIPTORS_MAX: usize = 256;

/// Holds `run` in this process's memory until it is dropped.
pub(crate) fn remember(run: &RunRecord) -> io::Result<File> {
    let mut file = File::from(memfd_create(NAME, MemfdFlags::CLOEXEC)?);
    file.write_all(&serde_json::to_vec(run).map_err(io::Error::other)?)?;
    Ok(file)
}

/// The record in the memory of `keeper`, if it has one.
pub(crate) fn recall(keeper: ProcessId) -> Option<RunRecord> {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", keeper.pid)).ok()?;
    descriptors
        .take(DESCRIPTORS_MAX)
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| is_record(path))
        .find_map(|path| read(&path))
        // The number may have changed hands meanwhile, and the record says whose it is.
        .filter(|run| run.keeper == keeper && run.boot_id == boot_id())
}

fn is_record(descriptor: &Path) -> bool {
    fs::read_link(descriptor).is_ok_and(|to| to.as_os_str() == &*format!("/memfd:{NAME} (deleted)"))
}

fn read(path: &Path) -> Option<RunRecord> {
    let mut content = Vec::new();
    let file = File::open(path).ok()?;
    file.take(RECORD_BYTES_MAX).read_to_end(&mut content).ok()?;
    serde_json::from_slice(&content).ok()
}

#[cfg(test)]
mod tests {
    use ninefold_core::id::InstanceId;
    use ninefold_core::time::Timestamp;

    use super::*;

    #[test]
    fn a_record_is_found_as_long_as_it_is_held_and_only_at_its_keeper() {
        let me = ProcessId::of(std::process::id()).unwrap();
        let run = RunRecord {
            instance: InstanceId::new("a", 0),
            process: me,
            keeper: me,
            boot_id: boot_id(),
            address: "127.0.0.1:1".parse().unwrap(),
            spec: String::new(),
            release: None,
            started: Timestamp::ZERO,
        };
        assert_eq!(recall(me), None);
        let held = remember(&run).unwrap();
        assert_eq!(recall(me), Some(run));
        let other = ProcessId {
            start: me.start + 1,
            ..me
        };
        assert_eq!(recall(other), None);
        drop(held);
        assert_eq!(recall(me), None);
    }
}
