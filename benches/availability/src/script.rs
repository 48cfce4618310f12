//! What happens in a row, and when.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep_until};

use crate::problem::Problem;
use crate::row::Row;
use crate::stage::Stage;

/// The replica that goes bad, where it is one.
pub(crate) const BAD: usize = 0;
/// How long a replica is away that is started again.
const AWAY: Duration = Duration::from_millis(500);
/// From the end of one replica to that of the next.
const NEXT: Duration = Duration::from_millis(2_500);
/// Between two reloads.
const RELOADS: Duration = Duration::from_secs(1);

/// Does the row's fault and undoes it, at its times from `began` on.
pub(crate) async fn play(stage: &mut Stage, row: Row, began: Instant) -> Result<(), Problem> {
    let from = began + row.begins();
    let to = from + row.fault();
    sleep_until(from).await;
    match row {
        Row::Kill => {
            stage.signal(BAD, Signal::KILL)?;
            sleep_until(to).await;
            stage.restart(BAD).await
        }
        Row::Zone => {
            let zone = row.zone(BAD);
            let lost: Vec<usize> = (0..row.replicas())
                .filter(|replica| row.zone(*replica) == zone)
                .collect();
            for replica in &lost {
                stage.signal(*replica, Signal::KILL)?;
            }
            sleep_until(to).await;
            for replica in lost {
                stage.restart(replica).await?;
            }
            Ok(())
        }
        Row::Hang => {
            stage.signal(BAD, Signal::STOP)?;
            sleep_until(to).await;
            stage.signal(BAD, Signal::CONT)
        }
        Row::Gray | Row::Errors | Row::FastFail => {
            stage.set(BAD, row.bad().unwrap_or_default()).await?;
            sleep_until(to).await;
            stage.set(BAD, row.settings()).await
        }
        Row::Rolling => in_turn(stage, row, from, Signal::TERM).await,
        Row::PostKills => in_turn(stage, row, from, Signal::KILL).await,
        Row::Reload => reloads(stage, from, to).await,
        // There the load is the fault.
        Row::Overload2 | Row::Overload10 => Ok(()),
    }
}

async fn in_turn(
    stage: &mut Stage,
    row: Row,
    mut at: Instant,
    signal: Signal,
) -> Result<(), Problem> {
    for replica in 0..row.replicas() {
        sleep_until(at).await;
        stage.signal(replica, signal)?;
        sleep_until(at + AWAY).await;
        stage.restart(replica).await?;
        at += NEXT;
    }
    Ok(())
}

async fn reloads(stage: &Stage, from: Instant, to: Instant) -> Result<(), Problem> {
    let mut at = from;
    let mut whole = false;
    while at < to {
        sleep_until(at).await;
        stage.reload(whole)?;
        whole = !whole;
        at += RELOADS;
    }
    Ok(())
}
