//! Jittered exponential back-off.
