//! What follows an upgrade: bytes both ways until one side ends.

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};

use super::Ticket;
use super::ticket::{Phase, Who};
use crate::early::Early;
use crate::request_end::RequestEnd;
use crate::upstream::Lease;

/// An upgrade that was granted. The request counts as under way until its end.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(super) ticket: Ticket,
    pub(super) lease: Lease,
}

impl Tunnel {
    /// Joins both sides.
    pub(crate) async fn run(mut self, mut down: impl AsyncRead + AsyncWrite + Unpin) {
        let Some((up, early)) = self.lease.take_stream() else {
            return self.ticket.end(RequestEnd::NotJoined);
        };
        let mut up = Early::new(early, up);
        // An error here is one side closing without a farewell, which is how tunnels often end.
        if let Ok((_received, sent)) = copy_bidirectional(&mut down, &mut up).await {
            self.ticket.bytes_out = sent;
        }
        self.ticket.phase.set(Phase::Done);
        self.ticket.done(Who::Gateway);
    }
}
