//! A command line that tries it again.

use super::{Traffic, VerifyOptions};

/// `ninefold verify …` for one claim, ready to be pasted into a shell.
pub(super) fn command(options: &VerifyOptions, claim: &str, trials: u32, seed: u64) -> String {
    let mut words = vec![
        "ninefold".to_owned(),
        "verify".to_owned(),
        quoted(&options.file.path.to_string_lossy()),
        "--claim".to_owned(),
        quoted(claim),
        "--trials".to_owned(),
        trials.to_string(),
        "--seed".to_owned(),
        seed.to_string(),
    ];
    if let Some(nodes) = options.owned_nodes {
        words.extend(["--nodes".to_owned(), nodes.to_string()]);
    }
    if options.traffic == Traffic::Live {
        words.extend(["--traffic".to_owned(), "live".to_owned()]);
    }
    if let Some(rate) = options.rate {
        words.extend(["--rate".to_owned(), rate.to_string()]);
    }
    words.join(" ")
}

/// POSIX shell quoting: single quotes, with those inside taken out of them.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_for_a_posix_shell() {
        assert_eq!(quoted("a/b.toml"), "a/b.toml");
        assert_eq!(quoted("any one zone"), "'any one zone'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
