//! `events`.

use std::time::Duration;

use ninefold_core::event::Event;

use super::node::{failed, running};
use crate::args::{EventsArgs, Output};
use crate::exit::Exit;
use crate::print;

/// Events fetched at once.
const PAGE: usize = 1_000;
/// How long one call waits for news.
const WAIT: Duration = Duration::from_secs(30);

/// Prints the journal, and follows it if asked to.
pub(crate) async fn run(args: EventsArgs) -> Exit {
    let node = &args.node;
    let client = match running(node.file.as_deref(), node.common.state.as_deref()) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let mut newest = std::collections::VecDeque::new();
    let mut seen = 0;
    loop {
        let (page, next) = match client.events(seen, PAGE, Duration::ZERO).await {
            Ok(page) => page,
            Err(error) => return failed(error),
        };
        seen = next;
        let last = page.len() < PAGE;
        newest.extend(page);
        let surplus = newest.len().saturating_sub(args.lines);
        newest.drain(..surplus);
        if last {
            break;
        }
    }
    let mut read = newest.iter().all(|event| show(event, node.common.output));
    while args.follow && read {
        let (page, next) = match client.events(seen, PAGE, WAIT).await {
            Ok(page) => page,
            Err(error) => return failed(error),
        };
        seen = next;
        read = page.iter().all(|event| show(event, node.common.output));
    }
    Exit::Ok
}

fn show(event: &Event, output: Output) -> bool {
    match output {
        Output::Json => match serde_json::to_string(event) {
            Ok(text) => print::line(text),
            Err(_impossible) => true,
        },
        Output::Text => print::quoted(&format!("{}  {:>6}  {}\n", event.at, event.seq, event.kind)),
    }
}
