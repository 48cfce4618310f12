//! `env_file`: `NAME=value` lines.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::LaunchError;

/// A larger file is none of variables.
const ENV_FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads the file. Empty lines and lines beginning with `#` are skipped, `export ` before a name
/// and one pair of quotes around a value are taken off; nothing is expanded.
///
/// # Errors
///
/// They never quote a value: it may be a secret, and a line without `=` a part of one.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, String>, LaunchError> {
    let bytes = load(path).map_err(|source| LaunchError::EnvFile {
        path: path.to_owned(),
        source,
    })?;
    let mut variables = BTreeMap::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let refused = |problem: String| LaunchError::EnvLine {
            path: path.to_owned(),
            line: index + 1,
            problem,
        };
        let line = str::from_utf8(line)
            .map_err(|error| refused(format!("byte {} is no UTF-8", error.valid_up_to() + 1)))?
            .trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| refused("there is no `=`".to_owned()))?;
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        if name.is_empty() {
            return Err(refused("there is no name before the `=`".to_owned()));
        }
        if let Some(odd) = name.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(refused(format!(
                "the name before the `=` has a {odd:?} in it"
            )));
        }
        if value.contains('\0') {
            return Err(refused(format!(
                "the value of `{name}` has a zero byte in it"
            )));
        }
        variables.insert(name.to_owned(), unquoted(value.trim()).to_owned());
    }
    Ok(variables)
}

/// A pipe or a device would be read for ever, or never be opened.
fn load(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if about.len() > ENV_FILE_BYTES_MAX {
        let size = about.len();
        let problem = format!("it has {size} bytes; {ENV_FILE_BYTES_MAX} are allowed");
        return Err(io::Error::other(problem));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(ENV_FILE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_values() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            file.path(),
            "# note\n\nA=1\nexport B = two words \nC=\"quo=ted\"\nD='\nE=\n",
        )
        .unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "quo=ted"),
            ("D", "'"),
            ("E", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read(file.path()).unwrap(), BTreeMap::from(expected));
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "A=1\nnonsense\n").unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert!(error.contains("line 2: there is no `=`"), "{error}");
        assert!(!error.contains("nonsense"), "it may be a secret: {error}");
        for (content, problem) in [
            (
                &b"A=1\r\nB C=2\r\n"[..],
                "line 2: the name before the `=` has a ' ' in it",
            ),
            (b"A=1\n\n=2", "line 3: there is no name before the `=`"),
            (b"A=1\0", "line 1: the value of `A` has a zero byte in it"),
            (b"A=1\nB=\xff", "line 2: byte 3 is no UTF-8"),
        ] {
            fs::write(file.path(), content).unwrap();
            let error = read(file.path()).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        let error = read(Path::new("/nowhere/env")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/env"), "{error}");
        let error = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(error.contains("/dev/zero: it is no file"), "{error}");
        file.as_file().set_len(ENV_FILE_BYTES_MAX + 1).unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert!(error.contains("1048577 bytes"), "{error}");
    }
}
