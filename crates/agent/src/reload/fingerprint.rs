/// A short hash of a file's text, so that a change shows. Not for security.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}
