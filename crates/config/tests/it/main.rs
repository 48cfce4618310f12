//! Tests of the public interface. The modules are marked as tests, for the lints that spare those.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod every_key;
#[cfg(test)]
mod files;
#[cfg(test)]
mod model;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod testdata;
