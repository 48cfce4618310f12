use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"9fold-t1";
const HEADER: usize = 8 + 8 + 8 + 4;

/// A larger record is not read.
const RECORD_MAX: u64 = 64 * 1024 * 1024;

/// A record in two files that are overwritten in turn, so that the last one but the one under way
/// is always whole.
#[derive(Debug)]
pub(super) struct Twin {
    paths: [PathBuf; 2],
    number: u64,
}

/// What two files hold.
#[derive(Debug)]
pub(super) struct Found {
    /// The newest whole record.
    pub(super) record: Option<Vec<u8>>,
    /// Files that exist and hold none.
    pub(super) damaged: usize,
}

impl Twin {
    /// The record `name` in `folder`, and what it holds.
    pub(super) fn open(folder: &Path, name: &str) -> (Self, Found) {
        let paths = [0, 1].map(|side| folder.join(format!("{name}.{side}")));
        let mut newest: Option<(u64, Vec<u8>)> = None;
        let mut damaged = 0;
        for path in &paths {
            match load(path) {
                Ok(None) => {}
                Ok(Some((number, record))) => {
                    if newest.as_ref().is_none_or(|(newest, _)| number > *newest) {
                        newest = Some((number, record));
                    }
                }
                Err(_unreadable) => damaged += 1,
            }
        }
        let number = newest.as_ref().map_or(0, |(number, _)| *number);
        let record = newest.map(|(_, record)| record);
        (Self { paths, number }, Found { record, damaged })
    }

    /// Where the next record goes.
    pub(super) fn target(&self) -> &Path {
        let [even, odd] = &self.paths;
        if self.number.is_multiple_of(2) {
            odd
        } else {
            even
        }
    }

    /// Replaces the record before the last one. On an error the last one stands.
    pub(super) fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let number = self.number.wrapping_add(1);
        let mut bytes = Vec::with_capacity(HEADER + record.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&(record.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&checksum(number, record).to_le_bytes());
        bytes.extend_from_slice(record);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.target())?;
        file.write_all_at(&bytes, 0)?;
        self.number = number;
        Ok(())
    }
}

fn checksum(number: u64, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(record);
    hasher.finalize()
}

/// The record of a file; nothing if there is no file, an error if it holds no whole record.
fn load(path: &Path) -> io::Result<Option<(u64, Vec<u8>)>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(RECORD_MAX).read_to_end(&mut bytes)?;
    parse(&bytes)
        .map(Some)
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

fn parse(bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<8>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let number = u64::from_le_bytes(*number);
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let record = rest.get(..len)?;
    (checksum(number, record) == u32::from_le_bytes(*crc)).then(|| (number, record.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_newest_whole_record_holds() {
        let folder = tempfile::tempdir().unwrap();
        let (mut twin, found) = Twin::open(folder.path(), "x");
        assert!(found.record.is_none());
        for record in ["one", "two, which is longer", "three"] {
            twin.write(record.as_bytes()).unwrap();
        }
        let (_, found) = Twin::open(folder.path(), "x");
        assert_eq!(found.record.as_deref(), Some(&b"three"[..]));
        assert_eq!(found.damaged, 0);
    }

    #[test]
    fn a_record_torn_at_any_byte_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let (mut twin, _) = Twin::open(folder.path(), "x");
        twin.write(b"first").unwrap();
        let newest = twin.target().to_owned();
        twin.write(b"second").unwrap();
        let whole = fs::read(&newest).unwrap();
        for len in 0..whole.len() {
            fs::write(&newest, &whole[..len]).unwrap();
            let (mut again, found) = Twin::open(folder.path(), "x");
            assert_eq!(found.record.as_deref(), Some(&b"first"[..]), "{len}");
            assert_eq!(found.damaged, 1);
            again.write(b"third").unwrap();
            let (_, found) = Twin::open(folder.path(), "x");
            assert_eq!(found.record.as_deref(), Some(&b"third"[..]), "{len}");
        }
    }
}
