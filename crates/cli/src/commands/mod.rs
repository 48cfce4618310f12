//! One file per command.

mod check;
mod detect;
mod dispatch;
mod events;
mod incidents;
mod init;
mod join;
mod keys;
mod logs;
mod manual;
mod members;
mod node;
mod nodes;
mod opinion;
mod own_cluster;
mod readmit;
mod reload;
mod simulate;
mod status;
mod stop;
mod systemd;
mod token;
mod up;
mod upgrade;
mod verify;
mod ways;

pub(crate) use dispatch::run;
