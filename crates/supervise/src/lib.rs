//! Instances: processes, probes, captured output, adoption.
//!
//! A [`Supervisor`] keeps the services of a file running: it starts each replica through a
//! [`keeper`], sees its end at once through a pidfd, restarts it within limits, probes it, and
//! tells the agent what it sees as [`Report`]s. It decides nothing about traffic: it says who is
//! admitted ([`SupervisedEndpoint`]), and asks for a drain before it stops somebody as planned.
//!
//! **Invariant:** the death of Ninefold does not touch the services. Nothing of a service hangs
//! on this process: its parent, the reader of its output and the witness of its end is its keeper.
//! **Invariant:** a process is only signalled after its start time was compared: never a stranger
//! that got its number. **Invariant:** an action is in the journal before it is taken.

mod adoption;
mod clock;
mod disk;
#[doc(hidden)]
pub mod fuzzing;
mod instance;
pub mod keeper;
mod launch;
mod leaver;
pub mod logs;
mod place;
mod prepare;
mod probe;
mod process;
mod registry;
mod report;
mod rolling;
mod shared;
mod source;
mod startup;
mod supervisor;

pub use launch::Addresses;
pub use place::Place;
pub use probe::ProbeTls;
pub use registry::SupervisedEndpoint;
pub use report::{PrepareState, Recorder, Report};
pub use supervisor::{Options, RestartError, StartError, Supervisor};
