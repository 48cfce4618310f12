//! Transcripts in `testdata/membership/*.txt`, and what must hold for any network.

mod network;
mod properties;
mod transcript;
