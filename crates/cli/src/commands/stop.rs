//! `stop`.

use std::time::{Duration, Instant};

use ninefold_agent::{AdminClient, StateFolder};

use super::node::{failed, folder};
use crate::args::{Output, StopArgs};
use crate::exit::Exit;
use crate::print;

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Stops a node, or what a killed one left running.
pub(crate) async fn run(args: StopArgs) -> Exit {
    let node = &args.node;
    let located = match folder(node.file.as_deref(), node.common.state.as_deref()) {
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
    let end = Instant::now() + Duration::from_secs(args.timeout);
    while located.state.is_running() {
        if Instant::now() >= end {
            return failed(format!(
                "not stopped within {} s; it goes on stopping",
                args.timeout
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    print::note("stopped");
    if node.common.output == Output::Json {
        print::json(&serde_json::json!({ "stopped": true, "left_behind": 0 }));
    }
    Exit::Ok
}

async fn left_behind(state: &StateFolder, output: Output) -> Exit {
    match ninefold_agent::stop_left_behind(state).await {
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
