//! Finding the node that a command is about.

use std::path::Path;

use ninefold_agent::{AdminClient, History, LocateError, Located, StateFolder, locate};

use crate::args::NodeArgs;
use crate::exit::Exit;
use crate::print;

/// Which node a command line names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    file: Option<&'a Path>,
    state: Option<&'a Path>,
    node: Option<u32>,
}

impl<'a> Named<'a> {
    pub(crate) const fn new(
        file: Option<&'a Path>,
        state: Option<&'a Path>,
        node: Option<u32>,
    ) -> Self {
        Self { file, state, node }
    }

    pub(crate) fn of(args: &'a NodeArgs) -> Self {
        let common = &args.common;
        Self::new(args.file.as_deref(), common.state.as_deref(), common.node)
    }

    fn locate(self, must_run: bool) -> Result<Located, LocateError> {
        let located = locate(self.file, self.state, self.node, must_run)?;
        if let (Some(number), None) = (located.node, self.node) {
            print::note(format!("node n{number}; --node chooses another"));
        }
        Ok(located)
    }
}

/// The client of the running node that is meant.
pub(crate) fn running(named: Named<'_>) -> Result<AdminClient, Exit> {
    let located = named.locate(true).map_err(failed)?;
    Ok(AdminClient::new(&located.state))
}

/// The running node that is meant.
pub(crate) fn found(named: Named<'_>) -> Result<Located, Exit> {
    named.locate(true).map_err(failed)
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
pub(crate) fn source(named: Named<'_>) -> Result<Source, Exit> {
    let error = match named.locate(true) {
        Ok(located) => {
            let client = AdminClient::new(&located.state);
            return Ok(Source::Live(client, located.state));
        }
        Err(error @ (LocateError::NotRunning(_) | LocateError::None(_))) => error,
        Err(error) => return Err(failed(error)),
    };
    let located = match named.locate(false) {
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
pub(crate) fn folder(named: Named<'_>) -> Result<Located, Exit> {
    named.locate(false).map_err(failed)
}

/// Prints an error; the command could not be done.
pub(crate) fn failed(error: impl std::fmt::Display) -> Exit {
    print::error(error);
    Exit::Failed
}
