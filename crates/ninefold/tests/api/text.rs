//! Sources as text.

use syn::spanned::Spanned;
use syn::{Attribute, Meta};

/// A piece of source on one line, without its attributes and comments.
pub(crate) fn text(of: &impl Spanned) -> String {
    let source = of.span().source_text().unwrap_or_default();
    let lines = source.lines().map(str::trim);
    let kept = lines.filter(|line| !line.starts_with("//") && !line.starts_with("#["));
    let line = kept.collect::<Vec<_>>().join(" ");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    // As on one line, whatever rustfmt made of it.
    line.replace("( ", "(")
        .replace(", )", ")")
        .replace(" )", ")")
        .replace(",)", ")")
        .replace(", }", " }")
        .trim_end_matches(',')
        .to_owned()
        .replace("< ", "<")
        .replace(", >", ">")
}

/// What each `cfg` asks for.
pub(crate) fn cfg(attributes: &[Attribute]) -> Vec<String> {
    lists(attributes, "cfg")
}

/// Whether something is only there for tests.
pub(crate) fn for_tests(attributes: &[Attribute]) -> bool {
    cfg(attributes).iter().any(|cfg| {
        let words: Vec<&str> = cfg.split(|c: char| !c.is_alphanumeric()).collect();
        let plain = !words.contains(&"not");
        plain && (words.contains(&"test") || words.contains(&"loom") || words.contains(&"doctest"))
    })
}

/// What stands in the brackets of attributes of that name.
fn lists(attributes: &[Attribute], name: &str) -> Vec<String> {
    let found = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::List(list) if list.path.is_ident(name) => Some(list.tokens.to_string()),
            _ => None,
        });
    found.collect()
}

/// The features that `cfg` asks for, as a mark.
pub(crate) fn mark(cfg: &[String]) -> String {
    let mut features: Vec<&str> = cfg
        .iter()
        .flat_map(|cfg| cfg.split('"').skip(1).step_by(2))
        .collect();
    features.sort_unstable();
    features.dedup();
    let negated = cfg.iter().any(|cfg| cfg.contains("not ("));
    match (features.is_empty(), negated) {
        (true, _) => String::new(),
        (false, false) => format!(" [{}]", features.join(", ")),
        (false, true) => format!(" [not {}]", features.join(", ")),
    }
}

/// What is derived.
pub(crate) fn derives(attributes: &[Attribute]) -> Vec<String> {
    let all = lists(attributes, "derive").join(",");
    let names = all.split(',').map(|name| name.replace(' ', ""));
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.sort();
    names
}
