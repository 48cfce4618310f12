//! `events`.

use std::time::{Duration, Instant};

use ninefold_agent::{AdminClient, ClientError, History, StateFolder};
use ninefold_core::event::Event;

use super::node::{Named, Source, failed, source};
use crate::args::{EventsArgs, Output};
use crate::exit::Exit;
use crate::print;

/// Events fetched at once.
const PAGE: usize = 1_000;
/// How long one call waits for news.
const WAIT: Duration = Duration::from_secs(30);
/// How long a node may still run once its API is gone.
const ENDING: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Prints the journal, and follows it if asked to.
pub(crate) async fn run(args: EventsArgs) -> Exit {
    let node = &args.node;
    match source(Named::of(node)) {
        Ok(Source::Live(client, state)) => match live(&client, &state, &args).await {
            Ok(()) => Exit::Ok,
            Err(error) => failed(error),
        },
        Ok(Source::Offline(history)) => offline(&history, &args),
        Err(exit) => exit,
    }
}

async fn live(
    client: &AdminClient,
    state: &StateFolder,
    args: &EventsArgs,
) -> Result<(), ClientError> {
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
        let page = match client.events(seen, PAGE, WAIT).await {
            Ok((page, next)) => {
                seen = next;
                page
            }
            // The end of the node is the end of what can be followed.
            Err(error) => {
                if !ends(state).await {
                    return Err(error);
                }
                last(state, seen, output);
                return Ok(());
            }
        };
        read = page.iter().all(|event| show(event, output));
    }
    Ok(())
}

/// Whether the node ends: its API goes a moment before it does.
async fn ends(state: &StateFolder) -> bool {
    let end = Instant::now() + ENDING;
    while state.is_running() {
        if Instant::now() >= end {
            return false;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    true
}

/// What a node wrote before it ended and could not tell any more.
fn last(state: &StateFolder, seen: u64, output: Output) {
    if let Ok(Some(history)) = History::read(state) {
        let unseen = history.events().iter().filter(|event| event.seq > seen);
        for event in unseen {
            show(event, output);
        }
    }
    print::note("Ninefold has ended: nothing follows");
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
