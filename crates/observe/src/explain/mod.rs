//! An incident in words, for `ninefold explain`: who is hurt and how badly, where did it start,
//! what changed, and which failure is it?

mod text;

pub use text::{explain, explain_opinion};
