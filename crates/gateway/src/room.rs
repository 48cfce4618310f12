//! Where a thread reads before it is known how much comes.

use std::cell::RefCell;

use tokio::io::ReadBuf;

/// The most that is read at once.
pub(crate) const ROOM: usize = 32 << 10;

thread_local! {
    /// Written once, so that system calls may be given it as it is.
    static SPACE: RefCell<Vec<u8>> = RefCell::new(vec![0; ROOM]);
}

/// Room for as many bytes, and [`ROOM`] at most. What is read is to be taken out of it at once.
pub(crate) fn with_room<T>(size: usize, read: impl FnOnce(&mut ReadBuf<'_>) -> T) -> T {
    SPACE.with_borrow_mut(|space| {
        let size = size.min(space.len());
        let (room, _) = space.split_at_mut(size);
        read(&mut ReadBuf::new(room))
    })
}
