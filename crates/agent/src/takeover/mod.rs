//! Going on in another process, without a lost request.
//!
//! The new process connects to a socket in the state folder, and both go on step by step:
//!
//! | the one before | the new one |
//! |---|---|
//! | gives its listening sockets | makes a gateway from its file on them, which holds; says *prepared* |
//! | ends its control plane, books what was counted, gives up the folder; says *yours* | takes the folder, opens the books, adopts the instances, probes them once; says *standing* |
//! | says *go*, with what its gateway knows | goes on from that, accepts connections; says *opened* |
//! | drains, tells on and on what it counts, ends | adds that to its own |
//!
//! The one before serves all the time, with the last view it had of the endpoints. What its gateway
//! knows (who is ejected, which breaker is open, what was learnt, which faults are under way) goes over
//! as late as can be, and once before in case that it is killed; what it learns while it drains stays
//! with it.
//!
//! **Invariant:** until *opened* the one before goes on by itself if the new one fails, ends or is
//! slow: it takes the folder again and adopts the instances. **Invariant:** if the one before is
//! killed meanwhile, the new one goes on: it has the sockets already, and the folder's lock ends with
//! its owner. **Invariant:** what is counted is booked once: by the one before until *yours*, by the
//! new one from there on.

mod give;
mod spawn;
mod take;
mod wire;

pub use give::Taker;
pub(crate) use give::bind;
pub use spawn::UpgradeRequest;
pub(crate) use spawn::{UpgradeStarted, spawn};
pub use take::TakeError;
pub(crate) use take::Taken;
