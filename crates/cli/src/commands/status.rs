//! `status`.

use std::io::IsTerminal;
use std::time::Duration;

use ninefold_agent::admin;

use super::node::{Named, failed, running};
use crate::args::{Output, StatusArgs};
use crate::exit::Exit;
use crate::print;

const EVERY: Duration = Duration::from_secs(1);
/// Cursor home, and clear what is below it: less flicker than clearing the whole screen.
const HOME: &str = "\x1b[H\x1b[J";

/// Prints the status once, or again and again.
pub(crate) async fn run(args: StatusArgs) -> Exit {
    let node = &args.node;
    let client = match running(Named::of(node)) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    loop {
        let status = match client.status().await {
            Ok(status) => status,
            Err(error) => return failed(error),
        };
        let read = match node.common.output {
            Output::Json => print::json(&status),
            Output::Text => {
                let home = if args.watch && std::io::stdout().is_terminal() {
                    HOME
                } else {
                    ""
                };
                print::out(home) && print::quoted(&admin::page(&status))
            }
        };
        if !args.watch || !read {
            return Exit::Ok;
        }
        tokio::time::sleep(EVERY).await;
    }
}
