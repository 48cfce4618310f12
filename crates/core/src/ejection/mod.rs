//! Outlier detection: when live traffic takes an endpoint out of rotation, and how it comes back.
//!
//! Four rules convict. Two see one endpoint by itself and act at once ([`EndpointHealth`]):
//! failures in a row, and failures in a row of the kind that only a broken endpoint or the way to
//! it gives (no connection, a broken one, no answer in time, 502 to 504). Two compare with peers
//! ([`Judge`]) and need samples: an endpoint whose answers are most of the time slower than
//! the pool's median times a factor, and one that fails far more often than the pool does. When
//! everybody slows or fails, the pool's median moves too, and nobody is convicted.
//!
//! Guards ([`EjectionRules::may_eject`]): the last endpoint is never ejected, one of two or more
//! always may be, and never more than a share of the service at once.
//!
//! An ejected endpoint comes back by canaries: when its time is over, a small share of the traffic
//! tries it. Some good answers in a row, fast ones too, and it is back, its share growing; a failure
//! or a slow one, and it is out again, for twice as long. Requests that lose nothing by it, because they
//! are repeated elsewhere as soon as the answer is late, try it sooner: after the same short time, however
//! often it was ejected, so that no ejection outlives its cause by much. A passing probe changes none of that, unless one
//! failed before: who lost its readiness while it was ejected, and has it again, is tried sooner.

mod guard;
mod health;
mod judge;
mod memento;
mod rules;
mod tally;
mod testimony;

#[cfg(test)]
mod simulation;

pub use guard::PoolState;
pub use health::{EndpointHealth, Grade, Turn};
pub use judge::{Conviction, Judge, Judgement, Look};
pub use memento::HealthMemento;
pub use rules::{EjectionRules, LatencyRules, Risk, SuccessRules};
pub use tally::{BUCKETS, Tally, bucket, bucket_end};
pub use testimony::Testimony;
