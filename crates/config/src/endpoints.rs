//! A watched file of endpoints.

use std::path::Path;

use toml::de::DeTable;

use crate::finding::{KeyPath, Report};
use crate::model::{Endpoint, Name};
use crate::text::Syntax;
use crate::walk::Walker;
use crate::{Severity, build, grammar};

/// What is wrong with a file of endpoints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BrokenEndpoints {
    /// The line of it, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// Reads a file of endpoints: `endpoints = […]` where its name ends in `.toml`, else
/// `ADDRESS [WEIGHT] [ZONE] [backup]` a line. Empty lines, and what follows a `#`, say nothing.
///
/// # Errors
///
/// The first mistake. A file without endpoints is none.
pub fn endpoints(text: &str, path: &Path) -> Result<Vec<Endpoint>, BrokenEndpoints> {
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        return tables(text);
    }
    let mut endpoints = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let refused = |message| BrokenEndpoints { line, message };
        let written = content.split('#').next().unwrap_or_default();
        if let Some(endpoint) = one(written).map_err(refused)? {
            if endpoints.len() >= grammar::ENDPOINTS_MAX {
                let max = grammar::ENDPOINTS_MAX;
                return Err(refused(format!("more than {max} endpoints")));
            }
            endpoints.push(endpoint);
        }
    }
    Ok(endpoints)
}

fn one(line: &str) -> Result<Option<Endpoint>, String> {
    let mut words = line.split_whitespace().peekable();
    let Some(address) = words.next() else {
        return Ok(None);
    };
    Syntax::Endpoint.check(address)?;
    let number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let weight = match words.next_if(number) {
        Some(word) => match word.parse() {
            Ok(weight @ 1..=100) => weight,
            _ => return Err(format!("the weight `{word}` is not from 1 to 100")),
        },
        None => 1,
    };
    let zone = words.next_if(|word| *word != BACKUP);
    let zone = zone.map(str::parse::<Name>).transpose();
    let zone = zone.map_err(|invalid| format!("the zone: {invalid}"))?;
    let backup = words.next_if_eq(&BACKUP).is_some();
    match words.next() {
        Some(word) => Err(format!(
            "`{word}` is too much: write `ADDRESS [WEIGHT] [ZONE] [backup]`"
        )),
        None => Ok(Some(Endpoint {
            address: address.to_owned(),
            zone,
            weight,
            backup,
        })),
    }
}

const BACKUP: &str = "backup";

fn tables(text: &str) -> Result<Vec<Endpoint>, BrokenEndpoints> {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let root = root.get_ref();
    let mut report = Report::new(text, root);
    for error in syntax_errors {
        report.syntax(error.message(), error.span());
    }
    Walker::new(&mut report).table(&grammar::ENDPOINTS_FILE, root, &KeyPath::default());
    let mut errors = report.finish().into_iter();
    match errors.find(|finding| finding.severity == Severity::Error) {
        Some(error) => Err(BrokenEndpoints {
            line: error.line,
            message: error.message,
        }),
        None => Ok(build::listed(root)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<String>, String> {
        read(text, "endpoints")
    }

    fn read(text: &str, name: &str) -> Result<Vec<String>, String> {
        let shown = |one: Endpoint| {
            let zone = one
                .zone
                .map_or_else(|| "-".to_owned(), |zone| zone.to_string());
            format!("{} {} {zone} {}", one.address, one.weight, one.backup)
        };
        let read = endpoints(text, Path::new(name)).map_err(|error| error.to_string())?;
        Ok(read.into_iter().map(shown).collect())
    }

    #[test]
    fn a_line_is_an_endpoint() {
        let text = "# all\n10.0.0.1:80\n\n 10.0.0.2:80 3  \n[::1]:80 a # here\nweb:80 100 b backup\nx:1 backup\n";
        let expected = [
            "10.0.0.1:80 1 - false",
            "10.0.0.2:80 3 - false",
            "[::1]:80 1 a false",
            "web:80 100 b true",
            "x:1 1 - true",
        ];
        assert_eq!(lines(text).unwrap(), expected);
        assert_eq!(lines("").unwrap(), [""; 0]);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, expected) in [
            ("a:1\nb\n", "line 2: `b` has no port"),
            ("a:1 101", "line 1: the weight `101`"),
            ("a:1 0", "line 1: the weight `0`"),
            ("a:1 99999999999", "line 1: the weight"),
            ("a:1 1 A", "line 1: the zone: "),
            ("a:1 1 a b", "line 1: `b` is too much"),
            ("a:1 backup 1", "line 1: `1` is too much"),
            ("0.0.0.0:1", "line 1: `0.0.0.0:1` means every interface"),
        ] {
            let error = lines(text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let many = "a:1\n".repeat(1_025);
        assert_eq!(
            lines(&many).unwrap_err(),
            "line 1025: more than 1024 endpoints"
        );
    }

    #[test]
    fn toml_is_read_as_the_service_itself() {
        let text = "endpoints = [\n \"a:1\",\n { address = \"b:2\", weight = 3, zone = \"z\", backup = true },\n]\n";
        let expected = ["a:1 1 - false", "b:2 3 z true"];
        assert_eq!(read(text, "a.toml").unwrap(), expected);
        for (text, expected) in [
            ("endpoints = [\n \"a\",\n]\n", "line 2: "),
            ("\nendpoints = [", "line 2: "),
            ("", "line 1: a file of endpoints needs `endpoints`"),
            ("endpoints = []", "line 1: it has 0 elements"),
        ] {
            let error = read(text, "a.toml").unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
