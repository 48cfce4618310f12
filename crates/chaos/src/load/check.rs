//! Reading back what was acknowledged.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Client, Outcome, Plan, Record};
use crate::report::Readback;

/// Reads at once.
const CONCURRENT_MAX: usize = 16;
/// Tries of one read, and the pause between them.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
/// Lost ids that a report names.
const NAMED_MAX: usize = 20;

enum Found {
    Yes,
    No,
    Unreadable,
}

/// Fetches `path` for the id of every acknowledged write. 404 and 410 are a loss, below 400 a
/// find; anything else is tried again and then unreadable. An answer of 4xx acknowledged nothing.
pub(crate) async fn read_back(plan: &Plan, path: &str, records: &[Record]) -> Readback {
    let client = Arc::new(Client::new(plan.address));
    let acked = |record: &&Record| {
        record.uses_id && record.outcome == Outcome::Acked && record.status < 400
    };
    let mut readback = Readback::default();
    let mut reads = JoinSet::new();
    for record in records.iter().filter(acked) {
        if reads.len() >= CONCURRENT_MAX {
            settle(plan, &mut readback, reads.join_next().await);
        }
        let (plan, client, number) = (plan.clone(), Arc::clone(&client), record.number);
        let path = path.to_owned();
        reads.spawn(async move { (number, find(&plan, &client, &path, number).await) });
    }
    while let Some(read) = reads.join_next().await {
        settle(plan, &mut readback, Some(read));
    }
    readback
}

fn settle(
    plan: &Plan,
    readback: &mut Readback,
    read: Option<Result<(u64, Found), tokio::task::JoinError>>,
) {
    let Some(read) = read else {
        return;
    };
    readback.checked += 1;
    match read {
        Ok((_, Found::Yes)) => {}
        Ok((number, Found::No)) => {
            readback.lost += 1;
            if readback.lost_ids.len() < NAMED_MAX {
                readback.lost_ids.push(plan.id(number));
            }
        }
        Ok((_, Found::Unreadable)) | Err(_) => readback.unreadable += 1,
    }
}

async fn find(plan: &Plan, client: &Client, path: &str, number: u64) -> Found {
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let Some(request) = plan.check(path, number) else {
            return Found::Unreadable;
        };
        let mut sent = false;
        let read = client.send(request, &mut sent);
        match tokio::time::timeout(plan.timeout, read).await {
            Ok(Ok(404 | 410)) => return Found::No,
            Ok(Ok(status)) if status < 400 => return Found::Yes,
            Ok(_) | Err(_) => {}
        }
    }
    Found::Unreadable
}
