//! `events`.

use std::time::Duration;

use ninefold_agent::{AdminClient, ClientError, History};
use ninefold_core::event::Event;

use super::node::{Source, failed, source};
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
    match source(node.file.as_deref(), node.common.state.as_deref()) {
        Ok(Source::Live(client)) => match live(&client, &args).await {
            Ok(()) => Exit::Ok,
            Err(error) => failed(error),
        },
        Ok(Source::Offline(history)) => offline(&history, &args),
        Err(exit) => exit,
    }
}

async fn live(client: &AdminClient, args: &EventsArgs) -> Result<(), ClientError> {
    let output = args.node.common.output;
    let mut newest = std::collections::VecDeque::new();
    let mut seen = 0;
    loop {
        let (page, next) = client.events(seen, PAGE, Duration::ZERO).await?;
        seen = next;
        let last = page.len() < PAGE;
        newest.extend(page);
        let surplus = newest.len().saturating_sub(args.lines);
        newest.drain(..surplus);
        if last {
            break;
        }
    }
    let mut read = newest.iter().all(|event| show(event, output));
    while args.follow && read {
        let (page, next) = client.events(seen, PAGE, WAIT).await?;
        seen = next;
        read = page.iter().all(|event| show(event, output));
    }
    Ok(())
}

fn offline(history: &History, args: &EventsArgs) -> Exit {
    let events = history.events();
    let newest = events.get(events.len().saturating_sub(args.lines)..);
    let read = newest
        .unwrap_or_default()
        .iter()
        .all(|event| show(event, args.node.common.output));
    if args.follow && read {
        return failed("there is nothing to follow: no Ninefold runs");
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
