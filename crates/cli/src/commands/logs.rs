//! `logs`.

use std::time::Duration;

use ninefold_agent::Located;
use ninefold_agent::supervise::logs::{Follow, files, tail};
use ninefold_config::nearest;

use super::node::{Named, failed, folder};
use crate::args::LogsArgs;
use crate::exit::Exit;
use crate::print;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Prints the captured output of a service, and follows it if asked to.
pub(crate) fn run(args: &LogsArgs) -> Exit {
    let located = match folder(Named::new(
        args.file.as_deref(),
        args.state.as_deref(),
        args.node,
    )) {
        Ok(located) => located,
        Err(exit) => return exit,
    };
    match show(&located, args) {
        Ok(exit) => exit,
        Err(error) => failed(error),
    }
}

fn show(located: &Located, args: &LogsArgs) -> std::io::Result<Exit> {
    let state = located.state.path();
    if let Some(unknown) = unknown(located, &args.service) {
        return Ok(failed(unknown));
    }
    // From before the tail is read, so that nothing falls between the two.
    let mut follow = Follow::new(state, &args.service)?;
    let lines = tail(state, &args.service, args.lines)?;
    if lines.is_empty() && args.lines > 0 && !args.follow {
        return Ok(failed(format!(
            "the service `{}` has written nothing so far to {}",
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

/// What to say where neither the file nor the disk knows the service.
fn unknown(located: &Located, service: &str) -> Option<String> {
    let file = ninefold_config::read(located.file.as_ref()?).file?;
    let declared = file.services.keys().any(|name| **name == *service);
    let written = || files(located.state.path(), service).is_ok_and(|files| !files.is_empty());
    if declared || written() {
        return None;
    }
    let near = nearest(service, file.services.keys().map(|name| &**name))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let names: Vec<String> = file
        .services
        .keys()
        .map(|name| format!("`{name}`"))
        .collect();
    Some(format!(
        "no service `{service}` in {}{near}\nIts services are {}",
        file.path.display(),
        names.join(", ")
    ))
}
