//! The JSON Schema of the file, made from the grammar.

mod document;
mod shape;

pub use document::schema;
