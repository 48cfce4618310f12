//! From evidence to an opinion: a ledger of log-odds for each subject, and what may be done about it.
//!
//! A [`Ledger`] holds what observers said of a [`Subject`]: a node, an instance, a link or a zone. An observer says
//! one [`Sign`] on each [`Channel`]; its newest word replaces the one before, so that nobody counts twice, whereas
//! independent observers add. Of all that, [`Ledger::opinion`] makes a posterior over *well*, the seven classes of
//! [`FailureClass`](ninefold_core::taxonomy::FailureClass) and *unknown*, with the lines that moved it and the
//! questions that would tell the two best classes apart.
//!
//! **How it adds.** Each sign has a likelihood under each hypothesis, a word of [`Likelihood`], in a table with its
//! reasons ([`Sign::row`]). Weights are decibans (Good 1985: 10 is ten to one), and integers, so that the order in
//! which evidence arrives cannot matter. A word is worth
//!
//! ```text
//! health of who says it, if it accuses · 2^(−age / half-life of the channel)
//! ```
//!
//! observers, and the words of one sign together at most what the channel allows, those of one zone less: what
//! observers of one zone say has one network behind it.
//!
//! **When it names a class.** When the best hypothesis is ten times as probable as the next one. Where something is
//! wrong and no class is, the verdict is *unknown*: it does not guess. *Unknown* is a hypothesis as well, of a
//! failure that no row describes, so that a class has to explain what is seen, not only to do so better than others.
//!
//! **Correlated** is a failure of any class that others share. It follows from the best class and from onsets
//! that share a tag, and from no symptom of its own.
//!
//! **Guards** stand beside it, pure as well: [`gate`] finds onsets that share a tag, [`minority`] a node that
//! should suspect itself, [`caps`] bounds convictions in time and by domain, and [`response`] says what follows.
//!
//! The log-odds are those of sequential Bayesian evidence; differential observability (callers against probes) is
//! Panorama's (Huang et al., OSDI'18), local health Lifeguard's (Dadgar et al., DSN'18 workshops).

mod account;
pub mod caps;
#[cfg(test)]
mod confusion;
#[cfg(test)]
mod core_transcripts;
mod decay;
pub mod gate;
mod hypothesis;
mod incarnations;
mod ledger;
mod likelihood;
pub mod matrix;
pub mod minority;
mod opinion;
#[cfg(test)]
mod properties;
mod questions;
pub mod response;
mod sign;
mod subject;
mod table;
#[cfg(test)]
mod transcript;

pub use hypothesis::Hypothesis;
pub use ledger::{Evidence, Ledger, SUBJECTS_MAX, Said};
pub use likelihood::{Likelihood, Row};
pub use opinion::{LINES_MAX, Line, Opinion};
pub use questions::{QUESTIONS_MAX, Question};
pub use sign::{Channel, Sign};
pub use subject::{Health, Observer, Subject};
