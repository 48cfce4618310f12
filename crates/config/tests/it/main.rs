//! Tests of the public interface.

mod arbitrary;
mod every_key;
mod files;
mod model;
mod schema;
mod testdata;
