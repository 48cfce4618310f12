//! What stands in front of a service and decides what gets in: ours and the peers'.
//!
//! | gate | how it is driven |
//! |---|---|
//! | Ninefold's | called with the simulation's time |
//! | tower's concurrency limit with load shedding | the service itself; it needs no clock |
//! | congestion-limiter | the limiter itself, on tokio's paused clock |
//! | tower-acc | its algorithms, called with the simulation's time; the semaphore around them is modelled, as the service reads the machine's clock |

mod congestion;
mod gate;
mod limited;
mod none;
mod prioritized;
mod room;
mod shed;
mod tower;
mod tower_acc;

pub(crate) use congestion::Congestion;
pub(crate) use gate::{Gate, Verdict};
pub(crate) use limited::Limited;
pub(crate) use none::Open;
pub(crate) use prioritized::Prioritized;
pub(crate) use shed::Shed;
pub(crate) use tower::StaticCap;
pub(crate) use tower_acc::TowerAcc;
