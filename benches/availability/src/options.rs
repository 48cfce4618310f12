//! The command line of a run. It comes from `cargo xtask bench availability`, which checks it.

use std::path::PathBuf;

use crate::problem::{Problem, While};
use crate::row::Row;
use crate::subject::{Programs, Subject};

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) rounds: u32,
    pub(crate) rows: Vec<Row>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) programs: Programs,
    /// For files and logs.
    pub(crate) folder: PathBuf,
}

impl Options {
    /// `ROUNDS ROWS PEERS FOLDER PROGRAM=PATH…`; rows and peers by name, between commas.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Problem> {
        let [rounds, rows, peers, folder, programs @ ..] = words else {
            return Err("usage: run ROUNDS ROWS PEERS FOLDER PROGRAM=PATH…".to_owned());
        };
        let row = |name: &str| Row::ALL.into_iter().find(|row| row.name() == name);
        let subject = |name: &str| Subject::ALL.into_iter().find(|s| s.name() == name);
        let program = |word: &String| {
            let (name, path) = word.split_once('=')?;
            Some((name.to_owned(), path.to_owned()))
        };
        Ok(Self {
            rounds: rounds.parse().while_("read the rounds")?,
            rows: list(rows, row)?,
            subjects: list(peers, subject)?,
            programs: programs.iter().filter_map(program).collect(),
            folder: PathBuf::from(folder),
        })
    }
}

fn list<T>(text: &str, find: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Problem> {
    let find = |name: &str| find(name).ok_or_else(|| format!("`{name}` is none that is known"));
    text.split(',').map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let options = words("2 kill,gray ninefold,envoy-default /f envoy=/e");
        let options = Options::parse(&options).unwrap();
        assert_eq!(options.rows, [Row::Kill, Row::Gray]);
        assert_eq!(options.subjects.len(), 2);
        assert_eq!(options.programs["envoy"], "/e");
        assert!(Options::parse(&words("2 kill apache /f")).is_err());
        assert!(Options::parse(&words("2 kill")).is_err());
    }
}
