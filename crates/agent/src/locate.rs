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
    /// None runs, and several have.
    #[error("no Ninefold runs, and several clusters left something: {}; say which with FILE or --state", .0.join(", "))]
    SeveralLeft(Vec<String>),
    /// Another user's.
    #[error("{path} is not for this user to read; be the user that runs `ninefold up` there", path = .0.display())]
    Denied(PathBuf),
}

/// Finds the node that is meant: by `--state`, by its file, by `ninefold.toml` in the current
/// folder if that one runs, or because only one runs. Where none runs and none needs to, the only
/// folder with a journal is meant.
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
        if located.state.is_denied() {
            Err(LocateError::Denied(located.state.path().to_owned()))
        } else if must_run && !located.state.is_running() {
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
    only(&StateFolder::root(), must_run)
}

fn model_of(path: &Path) -> Result<model::File, LocateError> {
    read(path)
        .file
        .ok_or_else(|| LocateError::Broken(path.to_owned()))
}

/// Folders below the root that are looked at.
const FOLDERS_MAX: usize = 10_000;

fn only(root: &Path, must_run: bool) -> Result<Located, LocateError> {
    let folders: Vec<StateFolder> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .take(FOLDERS_MAX)
        .map(|entry| StateFolder::at(&entry.path()))
        .collect();
    let running = folders.iter().filter(|state| state.is_running());
    match one(running) {
        Ok(Some(located)) => return Ok(located),
        Err(names) => return Err(LocateError::Several(names)),
        Ok(None) if must_run => return Err(LocateError::None(root.to_owned())),
        Ok(None) => {}
    }
    match one(folders.iter().filter(|state| state.journal().is_dir())) {
        Ok(Some(located)) => Ok(located),
        Ok(None) => Err(LocateError::None(root.to_owned())),
        Err(names) => Err(LocateError::SeveralLeft(names)),
    }
}

/// The only one, if there is one; the error names them all.
fn one<'a>(states: impl Iterator<Item = &'a StateFolder>) -> Result<Option<Located>, Vec<String>> {
    let states: Vec<&StateFolder> = states.collect();
    match *states.as_slice() {
        [] => Ok(None),
        [state] => Ok(Some(Located {
            state: state.clone(),
            file: state.record().map(|record| record.file),
        })),
        _ => {
            let mut names: Vec<String> = states.into_iter().map(name).collect();
            names.sort();
            Err(names)
        }
    }
}

fn name(state: &StateFolder) -> String {
    match state.record() {
        Some(record) => format!("{} ({})", record.cluster, record.file.display()),
        None => state.path().display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_folder_with_a_journal_is_meant_where_none_runs() {
        let root = tempfile::tempdir().unwrap();
        let journal = |name: &str| {
            std::fs::create_dir_all(root.path().join(name).join("journal")).unwrap();
        };
        std::fs::create_dir(root.path().join("empty")).unwrap();
        assert!(matches!(
            only(root.path(), false),
            Err(LocateError::None(_))
        ));
        journal("shop");
        let found = only(root.path(), false).unwrap();
        assert_eq!(found.state.path(), root.path().join("shop"));
        assert!(matches!(only(root.path(), true), Err(LocateError::None(_))));
        journal("site");
        let several = only(root.path(), false).unwrap_err();
        assert!(matches!(several, LocateError::SeveralLeft(ref names) if names.len() == 2));
    }
}
