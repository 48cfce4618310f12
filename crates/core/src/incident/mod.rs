//! From verdicts to incidents.
//!
//! [`Incidents`] joins what belongs together, so that one cause is one incident:
//!
//! - A verdict on an instance that has an open incident refines that incident.
//! - Onsets within 2 s in one zone, of at least half of its instances, are one incident,
//!   `correlated`, with the domain `zone b`.
//! - Onsets within 2 s that cover every instance of a service are one, with the domain
//!   `service catalog`. In both cases incidents that were open apart are merged into the oldest.
//! - A crash loop continues the crash incident that closed within the last minute. It began with
//!   the first exit of that incident; earlier exits have incidents of their own.
//!
//! Only the incident is `correlated`; each verdict keeps the class that its evidence shows.
//!
//! **Injected or not:** a fault is announced in the journal before it happens, with its targets and
//! its time to live. An incident is injected if a target's failure, somewhere between onset and
//! verdict, falls into `announced − 0.5 s … announced + ttl`. Its onset is then no earlier than the
//! announcement.
//!
//! **Who is hurt:** the gateway reports per instance and route how many requests failed or were
//! masked. They count to the open incident of the instance, or to one that closed within 5 s, or
//! wait 2 s for one to open: callers often notice before anybody can say what is wrong.
//!
//! Whatever a method returns is to be journalled: the newest record of an id holds, and
//! [`Incidents::restore`] reads them back.

mod background;
mod domain;
mod entry;
mod impact;
mod incidents;
mod opinions;
#[cfg(test)]
mod transcript;

pub use incidents::Incidents;
