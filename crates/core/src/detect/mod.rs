//! From observations to verdicts.
//!
//! The [`Detector`] keeps, for each registered instance, a bounded memory of what its observers
//! said, and draws a [`Verdict`](crate::event::Verdict) when the evidence allows only one class.
//! Every verdict carries its evidence in words, with figures. What the evidence does not decide is
//! `unknown`.
//!
//! | what is seen | class | weight |
//! |---|---|---|
//! | the process ended, nobody asked for it | crash-stop | 5 |
//! | that for the third time in a minute, no incarnation staying ready for 5 s; or the supervisor names a crash loop | crash-recovery | 6 |
//! | the process cannot be started at all | unknown | 4 |
//! | the process runs and is not ready in time: its probes are not answered, or it is stopped | timing | 4 |
//! | the same, its probes answered or its connections refused | unknown | 4 |
//! | its keeper ended, nobody asked for it; the process lives | crash-stop | 3 |
//! | a probe fails and the kernel says the process is stopped | timing | 3 |
//! | two probes in a row are not answered, the connection stands | timing | 3 |
//! | two probes in a row do not connect, the process lives | omission | 3 |
//! | the same of an endpoint whose process nobody watches | unknown | 3 |
//! | ≥ 50 % of ≥ 5 attempts refused or reset for 300 ms, the process lives | omission | 2 |
//! | the same of an endpoint whose process nobody watches, and nothing gets through | unknown | 2 |
//! | probes pass, ≥ 10 failures and ≥ 20 % of attempts in 5 s, 5 × the share of its peers | gray | 2 |
//! | the same with ≥ 5 failures, where the shares differ so much within Wilson's bounds of 3 σ | gray | 2 |
//! | the same with ≥ 3 failures after the first one, for 1 s since then | gray | 2 |
//! | no success for 300 ms, ≥ 5 attempts failed, or traffic ejected it; none by time | omission or gray as above | 2 |
//! | the same without a probe to compare with | unknown | 1 |
//! | ≥ 4 new attempts wait (or ≥ 3 timed out), no answer for 500 ms and 8 × the usual time, peers answer | timing | 1 |
//! | the gateway finds it slower than its peers, or failing more often, and its probes pass | gray | 1 |
//! | the same without a probe | unknown | 1 |
//! | callers fail as often at all its peers, ≥ 50 % | unknown | 1 |
//! | it says three times in a row that it is not alive | unknown | 1 |
//! | a canary is answered wrongly twice in a row, or two are; as many others answer theirs rightly | byzantine | 3 |
//! | 3 of its last 10 votes it was alone against two others that agree | byzantine | 3 |
//! | the same, and most others are no better; or 3 of 10 votes had no majority | unknown | 1 |
//!
//! Choices behind the table:
//!
//! - **An expected exit is no failure** and never changes a class: the healer that kills a hung
//!   process must not turn the hang into a crash.
//! - **A failed `ready` probe that was answered is no failure**: readiness is how a healthy
//!   instance asks for no traffic.
//! - **A start that fails is `unknown`.** Nothing ran, so no process crashed, and there is no
//!   incarnation that could recover; the cause is an operator's (path, rights, memory). The
//!   supervisor's crash loop verdict replaces it where it comes to that.
//! - **Callers' failures are held for 300 ms** before they convict, because those of a killed
//!   process reach the detector beside the exit itself, which is the better evidence.
//! - **What came before the first failure is not counted against it.** A replica that was well a moment ago has many
//!   successes behind it. As the first failure chose the moment, it is no evidence itself.
//! - **Waiting alone is no stall**: attempts must come and not be answered while the peers answer.
//!   Long polls that hang on one instance accuse nobody.
//! - **A verdict gives way only to heavier evidence** (third column), or from `unknown` to a
//!   class. So it is refined and does not flap.
//! - **Nothing is concluded about an instance that starts or is down**, but that its start takes
//!   longer than the supervisor grants it. A connection refused until then is no omission: it may
//!   be slow, or listen elsewhere.
//! - **A wrong answer is a whole answer that differs**: what is late, or an error, is for the rules above.
//!   A verdict for wrong answers ends with a new incarnation, or when a person says so: right answers to
//!   canaries may be what is left of the truth.
//! - **What most instances answer is not one's fault**: it is what is declared that is wrong, or a roll-out.
//!   So one is charged only beside as many others that answer rightly.
//! - **A keeper that dies is a crash-stop of the instance**: a part of it stopped, and what is left
//!   has to be replaced.
//!
//! The onset is the earliest moment the evidence allows: the exit itself, or else the last sign of
//! health before the first sign of failure. A measured time to detect is thus never too short.
//!
//! An instance recovered when it is ready in a new incarnation, or for the first time. Without a restart, the evidence has
//! to stay good for 3 s, and for gray it has to be answers to callers: its probes passed all along.
//! After a crash loop, readiness has to last for 5 s. The recovery is dated back to when it began.
//!
//! The idea to let callers testify is Panorama's (Huang et al., OSDI'18); to ask the layers below
//! before any timeout, Falcon's (Leners et al., SOSP'11).

mod answers;
mod callers;
mod charge;
mod detector;
mod finding;
mod probes;
mod process;
mod rank;
mod rules;
mod settings;
mod track;
mod value;

pub use detector::Detector;
pub use finding::{CallersWord, Facts, Finding};
pub use settings::Settings;
