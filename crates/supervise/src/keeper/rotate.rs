//! A log that is cut into files of bounded size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Files of one log: the current one and those behind it.
pub(crate) const FILES: u32 = 4;

/// The file `age` rotations ago; 0 is the current one.
pub(crate) fn aged(path: &Path, age: u32) -> PathBuf {
    if age == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{age}"));
    name.into()
}

/// Appends to `path` and moves it aside before it grows over its share of the total.
#[derive(Debug)]
pub(crate) struct RotatedFile {
    path: PathBuf,
    bytes_max: u64,
    open: Option<(File, u64)>,
}

impl RotatedFile {
    /// Keeps at most `total` bytes in [`FILES`] files.
    pub(crate) fn new(path: PathBuf, total: u64) -> Self {
        Self {
            path,
            bytes_max: (total / u64::from(FILES)).max(4_096),
            open: None,
        }
    }

    /// Appends whole lines. After an error the file is opened anew by the next call.
    pub(crate) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let (mut file, mut size) = match self.open.take() {
            Some(open) => open,
            None => self.reopen()?,
        };
        let more = lines.len() as u64;
        if size > 0 && size + more > self.bytes_max {
            drop(file);
            self.rotate()?;
            (file, size) = self.reopen()?;
        }
        file.write_all(lines)?;
        self.open = Some((file, size + more));
        Ok(())
    }

    fn reopen(&self) -> io::Result<(File, u64)> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    fn rotate(&self) -> io::Result<()> {
        for age in (0..FILES - 1).rev() {
            let from = aged(&self.path, age);
            if from.exists() {
                fs::rename(from, aged(&self.path, age + 1))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_within_the_total() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        let mut log = RotatedFile::new(path.clone(), 16_384);
        for number in 0..2_000 {
            log.append(format!("line {number:06}\n").as_bytes())
                .unwrap();
        }
        let files: Vec<String> = (0..FILES)
            .rev()
            .map(|age| fs::read_to_string(aged(&path, age)).unwrap())
            .collect();
        assert!(!aged(&path, FILES).exists());
        let all = files.concat();
        assert!(all.len() <= 16_384, "{} bytes", all.len());
        assert!(all.len() > 12_000, "{} bytes", all.len());
        assert!(all.ends_with("line 001999\n"));
        let first: u32 = all[5..11].parse().unwrap();
        let numbers: Vec<u32> = all.lines().map(|line| line[5..].parse().unwrap()).collect();
        assert_eq!(numbers, (first..2_000).collect::<Vec<_>>());
    }
}
