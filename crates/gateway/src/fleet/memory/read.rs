//! Reading what another program wrote.

use serde_json::Value;

use super::Memory;
use super::entry::Entry;
use super::memory::{ENTRIES_MAX, KEYS_MAX, VERSION};

/// Notes of what could not be read, at most.
const LEFT_OUT_MAX: usize = 16;

/// Characters of a note, or of a reason.
const TEXT_CHARS_MAX: usize = 400;

/// Of any value, what can be understood of it.
pub(super) fn read(said: Value) -> Memory {
    let mut memory = Memory::default();
    let Value::Object(mut said) = said else {
        if !said.is_null() {
            memory.leave_out("it is none".to_owned());
        }
        return memory;
    };
    if said.is_empty() {
        return memory;
    }
    let version = said.get("version").and_then(Value::as_u64);
    if version != Some(VERSION) {
        let version = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        memory.leave_out(format!("its version is {version}, not {VERSION}"));
        return memory;
    }
    let Some(Value::Array(entries)) = said.remove("entries") else {
        memory.leave_out("it has no entries".to_owned());
        return memory;
    };
    if entries.len() > ENTRIES_MAX {
        let more = entries.len() - ENTRIES_MAX;
        memory.leave_out(format!("{more} entries are too many"));
    }
    let mut keys_left = KEYS_MAX;
    for entry in entries.into_iter().take(ENTRIES_MAX) {
        let of = entry.get("of").and_then(Value::as_str).unwrap_or("entry");
        let of = of.to_owned();
        match serde_json::from_value(entry) {
            Ok(entry) => memory.entries.push(bounded(entry, &mut keys_left)),
            Err(error) => memory.leave_out(format!("{of}: {error}")),
        }
    }
    memory
}

impl Memory {
    fn leave_out(&mut self, why: String) {
        if self.left_out.len() < LEFT_OUT_MAX {
            self.left_out.push(shortened(why));
        }
    }
}

fn bounded(mut entry: Entry, keys_left: &mut usize) -> Entry {
    match &mut entry {
        Entry::Endpoint(endpoint) => {
            endpoint.reason = endpoint.reason.take().map(shortened);
        }
        Entry::Rate(rate) => {
            let owed = &mut rate.known.owed;
            owed.truncate(*keys_left);
            *keys_left -= owed.len();
        }
        Entry::Fault(_)
        | Entry::Split(_)
        | Entry::Breaker(_)
        | Entry::Pool(_)
        | Entry::Limit(_)
        | Entry::Dimmer(_)
        | Entry::Budget(_) => {}
    }
    entry
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        None => text,
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
    }
}
