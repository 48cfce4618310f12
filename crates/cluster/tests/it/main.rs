//! Detectors on modelled traces, through the public interface.

#[cfg(test)]
mod promises;
