//! `stop`.

use std::time::{Duration, Instant};

use ninefold_agent::{AdminClient, StateFolder, locate_all};

use super::node::{Named, failed, folder};
use super::nodes;
use crate::args::{Output, StopArgs};
use crate::exit::Exit;
use crate::print;

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Stops a node, or what a killed one left running.
pub(crate) async fn run(args: StopArgs) -> Exit {
    let node = &args.node;
    if node.common.node.is_none() {
        let all = locate_all(node.file.as_deref(), node.common.state.as_deref(), false);
        match all {
            Ok(all) if nodes::are_in(&all.state) => return stop_all(&all.state, &args).await,
            Ok(_) => {}
            Err(error) => return failed(error),
        }
    }
    let located = match folder(Named::of(node)) {
        Ok(located) => located,
        Err(exit) => return exit,
    };
    if !located.state.is_running() {
        return left_behind(&located.state, node.common.output).await;
    }
    if let Err(error) = AdminClient::new(&located.state)
        .stop("asked by `ninefold stop`")
        .await
    {
        return failed(error);
    }
    stopped(&args, || located.state.is_running()).await
}

/// Stops the nodes of a machine and whoever holds them, or what killed ones left running.
async fn stop_all(state: &StateFolder, args: &StopArgs) -> Exit {
    match nodes::stop(state).await {
        Ok(true) => stopped(args, || nodes::is_running(state)).await,
        Ok(false) => left_behind(state, args.node.common.output).await,
        Err(error) => failed(error),
    }
}

/// Waits until nothing runs any more.
async fn stopped(args: &StopArgs, runs: impl Fn() -> bool) -> Exit {
    let end = Instant::now() + Duration::from_secs(args.timeout);
    while runs() {
        if Instant::now() >= end {
            return failed(format!(
                "not stopped within {} s; it goes on stopping",
                args.timeout
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    print::note("stopped");
    if args.node.common.output == Output::Json {
        print::json(&serde_json::json!({ "stopped": true, "left_behind": 0 }));
    }
    Exit::Ok
}

async fn left_behind(state: &StateFolder, output: Output) -> Exit {
    match nodes::stop_left_behind(state).await {
        Ok(0) => failed(format!(
            "no Ninefold runs in {}, and it left nothing running",
            state.path().display()
        )),
        Ok(stopped) => {
            print::note(format!(
                "Ninefold was gone; stopped {stopped} instances that it left running"
            ));
            if output == Output::Json {
                print::json(&serde_json::json!({ "stopped": true, "left_behind": stopped }));
            }
            Exit::Ok
        }
        Err(error) => failed(error),
    }
}
