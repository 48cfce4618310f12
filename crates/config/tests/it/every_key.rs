//! Every key that is accepted means something, and every default is the one that is documented.

use std::path::Path;

use ninefold_config::model::File;
use ninefold_config::{parse, render, schema};
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::testdata::FULL;

/// A place in a file: keys, and indexes as text.
type Place = Vec<String>;

fn full() -> Table {
    std::fs::read_to_string(FULL).unwrap().parse().unwrap()
}

fn read(table: &Table) -> Result<File, String> {
    let outcome = parse(
        &toml::to_string(table).unwrap(),
        Path::new("full/ninefold.toml"),
    );
    let rendered = render(&outcome);
    outcome.file.ok_or(rendered)
}

/// All keys of a table and of the tables in it.
fn places(table: &Table) -> Vec<Place> {
    fn within(value: &Value, at: &Place, places: &mut Vec<Place>) {
        let mut each = |key: String, value: &Value| {
            let mut at = at.clone();
            at.push(key);
            if !value.is_table() || at.last().is_some_and(|k| k.parse::<usize>().is_err()) {
                places.push(at.clone());
            }
            within(value, &at, places);
        };
        match value {
            Value::Table(table) => table.iter().for_each(|(k, v)| each(k.clone(), v)),
            Value::Array(array) if array.iter().any(Value::is_table) => {
                array
                    .iter()
                    .enumerate()
                    .for_each(|(n, v)| each(n.to_string(), v));
            }
            _ => {}
        }
    }
    let mut places = Vec::new();
    within(&Value::Table(table.clone()), &Vec::new(), &mut places);
    places
}

fn parent<'t>(table: &'t mut Table, place: &Place) -> (&'t mut Value, String) {
    let (last, path) = place.split_last().unwrap();
    let (first, rest) = path.split_first().unwrap();
    let mut at = &mut table[first.as_str()];
    for step in rest {
        at = match step.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[step.as_str()],
        };
    }
    (at, last.clone())
}

fn remove(table: &mut Table, place: &Place) {
    if place.len() == 1 {
        table.remove(&place[0]);
        return;
    }
    match parent(table, place) {
        (Value::Table(table), key) => drop(table.remove(&key)),
        (Value::Array(array), index) => drop(array.remove(index.parse().unwrap())),
        _ => panic!("{place:?}"),
    }
}

fn set(table: &mut Table, place: &Place, value: Value) {
    if place.len() == 1 {
        table.insert(place[0].clone(), value);
        return;
    }
    match parent(table, place) {
        (Value::Table(table), key) => drop(table.insert(key, value)),
        _ => panic!("{place:?}"),
    }
}

/// No key is accepted and then ignored.
#[test]
fn no_key_is_without_effect() {
    let table = full();
    let whole = read(&table).unwrap();
    let places = places(&table);
    assert!(places.len() > 100, "{}", places.len());
    for place in places {
        let mut without = table.clone();
        remove(&mut without, &place);
        // Removing what is required, or what others refer to, is an effect too.
        if let Ok(file) = read(&without) {
            assert_ne!(file, whole, "{} has no effect", place.join("."));
        }
    }
}

/// Follows references, and finds the alternative that a table is described by.
fn resolve<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    if let Some(reference) = schema["$ref"].as_str() {
        return &root["$defs"][reference.strip_prefix("#/$defs/").unwrap()];
    }
    let any = schema["anyOf"].as_array().into_iter().flatten();
    let mut tables = any
        .map(|alternative| resolve(root, alternative))
        .filter(|alternative| !alternative["properties"].is_null());
    tables.next().unwrap_or(schema)
}

/// The schema of the value at a place.
fn describe<'s>(root: &'s Json, place: &Place) -> &'s Json {
    place.iter().fold(root, |schema, step| {
        let table = resolve(root, schema);
        if step.parse::<usize>().is_ok() {
            let any = schema["anyOf"].as_array().into_iter().flatten();
            let mut lists = any.filter(|alternative| !alternative["items"].is_null());
            return &lists.next().unwrap_or(table)["items"];
        }
        let property = &table["properties"][step.as_str()];
        if property.is_null() {
            &table["additionalProperties"]
        } else {
            property
        }
    })
}

/// What the schema calls the default is what the reader assumes.
#[test]
fn documented_defaults_are_those_assumed() {
    let root = schema();
    let table = full();
    let mut compared = 0;
    for place in places(&table) {
        let default = &describe(&root, &place)["default"];
        if default.is_null() {
            continue;
        }
        let mut without = table.clone();
        remove(&mut without, &place);
        let mut with = table.clone();
        set(&mut with, &place, Value::try_from(default).unwrap());
        match (read(&without), read(&with)) {
            (Ok(assumed), Ok(written)) => {
                assert_eq!(assumed, written, "{}", place.join("."));
                compared += 1;
            }
            // Here other keys exclude the default; it has to be the same that is excluded.
            (Err(_), Err(_)) => {}
            (assumed, written) => panic!("{}: {assumed:?}, {written:?}", place.join(".")),
        }
    }
    assert!(compared > 40, "{compared}");
}

/// Every key of the schema occurs in the full file, so that the tests above see it.
#[test]
fn the_full_file_has_every_key() {
    fn properties(schema: &Json, name: &str, keys: &mut Vec<(String, String)>) {
        if let Some(properties) = schema["properties"].as_object() {
            keys.extend(properties.keys().map(|key| (name.to_owned(), key.clone())));
        }
    }
    let root = schema();
    let mut keys = Vec::new();
    properties(&root, "file", &mut keys);
    for (name, definition) in root["$defs"].as_object().unwrap() {
        properties(definition, name, &mut keys);
    }
    let table = full();
    let mut seen = Vec::new();
    for place in places(&table) {
        let (last, path) = place.split_last().unwrap();
        let path = path.to_vec();
        let owner = resolve(&root, describe(&root, &path));
        let title = if path.is_empty() {
            "file"
        } else {
            let definitions = root["$defs"].as_object().unwrap();
            let named = definitions.iter().find(|(_, d)| std::ptr::eq(*d, owner));
            named.map_or("", |(name, _)| name.as_str())
        };
        seen.push((title.to_owned(), last.clone()));
    }
    keys.retain(|key| !seen.contains(key));
    assert_eq!(keys, [], "not in {FULL}");
}
