//! What this node shows to others, and whom it believes: replaced when its certificate is renewed, for connections that
//! begin after that.

use std::io;
use std::sync::{Arc, Mutex};

use ninefold_trust::{Identity, TlsError, renew, rotation};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::sync;
use crate::lock::lock;

/// The newest. Clones share it.
#[derive(Clone)]
pub(super) struct Credentials(Arc<Mutex<Arc<Shown>>>);

/// What is shown on a connection that begins now.
pub(super) struct Shown {
    pub(super) identity: Identity,
    /// For all that comes.
    pub(super) acceptor: TlsAcceptor,
    /// For lifelines, for states, and to have a certificate renewed.
    pub(super) lines: TlsConnector,
    pub(super) states: TlsConnector,
    pub(super) renewals: TlsConnector,
    /// To be given newer keys.
    pub(super) keys: TlsConnector,
}

impl Credentials {
    /// # Errors
    /// When the identity is of no use.
    pub(super) fn new(identity: Identity) -> io::Result<Self> {
        let shown = Shown::new(identity)?;
        Ok(Self(Arc::new(Mutex::new(Arc::new(shown)))))
    }

    pub(super) fn shown(&self) -> Arc<Shown> {
        Arc::clone(&lock(&self.0))
    }

    /// From now on this is shown.
    ///
    /// # Errors
    /// When the identity is of no use; the one before is shown on then.
    pub(super) fn replace(&self, identity: Identity) -> io::Result<()> {
        let shown = Shown::new(identity)?;
        *lock(&self.0) = Arc::new(shown);
        Ok(())
    }
}

impl Shown {
    fn new(identity: Identity) -> io::Result<Self> {
        let refused = |error: TlsError| io::Error::other(error);
        let mut server = (*identity.server_config().map_err(refused)?).clone();
        server.alpn_protocols = vec![
            sync::PROTOCOL.to_vec(),
            renew::PROTOCOL.to_vec(),
            rotation::PROTOCOL.to_vec(),
        ];
        let client = identity.client_config().map_err(refused)?;
        let speaks = |protocol: &[u8]| {
            let mut config = (*client).clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            states: speaks(sync::PROTOCOL),
            renewals: speaks(renew::PROTOCOL),
            keys: speaks(rotation::PROTOCOL),
            lines: TlsConnector::from(client),
            identity,
        })
    }
}
