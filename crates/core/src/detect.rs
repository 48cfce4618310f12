//! From observations to verdicts.
