//! The ledger's folder.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{Entry, EntryState, LedgerError, undo};

/// Files that are read of one ledger.
const FILES_MAX: usize = 1_024;
/// Undone entries that are kept for who wants to know; older ones are deleted.
const UNDONE_KEPT: usize = 64;
/// One file at most.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Who undoes what they ordered themselves.
pub(crate) const VERIFY: &str = "verify";

/// The ledger in one folder.
#[derive(Clone, Debug)]
pub struct Ledger {
    folder: PathBuf,
}

/// What a ledger holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Readable entries by id, the undone ones included.
    pub entries: Vec<Entry>,
    /// Files with a wrong checksum or form. Nothing is signalled because of them.
    pub damaged: Vec<PathBuf>,
}

/// The end of an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undone {
    /// What was done, in words.
    pub(crate) what: Vec<String>,
    /// Whether every step is complete; if not the entry stays open.
    pub(crate) complete: bool,
}

impl Ledger {
    /// Opens the ledger, and creates its folder (for its owner only) where there is none.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created or is not reachable.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        use std::os::unix::fs::DirBuilderExt;
        let failed = |source| failed("created", folder, source);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        Ok(Self { folder })
    }

    /// The folder, absolute.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a new entry. When this returns, file and folder are synced: the fault may follow.
    ///
    /// # Errors
    ///
    /// If it cannot be written; then the fault must not follow.
    pub fn plan(&self, entry: &Entry) -> Result<(), LedgerError> {
        let _lock = self.lock()?;
        if self.files()?.len() >= FILES_MAX {
            return Err(LedgerError::Full(FILES_MAX));
        }
        self.write(entry)
    }

    /// Marks an entry as applied, unless it was undone meanwhile.
    ///
    /// # Errors
    ///
    /// If the entry cannot be read or written.
    pub fn applied(&self, id: &str) -> Result<(), LedgerError> {
        let _lock = self.lock()?;
        let mut entry = self.get(id)?;
        if entry.state == EntryState::Planned {
            entry.state = EntryState::Applied;
            self.write(&entry)?;
        }
        Ok(())
    }

    /// Everything in the ledger.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read; damaged files are no error.
    pub fn contents(&self) -> Result<Contents, LedgerError> {
        let mut contents = Contents::default();
        for path in self.files()? {
            match read(&path) {
                Ok(Some(entry)) => contents.entries.push(entry),
                Ok(None) => contents.damaged.push(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed("read", &path, error)),
            }
        }
        contents.entries.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(contents)
    }

    /// The entries that are not undone.
    ///
    /// # Errors
    ///
    /// As [`Self::contents`].
    pub fn open_entries(&self) -> Result<Vec<Entry>, LedgerError> {
        let mut entries = self.contents()?.entries;
        entries.retain(|entry| entry.state != EntryState::Undone);
        Ok(entries)
    }

    /// The entry of a fault.
    ///
    /// # Errors
    ///
    /// If it is missing, damaged or cannot be read.
    pub fn get(&self, id: &str) -> Result<Entry, LedgerError> {
        let path = self.path(id)?;
        match read(&path) {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) => Err(LedgerError::Missing(id.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(LedgerError::Missing(id.to_owned()))
            }
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    /// Who undid a fault, if it was undone and not by who ordered it: it ended without a word to the
    /// node.
    #[must_use]
    pub fn undone_by_another(&self, id: &str) -> Option<String> {
        let entry = self.get(id).ok()?;
        let by = entry.notes.last().map(|note| note.by.clone());
        let undone = entry.state == EntryState::Undone;
        by.filter(|by| undone && by != VERIFY)
    }

    /// Whether a fault was not undone, has nothing to undo in processes, and whoever ordered it is gone.
    #[must_use]
    pub fn left_alone(&self, id: &str) -> bool {
        let nobody = |entry: Entry| {
            entry.state != EntryState::Undone && entry.undo.is_empty() && entry.orphaned()
        };
        self.get(id).is_ok_and(nobody)
    }

    /// Undoes a fault and notes in the ledger who did what. An undone entry is left alone.
    ///
    /// # Errors
    ///
    /// If the entry cannot be read or written. The undo itself is tried before it is noted.
    pub(crate) fn undo(&self, id: &str, by: &str) -> Result<Undone, LedgerError> {
        let mut entry = self.get(id)?;
        let mut done = Undone {
            what: Vec::new(),
            complete: true,
        };
        if entry.state == EntryState::Undone {
            return Ok(done);
        }
        if entry.of_another_boot() {
            done.what
                .push("the host booted since: nothing is left".to_owned());
        } else {
            // Not under the lock: a stop may take as long as its grace, and undoing twice is harmless.
            for step in &entry.undo {
                match undo::perform(step) {
                    Ok(what) => done.what.push(what),
                    Err(what) => {
                        done.complete = false;
                        done.what.push(what);
                    }
                }
            }
        }
        let _lock = self.lock()?;
        entry = self.get(id)?;
        if entry.state == EntryState::Undone {
            return Ok(done);
        }
        for what in &done.what {
            entry.note(by, what.clone());
        }
        if done.what.is_empty() {
            entry.note(by, "nothing to undo".to_owned());
        }
        if done.complete {
            entry.state = EntryState::Undone;
        }
        self.write(&entry)?;
        self.prune();
        Ok(done)
    }

    /// Sets damaged files aside as `*.damaged`, so that they are reported once.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read or a file not renamed.
    pub(crate) fn set_damaged_aside(&self) -> Result<Vec<PathBuf>, LedgerError> {
        let _lock = self.lock()?;
        let damaged = self.contents()?.damaged;
        for path in &damaged {
            let aside = path.with_extension("damaged");
            fs::rename(path, aside).map_err(|error| failed("written", path, error))?;
        }
        Ok(damaged)
    }

    fn path(&self, id: &str) -> Result<PathBuf, LedgerError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if id.is_empty() || id.len() > 100 || !id.bytes().all(allowed) {
            return Err(LedgerError::Id(id.chars().take(100).collect()));
        }
        Ok(self.folder.join(format!("{id}.json")))
    }

    fn files(&self) -> Result<Vec<PathBuf>, LedgerError> {
        let read = fs::read_dir(&self.folder);
        let folder = read.map_err(|error| failed("read", &self.folder, error))?;
        let mut files = Vec::new();
        for file in folder.take(FILES_MAX.saturating_mul(4)) {
            let path = file
                .map_err(|error| failed("read", &self.folder, error))?
                .path();
            if path.extension().is_some_and(|end| end == "json") && files.len() < FILES_MAX {
                files.push(path);
            }
        }
        Ok(files)
    }

    fn lock(&self) -> Result<File, LedgerError> {
        let failed = |source| failed("locked", &self.folder, source);
        let folder = File::open(&self.folder).map_err(failed)?;
        flock(&folder, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        Ok(folder)
    }

    fn write(&self, entry: &Entry) -> Result<(), LedgerError> {
        let path = self.path(&entry.id)?;
        let json = serde_json::to_string(entry).map_err(|source| LedgerError::Encode {
            id: entry.id.clone(),
            source,
        })?;
        let text = format!("{json}\n{:08x}\n", crc32fast::hash(json.as_bytes()));
        self.replace(&path, &text)
            .map_err(|error| failed("written", &path, error))
    }

    fn replace(&self, path: &Path, text: &str) -> io::Result<()> {
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Old history only: that it cannot be deleted harms nobody.
    fn prune(&self) {
        let Ok(contents) = self.contents() else {
            return;
        };
        let mut undone: Vec<Entry> = contents.entries;
        undone.retain(|entry| entry.state == EntryState::Undone);
        undone.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        for entry in undone.iter().skip(UNDONE_KEPT) {
            if let Ok(path) = self.path(&entry.id)
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::debug!(%error, path = %path.display(), "old ledger entry stays");
            }
        }
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> LedgerError {
    LedgerError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// One file; `None` if its checksum or form is wrong.
fn read(path: &Path) -> io::Result<Option<Entry>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(decode(&bytes))
}

fn decode(bytes: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.split('\n');
    let (json, sum) = (lines.next()?, lines.next()?);
    if sum.len() != 8 || u32::from_str_radix(sum, 16).ok()? != crc32fast::hash(json.as_bytes()) {
        return None;
    }
    serde_json::from_str(json).ok()
}
