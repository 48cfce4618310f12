//! The whole schema.

use serde_json::{Map, Value, json};

use super::shape::Definitions;
use crate::grammar::FILE;

/// The JSON Schema (2020-12) of `ninefold.toml`, as written in TOML, with meanings and defaults.
///
/// It has exactly the keys that the reader accepts, as both come from one grammar. What no schema
/// can say (references, clashes, relations between durations) only the reader checks.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Definitions::default();
    let root = definitions.table(&FILE);
    let mut document = Map::new();
    document.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    document.insert("title".to_owned(), json!("ninefold.toml"));
    document.extend(root);
    document.insert("$defs".to_owned(), Value::Object(definitions.finish()));
    Value::Object(document)
}
