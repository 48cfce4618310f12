//! Who was found last, on disk: a restart while names cannot be looked up begins with them, and
//! everybody keeps its ordinal.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ninefold_config::model::Endpoint;
use serde::{Deserialize, Serialize};

use super::lookup::Found;
use crate::disk::{read_json, write_json};

/// `<state>/sources/<service>.json`.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// Of which source; what another one found is nothing worth.
    source: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    source: String,
    endpoints: Vec<Record>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    ordinal: u32,
    address: String,
    weight: u32,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    backup: bool,
    #[serde(default)]
    host: Option<Arc<str>>,
}

impl Kept {
    pub(super) fn new(state: &Path, service: &str, source: String) -> Self {
        Self {
            path: state.join("sources").join(format!("{service}.json")),
            source,
        }
    }

    /// Who was there. What cannot be read is nobody.
    pub(super) fn read(&self) -> Vec<(u32, String, Found)> {
        let document = read_json::<Document>(&self.path).unwrap_or_else(|error| {
            tracing::warn!(path = %self.path.display(), %error, "endpoints found before cannot be read");
            None
        });
        let same = document.filter(|document| document.source == self.source);
        let records = same.into_iter().flat_map(|document| document.endpoints);
        let found = |record: Record| {
            let endpoint = Endpoint {
                address: record.address.clone(),
                zone: record.zone.and_then(|zone| zone.parse().ok()),
                weight: record.weight.clamp(1, 100),
                backup: record.backup,
            };
            let host = record.host;
            (record.ordinal, record.address, Found { endpoint, host })
        };
        records.map(found).collect()
    }

    /// Keeps who is there now.
    pub(super) fn write<'a>(
        &self,
        members: impl Iterator<Item = (u32, &'a String, &'a Found)>,
    ) -> io::Result<()> {
        let record = |(ordinal, address, found): (u32, &String, &Found)| Record {
            ordinal,
            address: address.clone(),
            weight: found.endpoint.weight,
            zone: found.endpoint.zone.as_ref().map(ToString::to_string),
            backup: found.endpoint.backup,
            host: found.host.clone(),
        };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let document = Document {
            source: self.source.clone(),
            endpoints: members.map(record).collect(),
        };
        write_json(&self.path, &document)
    }
}
