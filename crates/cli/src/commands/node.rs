//! Finding the node that a command is about.

use std::path::Path;

use ninefold_agent::{AdminClient, History, LocateError, Located, StateFolder, locate};

use crate::exit::Exit;
use crate::print;

/// The client of the running node that is meant.
pub(crate) fn running(file: Option<&Path>, state: Option<&Path>) -> Result<AdminClient, Exit> {
    locate(file, state, true)
        .map(|located| AdminClient::new(&located.state))
        .map_err(failed)
}

/// Who tells what happened.
#[derive(Debug)]
pub(crate) enum Source {
    /// The node itself, and where its journal is.
    Live(AdminClient, StateFolder),
    /// Its journal on disk: the node does not run.
    Offline(History),
}

/// The running node that is meant, or else what it left on disk; that nobody runs is said then.
pub(crate) fn source(file: Option<&Path>, state: Option<&Path>) -> Result<Source, Exit> {
    let error = match locate(file, state, true) {
        Ok(located) => {
            let client = AdminClient::new(&located.state);
            return Ok(Source::Live(client, located.state));
        }
        Err(error @ (LocateError::NotRunning(_) | LocateError::None(_))) => error,
        Err(error) => return Err(failed(error)),
    };
    let located = match locate(file, state, false) {
        Ok(located) => located,
        Err(several @ LocateError::SeveralLeft(_)) => return Err(failed(several)),
        Err(_nothing_there) => return Err(failed(error)),
    };
    match History::read(&located.state) {
        Ok(Some(history)) => {
            say_offline(&located.state, &history);
            Ok(Source::Offline(history))
        }
        Ok(None) => Err(failed(error)),
        Err(unreadable) => Err(failed(format!("{error}; {unreadable}"))),
    }
}

fn say_offline(state: &StateFolder, history: &History) {
    let until = match history.until() {
        Some(at) => format!("which ends at {at}"),
        None => "which is empty".to_owned(),
    };
    print::note(format!(
        "offline: no Ninefold runs in {}; this is from its journal on disk, {until}",
        state.path().display()
    ));
}

/// The folder of the node that is meant, running or not.
pub(crate) fn folder(file: Option<&Path>, state: Option<&Path>) -> Result<Located, Exit> {
    locate(file, state, false).map_err(failed)
}

/// Prints an error; the command could not be done.
pub(crate) fn failed(error: impl std::fmt::Display) -> Exit {
    print::error(error);
    Exit::Failed
}
