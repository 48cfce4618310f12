//! What the driver says about one run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::peer::Peer;
use super::row::Row;
use crate::failure::{Failure, While};

/// One run of one proxy in one row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) row: Row,
    pub(super) peer: Peer,
    pub(super) outcome: Outcome,
}

/// How it went.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// Its figures by name; those that are not there do not belong to it, or never came.
    Figures(BTreeMap<String, f64>),
    /// It could not be run, and why.
    Without(String),
}

impl Sample {
    /// Reads a line of the driver.
    pub(super) fn parse(line: &str) -> Result<Self, Failure> {
        let odd = || Failure::new(format!("the driver says something odd: {line}"));
        let value: Value = serde_json::from_str(line).while_("read what the driver says")?;
        let name = |key: &str| value.get(key)?.as_str();
        let row = Row::ALL
            .into_iter()
            .find(|row| Some(row.name()) == name("row"));
        let peer = Peer::ALL
            .into_iter()
            .find(|peer| Some(peer.name()) == name("peer"));
        let figures = value
            .get("figures")
            .and_then(Value::as_object)
            .ok_or_else(odd)?;
        let why = figures.get("problem").or_else(|| figures.get("skipped"));
        let outcome = match why.and_then(Value::as_str) {
            Some(why) => Outcome::Without(why.to_owned()),
            None => {
                let numbers = figures.iter();
                let numbers = numbers.filter_map(|(key, v)| Some((key.clone(), v.as_f64()?)));
                Outcome::Figures(numbers.collect())
            }
        };
        Ok(Self {
            row: row.ok_or_else(odd)?,
            peer: peer.ok_or_else(odd)?,
            outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_figures_and_reasons() {
        let line =
            r#"{"row":"gray","peer":"envoy","round":1,"figures":{"sent":9,"isolated_s":null}}"#;
        let sample = Sample::parse(line).unwrap();
        assert_eq!((sample.row, sample.peer), (Row::Gray, Peer::Envoy));
        let figures = BTreeMap::from([("sent".to_owned(), 9.0)]);
        assert_eq!(sample.outcome, Outcome::Figures(figures));
        let line = r#"{"row":"reload","peer":"ninefold","figures":{"skipped":"none yet"}}"#;
        let sample = Sample::parse(line).unwrap();
        assert_eq!(sample.outcome, Outcome::Without("none yet".to_owned()));
        for bad in ["{}", "x", r#"{"row":"flood","peer":"envoy","figures":{}}"#] {
            assert!(Sample::parse(bad).is_err(), "{bad}");
        }
    }
}
