//! TLS of probes.

use std::fmt;
use std::io;
use std::sync::Arc;

use ninefold_core::address::Address;
use ninefold_core::id::InstanceId;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::line::Line;

/// How probes speak TLS with instances: as whoever sends them traffic does.
pub trait ProbeTls: fmt::Debug + Send + Sync {
    /// Who is believed, and who is expected at `address`, which was found as `host` if it was; nothing
    /// where the instance's service speaks plain text.
    fn of(
        &self,
        instance: &InstanceId,
        host: Option<&str>,
        address: &Address,
    ) -> Option<(TlsConnector, ServerName<'static>)>;
}

/// Whose probes they are.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) tls: Arc<dyn ProbeTls>,
    pub(crate) instance: InstanceId,
    pub(crate) host: Option<Arc<str>>,
}

impl Identity {
    /// Shakes hands where the service wants it. Asked anew every time: files and settings change.
    pub(super) async fn secure(&self, address: &Address, line: Line) -> io::Result<Line> {
        match self.tls.of(&self.instance, self.host.as_deref(), address) {
            None => Ok(line),
            Some((connector, name)) => {
                let stream = connector.connect(name, line).await?;
                Ok(Box::new(stream))
            }
        }
    }
}
