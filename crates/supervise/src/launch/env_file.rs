//! `env_file`: `NAME=value` lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::LaunchError;

/// Reads the file. Empty lines and lines beginning with `#` are skipped, `export ` before a name
/// and one pair of quotes around a value are taken off; nothing is expanded.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, String>, LaunchError> {
    let text = fs::read_to_string(path).map_err(|source| LaunchError::EnvFile {
        path: path.to_owned(),
        source,
    })?;
    let mut variables = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let refused = || LaunchError::EnvLine {
            path: path.to_owned(),
            line: index + 1,
        };
        let (name, value) = line.split_once('=').ok_or_else(refused)?;
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        if name.is_empty() || name.contains([' ', '\0']) || value.contains('\0') {
            return Err(refused());
        }
        variables.insert(name.to_owned(), unquoted(value.trim()).to_owned());
    }
    Ok(variables)
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
        assert!(error.contains("line 2"), "{error}");
        let error = read(Path::new("/nowhere/env")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/env"), "{error}");
    }
}
