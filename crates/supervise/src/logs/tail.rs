//! The last lines of a service.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use ninefold_core::id::InstanceId;

use super::files::files;

/// One piece of a file is read at a time, from its end.
const PIECE_BYTES: u64 = 64 << 10;

/// One line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Whose.
    pub instance: InstanceId,
    /// Time, stream and text, without the line's end.
    pub text: String,
}

/// As shown: the instance, then the line.
impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.instance, self.text)
    }
}

/// The last `lines` lines of `service`, over all its instances, oldest first.
///
/// # Errors
///
/// What the system says about a file that is there.
pub fn tail(state: &Path, service: &str, lines: usize) -> io::Result<Vec<LogLine>> {
    let mut all = Vec::new();
    for log in files(state, service)? {
        let mut own: Vec<String> = Vec::new();
        for path in log.paths.iter().rev() {
            if own.len() >= lines {
                break;
            }
            let mut older = match last_lines(path, lines - own.len()) {
                // It was rotated away in this moment.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                older => older?,
            };
            older.append(&mut own);
            own = older;
        }
        let instance = log.instance;
        all.extend(own.into_iter().map(|text| LogLine {
            instance: instance.clone(),
            text,
        }));
    }
    merge(&mut all);
    Ok(all.split_off(all.len().saturating_sub(lines)))
}

/// Sorts lines by their time; those of one instance keep their order.
pub(super) fn merge(lines: &mut [LogLine]) {
    lines.sort_by(|a, b| time(&a.text).cmp(time(&b.text)));
}

fn time(text: &str) -> &str {
    text.split_once(' ').map_or(text, |(time, _)| time)
}

/// The last `limit` whole lines of the file.
fn last_lines(path: &Path, limit: usize) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let mut start = file.seek(SeekFrom::End(0))?;
    let mut content: Vec<u8> = Vec::new();
    let mut ends = 0;
    while start > 0 && ends <= limit {
        let size = start.min(PIECE_BYTES);
        start -= size;
        file.seek(SeekFrom::Start(start))?;
        let mut piece = Vec::new();
        (&file).take(size).read_to_end(&mut piece)?;
        ends += piece.iter().filter(|byte| **byte == b'\n').count();
        piece.append(&mut content);
        content = piece;
    }
    let text = String::from_utf8_lossy(&content);
    let whole = text.rfind('\n').and_then(|end| text.get(..end));
    let lines: Vec<&str> = whole
        .map(|text| text.split('\n').collect())
        .unwrap_or_default();
    let skip = lines.len().saturating_sub(limit);
    Ok(lines.into_iter().skip(skip).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn takes_the_last_lines_over_files_and_instances() {
        let state = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("shop-0/output.log.1", "T1 stdout a\nT3 stdout b\n"),
            ("shop-0/output.log", "T5 stdout c\nT7 stdout unfinished"),
            ("shop-1/output.log", "T2 stdout d\nT4 stderr e\n"),
            ("shop-x-0/output.log", "T9 stdout other\n"),
        ] {
            let path = state.path().join("instances").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let show = |lines| {
            let lines = tail(state.path(), "shop", lines).unwrap();
            lines.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            show(4),
            [
                "shop/1 T2 stdout d",
                "shop/0 T3 stdout b",
                "shop/1 T4 stderr e",
                "shop/0 T5 stdout c"
            ]
        );
        assert_eq!(show(0), [] as [String; 0]);
        assert_eq!(show(100).len(), 5);
        assert!(tail(state.path(), "none", 5).unwrap().is_empty());
    }

    #[test]
    fn reads_long_files_from_their_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let content: String = (0..40_000).map(|n| format!("line {n}\n")).collect();
        fs::write(file.path(), content).unwrap();
        let lines = last_lines(file.path(), 20_000).unwrap();
        assert_eq!(lines.len(), 20_000);
        assert_eq!(lines[0], "line 20000");
        assert_eq!(lines[19_999], "line 39999");
    }
}
