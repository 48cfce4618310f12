//! What is asked for, against what the file has and what can be done.

use ninefold_config::model::{Claim, File};
use ninefold_config::nearest;

use super::options::TRIALS_MAX;
use super::{VerifyError, VerifyOptions};
use crate::load::Plan;

/// An error names so many of the file's claims at most.
const CLAIMS_NAMED_MAX: usize = 20;

/// Looks whether [`verify`](super::verify()) would accept the options, without a system: whoever has
/// to start one asks this before.
///
/// # Errors
///
/// Wrong usage, as `verify` would say it.
pub fn check(options: &VerifyOptions) -> Result<(), VerifyError> {
    chosen(&options.asked()).map(drop)
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) file: &'a File,
    /// By name; empty: all.
    pub(crate) claims: &'a [String],
    pub(crate) trials: u32,
    pub(crate) rate: Option<f64>,
}

/// The claims to try.
pub(crate) fn chosen(asked: &Asked<'_>) -> Result<Vec<Claim>, VerifyError> {
    let all = &asked.file.claims;
    if all.is_empty() {
        return Err(VerifyError::NoClaims);
    }
    if asked.trials == 0 || asked.trials > TRIALS_MAX {
        return Err(VerifyError::Trials(asked.trials));
    }
    if let Some(rate) = asked.rate
        && !(rate > 0.0 && rate <= Plan::RATE_MAX)
    {
        return Err(VerifyError::Rate(rate));
    }
    for name in asked.claims {
        if !all.iter().any(|claim| claim.name == *name) {
            return Err(VerifyError::UnknownClaim {
                asked: name.clone(),
                known: known(name, all),
            });
        }
    }
    let wanted = |claim: &&Claim| asked.claims.is_empty() || asked.claims.contains(&claim.name);
    Ok(all.iter().filter(wanted).cloned().collect())
}

/// What might have been meant, and what there is.
fn known(asked: &str, all: &[Claim]) -> String {
    let near = nearest(asked, all.iter().map(|claim| &*claim.name))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let shown: String = all
        .iter()
        .take(CLAIMS_NAMED_MAX)
        .map(|claim| format!("\n  {}", claim.name))
        .collect();
    let more = match all.len().saturating_sub(CLAIMS_NAMED_MAX) {
        0 => String::new(),
        more => format!("\n  … and {more} more"),
    };
    format!("{near}\nIts claims are:{shown}{more}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn options(claims: usize, asked: &str) -> VerifyOptions {
        let mut text = "[service.web]\nrun = [\"x\", \"{address}\"]\nreplicas = 2\n\
             [[listener]]\naddress = \"127.0.0.1:0\"\n\
             [[listener.route]]\npath = \"/\"\nservice = \"web\"\n\
             [slo.web]\nroute = \"/\"\navailability = \"99.9%\"\n"
            .to_owned();
        for n in 1..=claims {
            text.push_str(&format!(
                "[[claim]]\nname = \"web may die {n}\"\nslo = \"web\"\nsurvive = {{ instances = 1 }}\navailable = \"99%\"\n"
            ));
        }
        let outcome = ninefold_config::parse(&text, std::path::Path::new("/x/ninefold.toml"));
        let file = outcome
            .file
            .clone()
            .unwrap_or_else(|| panic!("{}", ninefold_config::render(&outcome)));
        VerifyOptions {
            claims: vec![asked.to_owned()],
            ..VerifyOptions::new(Arc::new(file), "/x".into(), Vec::new())
        }
    }

    #[test]
    fn an_unknown_claim_is_answered_with_those_there_are() {
        let error = check(&options(2, "web may dye 2")).unwrap_err().to_string();
        assert_eq!(
            error,
            "the file has no claim named `web may dye 2`; did you mean `web may die 2`?\n\
             Its claims are:\n  web may die 1\n  web may die 2"
        );
        let error = check(&options(1, "zones")).unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
        assert!(error.contains("web may die 1"), "{error}");
    }

    #[test]
    fn many_claims_are_cut_short_and_the_cut_is_said() {
        let error = check(&options(23, "x")).unwrap_err().to_string();
        assert!(error.ends_with("web may die 20\n  … and 3 more"), "{error}");
        assert!(check(&options(23, "web may die 23")).is_ok());
    }
}
