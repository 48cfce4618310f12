//! What an earlier Ninefold left in an instance's folder.

use std::io;

use crate::disk::{ExitRecord, Folder, RunRecord, read_json, recall};
use crate::process::{Lock, ProcessId, boot_id};

/// What is there.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Nothing that concerns this boot.
    Nothing,
    /// A process that lives.
    Alive {
        /// Its record.
        run: RunRecord,
        /// Whether its keeper lives.
        kept: bool,
        /// Whether it was ready when that Ninefold last knew.
        ready: bool,
    },
    /// A process that ended, and how, if its keeper wrote that down.
    Ended {
        /// Its record.
        run: RunRecord,
        /// Its end.
        exit: Option<ExitRecord>,
    },
}

/// Looks into the folder, and where that tells of nobody, for the keeper that holds its lock: it
/// has in memory what a full disk refused.
///
/// # Errors
///
/// A record that cannot be read or is none.
pub(crate) fn examine(folder: &Folder) -> io::Result<Found> {
    let recorded = recorded(folder);
    if let Ok(Found::Alive { .. }) = recorded {
        return recorded;
    }
    let kept = Lock::holder(&folder.keeper_lock()).and_then(recall);
    match kept.filter(|run| run.process.alive()) {
        Some(run) => Ok(alive(run, folder)),
        None => recorded,
    }
}

/// What the records say. A pid alone proves nothing: boot and start time must agree too.
fn recorded(folder: &Folder) -> io::Result<Found> {
    let Some(run) = read_json::<RunRecord>(&folder.run())? else {
        return Ok(Found::Nothing);
    };
    if run.boot_id != boot_id() {
        return Ok(Found::Nothing);
    }
    if run.process.alive() {
        return Ok(alive(run, folder));
    }
    let exit = read_json::<ExitRecord>(&folder.exit())?.filter(|exit| exit.process == run.process);
    Ok(Found::Ended { run, exit })
}

fn alive(run: RunRecord, folder: &Folder) -> Found {
    let kept = run.keeper.alive();
    // Without a word about it the process has to earn its readiness anew.
    let ready =
        matches!(read_json::<ProcessId>(&folder.ready()), Ok(Some(id)) if id == run.process);
    Found::Alive { run, kept, ready }
}

#[cfg(test)]
mod tests {
    use ninefold_core::id::InstanceId;
    use ninefold_core::taxonomy::ExitCause;
    use ninefold_core::time::Timestamp;

    use super::*;
    use crate::disk::write_json;

    fn record(process: ProcessId) -> RunRecord {
        RunRecord {
            instance: InstanceId::new("a", 0),
            process,
            keeper: process,
            boot_id: boot_id(),
            address: "127.0.0.1:1".parse().unwrap(),
            spec: String::new(),
            release: None,
            started: Timestamp::ZERO,
        }
    }

    #[test]
    fn adopts_only_the_very_same_process() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        assert!(matches!(examine(&folder).unwrap(), Found::Nothing));

        let me = ProcessId::of(std::process::id()).unwrap();
        write_json(&folder.run(), &record(me)).unwrap();
        assert!(matches!(
            examine(&folder).unwrap(),
            Found::Alive {
                kept: true,
                ready: false,
                ..
            }
        ));

        let reused = ProcessId {
            start: me.start + 1,
            ..me
        };
        for (who, expected) in [(reused, false), (me, true)] {
            write_json(&folder.ready(), &who).unwrap();
            assert!(
                matches!(examine(&folder).unwrap(), Found::Alive { ready, .. } if ready == expected)
            );
        }
        write_json(&folder.run(), &record(reused)).unwrap();
        assert!(matches!(
            examine(&folder).unwrap(),
            Found::Ended { exit: None, .. }
        ));

        let exit = ExitRecord {
            process: reused,
            cause: ExitCause::Code(3),
            ended_at_ns: Timestamp::from_secs(1),
        };
        write_json(&folder.exit(), &exit).unwrap();
        let found = examine(&folder).unwrap();
        assert!(matches!(found, Found::Ended { exit: Some(e), .. } if e == exit));

        let other_boot = RunRecord {
            boot_id: "another".into(),
            ..record(me)
        };
        write_json(&folder.run(), &other_boot).unwrap();
        assert!(matches!(examine(&folder).unwrap(), Found::Nothing));

        std::fs::write(folder.run(), "{").unwrap();
        assert!(examine(&folder).is_err());
    }
}
