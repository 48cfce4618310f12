//! Schemas of tables and values.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::grammar::{Key, Rule, Shape, Table};
use crate::model::{Bytes, Name, Rate, Ratio, Span};
use crate::text::Syntax;

/// The schemas that others refer to.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    tables: Map<String, Value>,
    units: SchemaGenerator,
}

impl Definitions {
    /// All definitions, to be placed under `$defs`.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        self.tables.extend(self.units.take_definitions(true));
        self.tables.sort_keys();
        self.tables
    }

    /// The schema of a table, in place.
    pub(super) fn table(&mut self, table: &Table) -> Map<String, Value> {
        let mut schema = Map::new();
        let mut put = |name: &str, value: Value| schema.insert(name.to_owned(), value);
        put("type", json!("object"));
        put("description", json!(table.about));
        let properties: Map<_, _> = table
            .keys
            .iter()
            .map(|key| (key.name.to_owned(), self.key(key)))
            .collect();
        put("properties", Value::Object(properties));
        put("additionalProperties", json!(false));
        let required: Vec<_> = table.keys.iter().filter(|k| k.required).collect();
        if !required.is_empty() {
            let names: Vec<_> = required.iter().map(|key| key.name).collect();
            put("required", json!(names));
        }
        let dependent: Map<_, _> = table
            .keys
            .iter()
            .filter_map(|key| Some((key.name.to_owned(), json!([key.needs?]))))
            .collect();
        if !dependent.is_empty() {
            put("dependentRequired", Value::Object(dependent));
        }
        let each = |keys: &[&str]| -> Vec<_> {
            keys.iter()
                .map(|key| json!({ "required": [key] }))
                .collect()
        };
        match table.rule {
            Some(Rule::ExactlyOne(keys)) => put("oneOf", json!(each(keys))),
            Some(Rule::AtLeastOne(keys)) => put("anyOf", json!(each(keys))),
            None => None,
        };
        schema
    }

    fn key(&mut self, key: &Key) -> Value {
        let mut schema = self.shape(&key.shape);
        schema.insert("description".to_owned(), json!(key.about));
        if let Some(default) = key.default.and_then(literal) {
            schema.insert("default".to_owned(), default);
        }
        Value::Object(schema)
    }

    fn shape(&mut self, shape: &Shape) -> Map<String, Value> {
        let schema = match shape {
            Shape::Text(Syntax::Name) => return self.unit::<Name>(),
            Shape::Text(syntax) => return text(*syntax),
            Shape::Choice(choices) => json!({ "enum": choices }),
            Shape::Duration { .. } => return self.unit::<Span>(),
            Shape::Size { .. } => return self.unit::<Bytes>(),
            Shape::Share => return self.unit::<Ratio>(),
            Shape::Rate { .. } => return self.unit::<Rate>(),
            Shape::Integer { min, max } => {
                json!({ "type": "integer", "minimum": min, "maximum": max })
            }
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Off => json!({ "enum": ["off", false] }),
            Shape::True => json!({ "const": true }),
            Shape::Table(table) => self.reference(table),
            Shape::List { item, min, max } => json!({
                "type": "array",
                "items": self.shape(item),
                "minItems": min,
                "maxItems": max,
            }),
            Shape::Map { key, item, max } => json!({
                "type": "object",
                "propertyNames": text(*key),
                "additionalProperties": self.shape(item),
                "maxProperties": max,
            }),
            Shape::Either(shapes) => {
                let shapes: Vec<_> = shapes.iter().map(|shape| self.shape(shape)).collect();
                json!({ "anyOf": shapes })
            }
        };
        object(schema)
    }

    /// A reference to the schema of a table, which is written once.
    fn reference(&mut self, table: &Table) -> Value {
        let name = definition_name(table);
        if !self.tables.contains_key(&name) {
            let schema = self.table(table);
            self.tables.insert(name.clone(), Value::Object(schema));
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    fn unit<T: JsonSchema>(&mut self) -> Map<String, Value> {
        object(self.units.subschema_for::<T>().to_value())
    }
}

/// `a route` is defined as `route`, `` `[cluster]` `` as `cluster`.
fn definition_name(table: &Table) -> String {
    let title = table.title;
    let title = title
        .strip_prefix("a ")
        .or_else(|| title.strip_prefix("an "))
        .unwrap_or(title);
    title.replace(['`', '[', ']'], "").replace(' ', "_")
}

fn text(syntax: Syntax) -> Map<String, Value> {
    object(match syntax.pattern() {
        Some(pattern) => json!({ "type": "string", "pattern": pattern }),
        None => json!({ "type": "string" }),
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => Map::from_iter([("const".to_owned(), other)]),
    }
}

/// A default as written in TOML, as JSON.
fn literal(toml: &str) -> Option<Value> {
    let table: toml::Table = format!("default = {toml}").parse().ok()?;
    serde_json::to_value(table.get("default")?).ok()
}
