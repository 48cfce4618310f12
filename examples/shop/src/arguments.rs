//! Command lines of the form `--name value`.

use std::collections::BTreeMap;

/// A command line with known options only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments(BTreeMap<String, String>);

/// Why a command line is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidArguments {
    /// An option that does not exist here.
    #[error("unknown option `{0}`; there are: {1}")]
    Unknown(String, String),
    /// An option at the end of the line, or followed by another option.
    #[error("`--{0}` needs a value")]
    NoValue(String),
    /// An option given twice.
    #[error("`--{0}` is given twice")]
    Twice(String),
    /// A required option that is not there.
    #[error("`--{0}` is missing")]
    Missing(String),
    /// A value that is not of the kind the option asks for.
    #[error("`--{0} {1}`: {2}")]
    Value(String, String, String),
}

impl Arguments {
    /// Reads what follows the program's name. `known` are the options without their dashes.
    ///
    /// # Errors
    ///
    /// See [`InvalidArguments`].
    pub fn parse(
        words: impl IntoIterator<Item = String>,
        known: &[&str],
    ) -> Result<Self, InvalidArguments> {
        let mut values = BTreeMap::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").filter(|name| known.contains(name));
            let Some(name) = name else {
                let all: Vec<String> = known.iter().map(|name| format!("--{name}")).collect();
                return Err(InvalidArguments::Unknown(word, all.join(", ")));
            };
            let value = words
                .next()
                .filter(|value| !value.starts_with("--"))
                .ok_or_else(|| InvalidArguments::NoValue(name.to_owned()))?;
            if values.insert(name.to_owned(), value).is_some() {
                return Err(InvalidArguments::Twice(name.to_owned()));
            }
        }
        Ok(Self(values))
    }

    /// The value of a required option.
    ///
    /// # Errors
    ///
    /// [`InvalidArguments::Missing`] without it, [`InvalidArguments::Value`] if it is not a `T`.
    pub fn required<T>(&self, name: &str) -> Result<T, InvalidArguments>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let text = self
            .0
            .get(name)
            .ok_or_else(|| InvalidArguments::Missing(name.to_owned()))?;
        text.parse().map_err(|why: T::Err| {
            InvalidArguments::Value(name.to_owned(), text.clone(), why.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, InvalidArguments> {
        Arguments::parse(line.split(' ').map(str::to_owned), &["listen", "catalog"])
    }

    #[test]
    fn reads_typed_values() {
        let arguments = parse("--listen 127.0.0.1:80").unwrap();
        let address: std::net::SocketAddr = arguments.required("listen").unwrap();
        assert_eq!(address.port(), 80);
        assert_eq!(
            arguments.required::<String>("catalog"),
            Err(InvalidArguments::Missing("catalog".into()))
        );
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = |line: &str| parse(line).unwrap_err().to_string();
        assert_eq!(
            wrong("--port 80"),
            "unknown option `--port`; there are: --listen, --catalog"
        );
        assert_eq!(wrong("--listen"), "`--listen` needs a value");
        assert_eq!(wrong("--listen --catalog x"), "`--listen` needs a value");
        assert_eq!(wrong("--listen a --listen b"), "`--listen` is given twice");
        let bad = parse("--listen here").unwrap();
        assert!(
            bad.required::<std::net::SocketAddr>("listen")
                .unwrap_err()
                .to_string()
                .starts_with("`--listen here`: ")
        );
    }
}
