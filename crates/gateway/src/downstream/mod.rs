//! HTTP/1 with clients.
//!
//! A [`Line`] is a client's stream: it reads requests, strictly, and keeps the times and sizes that a
//! client may take. [`serve`] has them answered one after another. What it refuses it answers by
//! itself, once the answers to earlier requests were written.

mod body;
mod departure;
mod finish;
mod line;
mod refuse;
mod reply;
mod serve;

use body::{Inlet, Upload};
pub(crate) use body::{Lost, RequestBody};
pub(crate) use line::Line;
pub(crate) use serve::serve;
