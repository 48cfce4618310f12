//! A command line that tries it again.

use super::{Asked, Traffic, VerifyOptions};

/// `ninefold verify …` for one claim, ready to be pasted into a shell.
pub(super) fn command(options: &VerifyOptions, claim: &str, trials: u32, seed: u64) -> String {
    let mut more = Vec::new();
    if let Some(nodes) = options.owned_nodes {
        more.push(format!("--nodes {nodes}"));
    }
    if options.traffic == Traffic::Live {
        more.push("--traffic live".to_owned());
    }
    of(&options.asked(), claim, (trials, seed), more)
}

/// The same, with options of one way to try it.
pub(crate) fn of(
    asked: &Asked<'_>,
    claim: &str,
    (trials, seed): (u32, u64),
    more: Vec<String>,
) -> String {
    let file = quoted(&asked.file.path.to_string_lossy());
    let claim = quoted(claim);
    let mut words = vec![format!(
        "ninefold verify {file} --claim {claim} --trials {trials} --seed {seed}"
    )];
    words.extend(more);
    words.extend(asked.rate.map(|rate| format!("--rate {rate}")));
    words.join(" ")
}

/// POSIX shell quoting: single quotes, with those inside taken out of them.
fn quoted(text: &str) -> String {
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
