//! One look at a source.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ninefold_config::FILE_SIZE_MAX;
use ninefold_config::model::{Endpoint, Source, SourceKind};
use tokio::io::AsyncReadExt as _;

use super::names::Names;

/// Somebody who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) endpoint: Endpoint,
    /// Whose certificate it has, where that is not its address's host.
    pub(super) host: Option<Arc<str>>,
}

/// What a look found.
#[derive(Debug)]
pub(super) struct Look {
    /// Who is there; nothing if that is as before.
    pub(super) found: Option<Vec<Found>>,
    /// What could not be found out, although something could.
    pub(super) problem: Option<String>,
    /// When to look again.
    pub(super) again: Duration,
}

/// Where to look.
#[derive(Debug)]
pub(super) enum Lookup {
    File {
        path: PathBuf,
        every: Duration,
        /// What it said last, while that was good.
        text: Option<String>,
    },
    Names(Names),
}

impl Lookup {
    /// `before`: who was found last, maybe before a restart.
    pub(super) fn new<'a>(
        source: &Source,
        folder: &Path,
        before: impl Iterator<Item = &'a Found>,
    ) -> Self {
        match &source.kind {
            SourceKind::File(path) => Self::File {
                path: clean(&folder.join(path)),
                every: source.every.0,
                text: None,
            },
            SourceKind::Dns(_) | SourceKind::Srv(_) => Self::Names(Names::new(source, before)),
        }
    }

    /// Who there is now, or why that cannot be said.
    pub(super) async fn look(&mut self) -> Result<Look, String> {
        match self {
            Self::Names(names) => names.look().await,
            // It costs next to nothing, so what is wrong does not make it look more seldom.
            Self::File { path, every, text } => {
                let (found, problem) = match listed(path, text).await {
                    Ok(found) => (found, None),
                    Err(problem) => (None, Some(problem)),
                };
                Ok(Look {
                    found,
                    problem,
                    again: *every,
                })
            }
        }
    }
}

/// Who a file says is there; nothing if it says the same as before.
async fn listed(path: &Path, text: &mut Option<String>) -> Result<Option<Vec<Found>>, String> {
    let shown = path.display();
    let read = read(path).await;
    let now = read.map_err(|error| format!("{shown}: {error}"))?;
    if text.as_ref() == Some(&now) {
        return Ok(None);
    }
    let endpoints = ninefold_config::endpoints(&now, path);
    let endpoints =
        endpoints.map_err(|broken| format!("{shown}:{}: {}", broken.line, broken.message))?;
    if endpoints.is_empty() {
        return Err(format!("{shown}: nobody is there"));
    }
    *text = Some(now);
    let found = |endpoint| Found {
        endpoint,
        host: None,
    };
    Ok(Some(endpoints.into_iter().map(found).collect()))
}

/// Without the `.` that joining leaves behind: people read it.
fn clean(path: &Path) -> PathBuf {
    let parts = path.components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

async fn read(path: &Path) -> io::Result<String> {
    // A pipe would wait for whoever writes into it, and its thread with it.
    if !tokio::fs::metadata(path).await?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let file = tokio::fs::File::open(path).await?;
    let mut text = String::new();
    let mut file = file.take(FILE_SIZE_MAX + 1);
    file.read_to_string(&mut text).await?;
    if text.len() as u64 > FILE_SIZE_MAX {
        return Err(io::Error::other("it is too large"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_looked_at_as_often_as_any() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::new(SourceKind::File("list".into()));
        let mut lookup = Lookup::new(&source, folder.path(), std::iter::empty());
        let look = lookup.look().await.unwrap();
        assert!(look.problem.is_some() && look.found.is_none());
        assert_eq!(look.again, source.every.0);
        std::fs::write(folder.path().join("list"), "127.0.0.1:1\n").unwrap();
        let look = lookup.look().await.unwrap();
        assert_eq!((look.problem, look.found.unwrap().len()), (None, 1));
    }

    #[tokio::test]
    async fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let source = Source::new(SourceKind::File("list".into()));
        let mut lookup = Lookup::new(&source, folder.path(), std::iter::empty());
        let look = lookup.look().await.unwrap();
        assert!(look.problem.unwrap().ends_with("list: it is no file"));
    }
}
