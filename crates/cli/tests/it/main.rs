//! The command against real processes.

mod check;
mod cluster;
mod heal;
mod prove;
mod refuse;
mod survive;
