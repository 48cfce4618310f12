//! Which requests came to a replica, and when.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::problem::{Problem, While};

/// One attempt as a replica saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When, since the epoch.
    pub(crate) at: Duration,
    /// The request's own id.
    pub(crate) id: String,
}

/// The file they are written to, line by line and at once.
#[derive(Debug)]
pub(super) struct Log(File);

impl Log {
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.while_(&format!("write {}", path.display())).map(Self)
    }

    pub(super) fn write(&self, id: &str) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = format!("{} {id}\n", at.unwrap_or_default().as_nanos());
        if let Err(why) = (&self.0).write_all(line.as_bytes()) {
            eprintln!("an arrival is not written: {why}");
        }
    }
}

/// Reads what a replica wrote; nothing if it wrote nothing. Its last line may be cut by its death.
pub(crate) fn read(path: &Path) -> Vec<Arrival> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let (at, id) = line.split_once(' ')?;
            Some(Arrival {
                at: Duration::from_nanos(at.parse().ok()?),
                id: id.to_owned(),
            })
        })
        .collect()
}
