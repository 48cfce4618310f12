//! Reading a header off a socket.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncReadExt;

use crate::socket::Socket;

use super::{BLOCK_MAX, SIGNATURE, parse};

/// The longest header.
const HEADER_MAX: usize = SIGNATURE.len() + 4 + BLOCK_MAX;

/// Reads the header that a connection begins with, and nothing of what follows it. Gives whom the
/// connection is for; none where its sender speaks for itself.
///
/// # Errors
///
/// If the connection ends before, or begins with something else.
pub(crate) async fn receive(stream: &mut Socket) -> io::Result<Option<SocketAddr>> {
    let mut seen = [0; HEADER_MAX];
    let mut taken = 0;
    loop {
        let room = seen.get_mut(taken..).unwrap_or_default();
        let there = stream.peek(room).await?;
        if there == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let shown = seen.get(..taken + there).unwrap_or_default();
        let parsed = parse(shown).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
        // Of an incomplete header everything belongs to it.
        let size = parsed.map_or(taken + there, |header| header.size);
        let peeked = seen.get_mut(taken..size).unwrap_or_default();
        stream.read_exact(peeked).await?;
        taken = size;
        if let Some(header) = parsed {
            return Ok(header.client);
        }
    }
}
