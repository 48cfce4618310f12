//! One request from its head to the last byte of its answer.

mod admit;
mod answer;
mod cached;
mod client;
mod conclude;
mod degrade;
mod delivery;
mod form;
mod gather;
mod headers;
mod hedge;
mod intake;
mod mirror;
mod notable;
mod perform;
mod resets;
mod serve;
mod ticket;
mod trace;
mod tunnel;
mod witness;

pub(crate) use client::Client;
pub(crate) use delivery::{Delivery, inverted};
pub(crate) use gather::{Gathered, whole};
pub(crate) use headers::GRPC_STATUS;
pub(crate) use intake::{AttemptBody, BodyFailure, Intake};
pub(crate) use serve::serve;
pub(crate) use ticket::{Outcome, Phase, Ticket, Who};
pub(crate) use trace::read_traceparent;
pub(crate) use tunnel::Tunnel;
