//! `logs`.

use std::time::Duration;

use ninefold_agent::supervise::logs::{Follow, tail};

use super::node::{failed, folder};
use crate::args::LogsArgs;
use crate::exit::Exit;
use crate::print;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Prints the captured output of a service, and follows it if asked to.
pub(crate) fn run(args: &LogsArgs) -> Exit {
    let located = match folder(args.file.as_deref(), args.state.as_deref()) {
        Ok(located) => located,
        Err(exit) => return exit,
    };
    match show(located.state.path(), args) {
        Ok(exit) => exit,
        Err(error) => failed(error),
    }
}

fn show(state: &std::path::Path, args: &LogsArgs) -> std::io::Result<Exit> {
    // From before the tail is read, so that nothing falls between the two.
    let mut follow = Follow::new(state, &args.service)?;
    let lines = tail(state, &args.service, args.lines)?;
    if lines.is_empty() && args.lines > 0 && !args.follow {
        return Ok(failed(format!(
            "no output of a service `{}` in {}; `ninefold status` lists the services",
            args.service,
            state.display()
        )));
    }
    let mut read = lines.iter().all(print::line);
    while args.follow && read {
        let fresh = follow.poll()?;
        if fresh.is_empty() {
            std::thread::sleep(LOOK_EVERY);
        }
        read = fresh.iter().all(print::line);
    }
    Ok(Exit::Ok)
}
