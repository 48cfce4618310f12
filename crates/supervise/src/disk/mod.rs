//! What an instance's folder holds: one JSON document for the launch, the run and the exit each.
//!
//! Every document is written beside its place and renamed over it, so a reader sees an old or a
//! new one and never half of one. None is flushed to the platter: after a crash of the machine
//! all of them are about processes that are gone, which the boot id tells.

mod document;
mod errand;
mod folder;
mod memory;
mod record;

pub(crate) use document::{read_json, remove, write_json, write_text};
pub(crate) use errand::{Errand, ErrandFolder, GuardLine};
pub(crate) use folder::Folder;
pub(crate) use memory::{recall, remember};
pub(crate) use record::{ExitRecord, KeeperLine, RunRecord, Spec};
