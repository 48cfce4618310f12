//! Names of things that are watched: services, their instances, and failure domains.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One instance of a service: a supervised replica, or one endpoint of an external service.
///
/// Written `service/ordinal`, as in `catalog/2`. Ordinals start at 0 and are stable over restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct InstanceId {
    /// The service's name, as in the file.
    pub service: Arc<str>,
    /// Which replica or endpoint.
    pub ordinal: u32,
}

impl InstanceId {
    /// The instance `ordinal` of `service`.
    #[must_use]
    pub fn new(service: impl Into<Arc<str>>, ordinal: u32) -> Self {
        Self {
            service: service.into(),
            ordinal,
        }
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.ordinal)
    }
}

/// Why a text is no [`InstanceId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no instance: write SERVICE/ORDINAL, as in `catalog/0`")]
pub struct ParseInstanceIdError(String);

impl std::str::FromStr for InstanceId {
    type Err = ParseInstanceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseInstanceIdError(text.to_owned());
        let (service, ordinal) = text.rsplit_once('/').ok_or_else(refused)?;
        if service.is_empty() {
            return Err(refused());
        }
        let ordinal = ordinal.parse().map_err(|_out_of_range| refused())?;
        Ok(Self::new(service, ordinal))
    }
}

impl Serialize for InstanceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_as_text() {
        let id = InstanceId::new("catalog", 2);
        assert_eq!(id.to_string(), "catalog/2");
        assert_eq!("catalog/2".parse(), Ok(id));
        for bad in ["", "catalog", "/1", "catalog/-1", "catalog/x"] {
            assert!(bad.parse::<InstanceId>().is_err(), "{bad}");
        }
    }
}
