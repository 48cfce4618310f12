//! What follows an upgrade: bytes both ways until one side ends.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::Ticket;
use super::ticket::{Outcome, Phase, Who};
use crate::early::Early;
use crate::upstream::Lease;

/// Joins both sides once both have left HTTP. The request counts as under way until then.
pub(super) fn open(down: OnUpgrade, mut ticket: Ticket, mut lease: Lease) {
    ticket.client.pulse.grant();
    drop(tokio::task::spawn_local(async move {
        let (Ok(down), Some((up, early))) = (down.await, lease.take_stream()) else {
            return ticket.settle(Outcome::Failed, Who::Gateway);
        };
        let (mut down, mut up) = (TokioIo::new(down), Early::new(early, up));
        // An error here is one side closing without a farewell, which is how tunnels often end.
        if let Ok((_received, sent)) = copy_bidirectional(&mut down, &mut up).await {
            ticket.bytes_out = sent;
        }
        ticket.phase = Phase::Done;
        ticket.settle(Outcome::Ok, Who::Gateway);
        drop(lease);
    }));
}
