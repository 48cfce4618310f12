//! Which running node a command means.

use std::path::{Path, PathBuf};

use ninefold_config::{model, read};

use crate::state::StateFolder;

/// A node's folder, and how it was found.
#[derive(Clone, Debug)]
pub struct Located {
    /// The folder.
    pub state: StateFolder,
    /// The file it runs, as far as known.
    pub file: Option<PathBuf>,
}

/// No node, or more than one.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// The file has errors, so its cluster's name is not known.
    #[error("{path} has errors; see `ninefold check {path}`", path = .0.display())]
    Broken(PathBuf),
    /// Nothing runs where the file or `--state` points.
    #[error("no Ninefold runs in {path}; start it with `ninefold up`", path = .0.display())]
    NotRunning(PathBuf),
    /// Nothing runs at all.
    #[error("no Ninefold runs under {root}; start one with `ninefold up FILE`, or point to it with FILE or --state", root = .0.display())]
    None(PathBuf),
    /// Several run.
    #[error("several clusters run here: {}; say which with FILE or --state", .0.join(", "))]
    Several(Vec<String>),
}

/// Finds the node that is meant: by `--state`, by its file, by `ninefold.toml` in the current
/// folder if that one runs, or because only one runs.
///
/// # Errors
/// When nothing runs there, or the choice is not clear. `must_run` set to false accepts a folder
/// whose node is down, for commands that read the disk.
pub fn locate(
    file: Option<&Path>,
    state: Option<&Path>,
    must_run: bool,
) -> Result<Located, LocateError> {
    let accept = |located: Located| {
        if must_run && !located.state.is_running() {
            Err(LocateError::NotRunning(located.state.path().to_owned()))
        } else {
            Ok(located)
        }
    };
    if let Some(path) = state {
        let state = StateFolder::at(path);
        let file = file
            .map(Path::to_owned)
            .or_else(|| state.record().map(|record| record.file));
        return accept(Located { state, file });
    }
    if let Some(path) = file {
        let model = model_of(path)?;
        return accept(Located {
            state: StateFolder::of(&model, None),
            file: Some(path.to_owned()),
        });
    }
    let here = Path::new("ninefold.toml");
    if here.exists()
        && let Ok(model) = model_of(here)
    {
        let state = StateFolder::of(&model, None);
        if state.is_running() || !must_run {
            return Ok(Located {
                state,
                file: Some(here.to_owned()),
            });
        }
    }
    only_running(&StateFolder::root())
}

fn model_of(path: &Path) -> Result<model::File, LocateError> {
    read(path)
        .file
        .ok_or_else(|| LocateError::Broken(path.to_owned()))
}

fn only_running(root: &Path) -> Result<Located, LocateError> {
    let mut running: Vec<StateFolder> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .take(10_000)
        .map(|entry| StateFolder::at(&entry.path()))
        .filter(StateFolder::is_running)
        .collect();
    match (running.pop(), running.is_empty()) {
        (Some(state), true) => {
            let file = state.record().map(|record| record.file);
            Ok(Located { state, file })
        }
        (Some(last), false) => {
            running.push(last);
            let name = |state: &StateFolder| match state.record() {
                Some(record) => format!("{} ({})", record.cluster, record.file.display()),
                None => state.path().display().to_string(),
            };
            let mut names: Vec<String> = running.iter().map(name).collect();
            names.sort();
            Err(LocateError::Several(names))
        }
        (None, _) => Err(LocateError::None(root.to_owned())),
    }
}
