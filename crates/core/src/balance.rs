//! Endpoint choice: power of two choices over load and latency.
