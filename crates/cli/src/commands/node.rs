//! Finding the node that a command is about.

use std::path::Path;

use ninefold_agent::{AdminClient, Located, locate};

use crate::exit::Exit;
use crate::print;

/// The client of the running node that is meant.
pub(crate) fn running(file: Option<&Path>, state: Option<&Path>) -> Result<AdminClient, Exit> {
    locate(file, state, true)
        .map(|located| AdminClient::new(&located.state))
        .map_err(failed)
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
