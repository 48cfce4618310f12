//! From verdicts to incidents.
