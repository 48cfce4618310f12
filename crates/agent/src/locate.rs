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
    /// Which of several nodes it is, from 1; nothing if it is no one of several.
    pub node: Option<u32>,
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
    /// There are several nodes, and not the one that is meant.
    #[error("no node n{node} in {}; there are {}", path.display(), listed(there))]
    NoNode {
        /// The one that is meant.
        node: u32,
        /// The folder of all of them.
        path: PathBuf,
        /// Those that are there.
        there: Vec<u32>,
    },
    /// Another user's.
    #[error("{path} is not for this user to read; be the user that runs `ninefold up` there", path = .0.display())]
    Denied(PathBuf),
}

/// Finds the node that is meant: by `--state`, by its file, by `ninefold.toml` in the current
/// folder if that one runs, or because only one runs. Where none runs and none needs to, the only
/// folder with a journal is meant. Of several nodes on a machine it is `node`, counted from 1, else
/// the first that runs, else the first.
///
/// # Errors
/// When nothing runs there, or the choice is not clear. `must_run` set to false accepts a folder
/// whose node is down, for commands that read the disk.
pub fn locate(
    file: Option<&Path>,
    state: Option<&Path>,
    node: Option<u32>,
    must_run: bool,
) -> Result<Located, LocateError> {
    let located = one_of(locate_all(file, state, must_run)?, node)?;
    if located.state.is_denied() {
        Err(LocateError::Denied(located.state.path().to_owned()))
    } else if must_run && !located.state.is_running() {
        Err(LocateError::NotRunning(located.state.path().to_owned()))
    } else {
        Ok(located)
    }
}

/// As [`locate`], but where there are several nodes on a machine, the folder of all of them. What
/// FILE or `--state` points to need not run.
///
/// # Errors
/// When the choice is not clear.
pub fn locate_all(
    file: Option<&Path>,
    state: Option<&Path>,
    must_run: bool,
) -> Result<Located, LocateError> {
    if let Some(path) = state {
        let state = StateFolder::at(path);
        let file = file
            .map(Path::to_owned)
            .or_else(|| state.record().map(|record| record.file));
        return Ok(Located {
            state,
            file,
            node: None,
        });
    }
    if let Some(path) = file {
        let model = model_of(path)?;
        return Ok(Located {
            state: StateFolder::of(&model, None),
            file: Some(path.to_owned()),
            node: None,
        });
    }
    let here = Path::new("ninefold.toml");
    if here.exists()
        && let Ok(model) = model_of(here)
    {
        let state = StateFolder::of(&model, None);
        let runs = || state.is_running() || running_nodes(&state).next().is_some();
        if !must_run || runs() {
            return Ok(Located {
                state,
                file: Some(here.to_owned()),
                node: None,
            });
        }
    }
    only(&StateFolder::root(), must_run)
}

/// The node that is meant where `all` is the folder of several; else `all` itself.
fn one_of(all: Located, node: Option<u32>) -> Result<Located, LocateError> {
    let several = all.state.record().is_some_and(|one| one.nodes.is_some());
    let number = match node {
        Some(number) => number,
        None if all.state.is_running() && !several => return Ok(all),
        None => {
            let running = running_nodes(&all.state).next();
            match running.or_else(|| several.then_some(1)) {
                Some(number) => number,
                None => return Ok(all),
            }
        }
    };
    let state = all.state.node(number);
    if state.path().is_dir() {
        let node = Some(number);
        return Ok(Located { state, node, ..all });
    }
    let there = all.state.nodes();
    Err(LocateError::NoNode {
        node: number,
        path: all.state.path().to_owned(),
        there: there.into_iter().map(|(number, _)| number).collect(),
    })
}

fn running_nodes(state: &StateFolder) -> impl Iterator<Item = u32> {
    let nodes = state.nodes().into_iter();
    let running = nodes.filter(|(_, folder)| folder.is_running());
    running.map(|(number, _)| number)
}

fn listed(nodes: &[u32]) -> String {
    let names: Vec<String> = nodes.iter().map(|number| format!("n{number}")).collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
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
    let running = folders
        .iter()
        .filter(|state| state.is_running() || running_nodes(state).next().is_some());
    match one(running) {
        Ok(Some(located)) => return Ok(located),
        Err(names) => return Err(LocateError::Several(names)),
        Ok(None) if must_run => return Err(LocateError::None(root.to_owned())),
        Ok(None) => {}
    }
    let left = |state: &&StateFolder| {
        let of_nodes = || {
            state
                .nodes()
                .iter()
                .any(|(_, node)| node.journal().is_dir())
        };
        state.journal().is_dir() || of_nodes()
    };
    match one(folders.iter().filter(left)) {
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
            node: None,
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

    #[test]
    fn of_several_nodes_the_first_that_runs_is_meant_or_the_one_that_is_named() {
        let root = tempfile::tempdir().unwrap();
        let state = StateFolder::at(root.path());
        let at = |node, must_run| locate(None, Some(root.path()), node, must_run);
        let number = |located: Result<Located, LocateError>| located.unwrap().node;
        // No node, and never one of several.
        assert_eq!(number(at(None, false)), None);
        let record = crate::state::NodeRecord {
            pid: 7,
            cluster: "shop".into(),
            file: "x.toml".into(),
            admin: None,
            ports: Vec::new(),
            nodes: Some(3),
        };
        let holder = state.hold(&record).unwrap();
        let [first, second, third] = [1, 2, 3].map(|number| state.node(number).open().unwrap());
        assert_eq!(number(at(None, true)), Some(1));
        assert_eq!(number(at(Some(3), true)), Some(3));
        drop(first);
        assert_eq!(number(at(None, true)), Some(2));
        assert!(matches!(at(Some(1), true), Err(LocateError::NotRunning(_))));
        let error = at(Some(4), true).unwrap_err().to_string();
        assert!(error.ends_with("there are n1, n2, n3"), "{error}");
        // Whoever held them was killed: they still run for a moment.
        drop(holder);
        assert_eq!(number(at(None, true)), Some(2));
        drop((second, third));
        assert!(at(None, true).is_err());
        assert_eq!(number(at(None, false)), Some(1));
        assert_eq!(
            locate_all(None, Some(root.path()), false).unwrap().node,
            None
        );
    }
}
