//! Adopted instances whose configuration changed are replaced one at a time.

use std::time::Duration;

use ninefold_core::id::InstanceId;
use ninefold_core::status::InstanceState;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::instance::Command;
use crate::prepare::Gate;
use crate::shared::Shared;

/// The others may take this long to be ready before the next is replaced all the same.
const OTHERS_PATIENCE: Duration = Duration::from_secs(30);
/// A replaced instance may take this long to be ready again.
const READY_PATIENCE: Duration = Duration::from_secs(60);

/// One instance to replace.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) instance: InstanceId,
    pub(crate) gate: Gate,
    pub(crate) commands: mpsc::Sender<Command>,
}

/// Replaces them in order, each once its fellows are ready and its service is prepared.
pub(crate) async fn replace(shared: Shared, replacements: Vec<Replacement>) {
    for mut next in replacements {
        if !next.gate.opened().await {
            continue;
        }
        let id = &next.instance;
        let fellows = shared.registry.until(|entries| {
            // One that was not probed yet would be stopped undrained, as if it never had traffic.
            entries.get(id).is_some_and(|entry| entry.settled)
                && entries
                    .values()
                    .filter(|entry| entry.status.instance.service == id.service)
                    .filter(|entry| entry.status.instance != *id)
                    .all(|entry| entry.status.state == InstanceState::Ready)
        });
        if timeout(OTHERS_PATIENCE, fellows).await.is_err() {
            shared.notice(format!(
                "{id} is replaced although not all others are ready"
            ));
        }
        let before = shared.registry.get(id).and_then(|entry| entry.status.pid);
        let reason = "its configuration changed".to_owned();
        if next
            .commands
            .send(Command::Restart { reason })
            .await
            .is_err()
        {
            return;
        }
        let ready = shared.registry.until(|entries| {
            entries.get(id).is_some_and(|entry| {
                entry.status.state == InstanceState::Ready && entry.status.pid != before
            })
        });
        if timeout(READY_PATIENCE, ready).await.is_err() {
            shared.notice(format!(
                "{id} is not ready {} s after its replacement; the others are not replaced",
                READY_PATIENCE.as_secs()
            ));
            return;
        }
    }
}
