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
    pub(super) fn new(source: &Source, folder: &Path) -> Self {
        match &source.kind {
            SourceKind::File(path) => Self::File {
                path: clean(&folder.join(path)),
                every: source.every.0,
                text: None,
            },
            SourceKind::Dns(_) | SourceKind::Srv(_) => Self::Names(Names::new(source)),
        }
    }

    /// Who there is now, or why that cannot be said.
    pub(super) async fn look(&mut self) -> Result<Look, String> {
        match self {
            Self::Names(names) => names.look().await,
            Self::File { path, every, text } => {
                let shown = path.display();
                let read = read(path).await;
                let now = read.map_err(|error| format!("{shown}: {error}"))?;
                let mut look = Look {
                    found: None,
                    problem: None,
                    again: *every,
                };
                if text.as_ref() == Some(&now) {
                    return Ok(look);
                }
                let endpoints = ninefold_config::endpoints(&now, path);
                let endpoints = endpoints
                    .map_err(|broken| format!("{shown}:{}: {}", broken.line, broken.message))?;
                if endpoints.is_empty() {
                    return Err(format!("{shown}: nobody is there"));
                }
                *text = Some(now);
                let found = |endpoint| Found {
                    endpoint,
                    host: None,
                };
                look.found = Some(endpoints.into_iter().map(found).collect());
                Ok(look)
            }
        }
    }
}

/// Without the `.` that joining leaves behind: people read it.
fn clean(path: &Path) -> PathBuf {
    let parts = path.components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

async fn read(path: &Path) -> io::Result<String> {
    let file = tokio::fs::File::open(path).await?;
    let mut text = String::new();
    let mut file = file.take(FILE_SIZE_MAX + 1);
    file.read_to_string(&mut text).await?;
    if text.len() as u64 > FILE_SIZE_MAX {
        return Err(io::Error::other("it is too large"));
    }
    Ok(text)
}
