//! Where a proxy stands.

use std::path::Path;

/// The ports of one proxy, and its files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Plain text.
    pub(super) listen: u16,
    /// TLS, with HTTP/2 for who asks for it.
    pub(super) tls: u16,
    /// Of the backend, in plain text.
    pub(super) backend: u16,
    /// The bench's folder.
    pub(super) folder: &'a Path,
}

impl Place<'_> {
    /// A file in the folder, as a text.
    pub(super) fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// The certificate, its key, and both in one, as HAProxy wants it.
pub(super) const CERTIFICATE: &str = "certificate.pem";
pub(super) const KEY: &str = "key.pem";
pub(super) const BOTH: &str = "both.pem";
