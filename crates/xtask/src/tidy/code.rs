//! A Rust source seen without its comments and texts, or by its comments alone.
//!
//! Enough of a lexer for rules that search for words: every character that is not wanted becomes a
//! space, and lines stay where they are.

/// What a piece of a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

/// The code: without comments and without what stands between quotes.
pub(crate) fn code(source: &str) -> String {
    only(source, Kind::Code)
}

/// The comments.
pub(crate) fn comments(source: &str) -> String {
    only(source, Kind::Comment)
}

fn only(source: &str, wanted: Kind) -> String {
    let mut kept = String::with_capacity(source.len());
    let mut rest = source;
    // Whether the character before belongs to a word: `br"` begins a text, `attr"` does not.
    let mut in_word = false;
    while !rest.is_empty() {
        let (kind, length) = piece(rest, in_word);
        let (here, after) = rest.split_at(length);
        in_word = here
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        for c in here.chars() {
            kept.push(if kind == wanted || c == '\n' { c } else { ' ' });
        }
        rest = after;
    }
    kept
}

/// The kind and the length in bytes of the piece that a non-empty text begins with.
fn piece(text: &str, in_word: bool) -> (Kind, usize) {
    if text.starts_with("//") {
        return (Kind::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Kind::Comment, block_comment(text));
    }
    if !in_word && let Some(length) = raw_text(text) {
        return (Kind::Text, length);
    }
    if text.starts_with('"') {
        return (Kind::Text, quoted(text, '"'));
    }
    if text.starts_with('\'') && is_character(text) {
        return (Kind::Text, quoted(text, '\''));
    }
    (Kind::Code, text.chars().next().map_or(1, char::len_utf8))
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0u32, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#`, and the same after `b` or `c`.
fn raw_text(text: &str) -> Option<usize> {
    let after_prefix = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let after_r = after_prefix.strip_prefix('r')?;
    let body = after_r.trim_start_matches('#');
    let hashes = after_r.len() - body.len();
    let body = body.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(text.len() - body.len() + length)
}

/// From a quote to the same quote that no backslash precedes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Tells `'a'` from the lifetime `'a`.
fn is_character(text: &str) -> bool {
    let mut characters = text.chars().skip(1);
    matches!(
        (characters.next(), characters.next()),
        (Some('\\'), _) | (Some(_), Some('\''))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn splits(source: &str, expected_code: &str, expected_comments: &str) {
        let squeeze = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(code(source)), expected_code);
        assert_eq!(squeeze(comments(source)), expected_comments);
        assert_eq!(code(source).lines().count(), source.lines().count());
    }

    #[test]
    fn tells_code_from_comments_and_texts() {
        splits("let a = 1; // one", "let a = 1;", "// one");
        splits("a /* x /* y */ z */ b", "a b", "/* x /* y */ z */");
        splits(r#"f("// no", 'x') // yes"#, "f( , )", "// yes");
        splits(r##"f(r#"a " b"#, br"c") g"##, "f( , ) g", "");
        splits(r#"f("a \" // b") g"#, "f( ) g", "");
        splits(
            "fn f<'a>(x: &'a str) -> char { '\"' }",
            "fn f<'a>(x: &'a str) -> char { }",
            "",
        );
        splits(r"let q = ['\'', '\\', '/']; x", "let q = [ , , ]; x", "");
        splits("\"a\nb\"\nc // d\n", "c", "// d");
        splits("let s = \"never closed", "let s =", "");
    }
}
