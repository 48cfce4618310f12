//! What a driver of waiting calls needs of a policy.

use super::super::{Admission, Now, Rejected, RequestMeta};
use super::{Queue, WaiterId};
use crate::time::Timestamp;

/// A policy whose calls can wait for a place, in a room that the driver keeps. How is said
/// [above](super#how-a-driver-uses-it); there is one room for one policy.
///
/// `room` is always the one that [`Waiting::room`] made, and locked by the driver.
pub trait Waiting: Admission {
    /// An empty room, as configured. Later configurations reach it by themselves.
    fn room(&self) -> Queue;

    /// A place at once, or `None` if the call must wait. Silent, unlike
    /// [`Admission::try_acquire`], which refuses instead.
    ///
    /// # Errors
    ///
    /// If it must not wait either.
    fn try_place(
        &self,
        request: &RequestMeta,
        now: impl Now,
    ) -> Result<Option<Self::Token>, Rejected>;

    /// Waits.
    ///
    /// # Errors
    ///
    /// What [`Queue::enter`] says.
    fn enter(
        &self,
        room: &mut Queue,
        request: &RequestMeta,
        now: Timestamp,
    ) -> Result<WaiterId, Rejected>;

    /// A waiter and a place for it, if there are both. To be called until it gives nothing.
    fn next(&self, room: &mut Queue, now: Timestamp) -> Option<(WaiterId, Self::Token)>;

    /// A waiter to be refused, if there is one. To be called until it gives nothing.
    fn expire(&self, room: &mut Queue, now: Timestamp) -> Option<(WaiterId, Rejected)>;

    /// A waiter goes. `false` if it was served or refused already.
    fn leave(&self, room: &mut Queue, id: WaiterId) -> bool;

    /// How many wait. Whoever gave back a place looks here whether to call [`Waiting::next`].
    fn waiting(&self) -> u32;
}
