//! `ninefold.toml`: its model, its units, and what is wrong with a file.

pub mod model;
