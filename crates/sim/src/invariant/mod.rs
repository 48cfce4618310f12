//! What must be so: while faults are there, and after they have ended. A file each.

mod all_know;
mod all_recover;
mod budget;
mod check;
mod incarnations_grow;
mod no_healthy_convicted;
mod one_view_change;
mod quorum;
mod views_agree;

pub use all_know::AllKnow;
pub use all_recover::AllRecover;
pub use budget::Budget;
pub use check::Invariant;
pub use incarnations_grow::IncarnationsGrow;
pub use no_healthy_convicted::NoHealthyConvicted;
pub use one_view_change::OneViewChange;
pub use quorum::Quorum;
pub use views_agree::ViewsAgree;
