//! `upgrade`.

use std::time::{Duration, Instant};

use ninefold_agent::chaos::process::Process;
use ninefold_agent::{AdminClient, ClientError, UpgradeRequest};

use super::node::failed;
use super::reload::{Targets, refuse_broken, targets};
use crate::args::{Output, UpgradeArgs};
use crate::exit::Exit;
use crate::print;

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Events that are read at once.
const EVENTS: usize = 1_000;

/// A process whose number was not told has begun to take over by then, or never will.
const SILENT_MAX: Duration = Duration::from_secs(10);

/// The new one serves by then, or never will.
const UPGRADE_MAX: Duration = Duration::from_secs(180);

/// Has the running node start this program, and waits until that serves.
pub(crate) async fn run(args: UpgradeArgs) -> Exit {
    let common = &args.node.common;
    let Targets { mut clients, file } = match targets(args.node.file.as_deref(), common) {
        Ok(targets) => targets,
        Err(exit) => return exit,
    };
    let Some((None, client)) = clients.pop() else {
        print::error(
            "nodes of `ninefold up --nodes` do not hand over: run `ninefold stop`, then `ninefold up --nodes` with the new program",
        );
        return Exit::No;
    };
    if let Some(file) = &file
        && let Some(exit) = refuse_broken(file, common.output)
    {
        return exit;
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return failed(error),
    };
    let before = match client.status().await {
        Ok(status) => status.pid,
        Err(error) => return failed(error),
    };
    let seen = newest(&client).await;
    let started = match client.upgrade(&UpgradeRequest { program, file }).await {
        Ok(pid) => Some(pid),
        Err(ClientError::Refused { message, .. }) => {
            print::error(message);
            return Exit::No;
        }
        // The one before ends its admin API once the new one is there: that may be before it has
        // answered.
        Err(ClientError::Broken { .. }) => None,
        Err(error) => return failed(error),
    };
    let began = Instant::now();
    let pid = loop {
        // While neither has the folder, nobody answers. It runs once every connection comes to it.
        let status = client.status().await.ok();
        let running = status.filter(|status| status.phase == "running");
        let serving = running.map(|status| status.pid);
        if let Some(pid) = serving.filter(|pid| started.map_or(*pid != before, |new| *pid == new)) {
            break pid;
        }
        let gone = started.map_or_else(
            || began.elapsed() >= SILENT_MAX,
            |pid| Process::find(pid).is_none(),
        );
        if gone && client.status().await.is_ok() {
            let why = reason(&client, seen).await;
            print::error(format!("pid {before} goes on: {why}"));
            return Exit::No;
        }
        if began.elapsed() >= UPGRADE_MAX {
            return failed(format!(
                "the new process does not serve within {UPGRADE_MAX:?}"
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    print::note(format!(
        "pid {pid} took over from pid {before}, which drains"
    ));
    if common.output == Output::Json {
        print::json(&serde_json::json!({ "pid": pid, "from": before }));
    }
    Exit::Ok
}

/// The newest event's number.
async fn newest(client: &AdminClient) -> u64 {
    let mut seen = 0;
    while let Ok((events, next)) = client.events(seen, EVENTS, Duration::ZERO).await
        && !events.is_empty()
    {
        seen = next;
    }
    seen
}

/// What the one that goes on says about it since then.
async fn reason(client: &AdminClient, seen: u64) -> String {
    let events = client.events(seen, EVENTS, Duration::ZERO).await;
    let said = events.ok().and_then(|(events, _)| {
        let mut texts = events.into_iter().rev().map(|event| event.kind.to_string());
        texts.find(|text| text.starts_with("not handed over"))
    });
    said.unwrap_or_else(|| "the new process ended; the log of `up` says why".to_owned())
}
