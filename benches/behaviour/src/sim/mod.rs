//! A service and its callers as a discrete-event simulation: time is a number, one thread, no sleep.
//!
//! A service has workers, a queue in front of them that is first come, first served, and a
//! [gate](crate::gates) that decides what gets into the queue. Callers give up after a time limit
//! and may ask again, as a [client](crate::clients) policy says. A service is *not told* that a
//! caller has given up, as over most proxies and all queues: the work is done in vain.
//!
//! Everything random is drawn from one seed. The network takes no time, a refusal no work.

mod calendar;
mod percentile;
mod tally;
mod virtual_tokio;
mod weather;
mod world;

pub(crate) use calendar::Calendar;
pub(crate) use percentile::percentile;
pub(crate) use tally::Tally;
pub(crate) use virtual_tokio::VirtualTokio;
pub(crate) use weather::{Service, Trigger, Weather};
pub(crate) use world::World;
