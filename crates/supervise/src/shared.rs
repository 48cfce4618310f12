//! What all drivers of one supervisor have in common.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;

use crate::launch::Ports;
use crate::probe::{Identity, ProbeTls};
use crate::registry::Registry;
use crate::report::{Recorder, Reporter};

/// Handles; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) state: PathBuf,
    pub(crate) keeper: Arc<[OsString]>,
    pub(crate) ports: Arc<Ports>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) reporter: Reporter,
    pub(crate) journal: Arc<dyn Recorder>,
    pub(crate) tls: Option<Arc<dyn ProbeTls>>,
}

impl Shared {
    /// How probes of an instance speak TLS, where they do.
    pub(crate) fn identity(
        &self,
        instance: &InstanceId,
        host: Option<Arc<str>>,
    ) -> Option<Identity> {
        Some(Identity {
            tls: Arc::clone(self.tls.as_ref()?),
            instance: instance.clone(),
            host,
        })
    }

    /// Writes something to the journal that fits no other event.
    pub(crate) fn notice(&self, text: String) {
        self.journal.record(EventKind::Notice { text });
    }
}
