//! Becoming a node.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use rcgen::{KeyPair, PublicKeyData};
use rustls::CertificateError;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::message::{ANSWER_MAX, Admitted, Answer, Bytes, Refusal, Request, VERSION, line, read};
use super::pinned;
use super::proof::{Binding, LABEL, sign};
use crate::authority::{AuthorityError, fingerprint, generate_key};
use crate::clock::now;
use crate::identity::{Identity, Who};
use crate::local::PORT;
use crate::name::{ClusterName, NodeName};
use crate::tls::{self, TlsError};
use crate::token::{Token, TokenError};

/// A join takes so long at most, looking up the address included.
const JOIN_WAIT_MAX: Duration = Duration::from_secs(15);

/// This host did not become a node. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nobody is there.
    #[error(
        "{address} cannot be reached: {source}; is `ninefold up` running there, and is this the address that `ninefold init` said?"
    )]
    Connect {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else is there.
    #[error(
        "{address} is not of the cluster `{cluster}` that the token is for, and was told nothing; look at the address, or take a token of that cluster: {detail}"
    )]
    Stranger {
        /// Where.
        address: String,
        /// The token's cluster.
        cluster: ClusterName,
        /// What TLS said.
        detail: String,
    },
    /// The clocks differ too much.
    #[error(
        "the certificate of {address} is not in force by this host's clock, which says {now}: look at the clocks of both hosts"
    )]
    Clock {
        /// Where.
        address: String,
        /// What the clock says.
        now: Timestamp,
    },
    /// It does not talk as it should.
    #[error(
        "{address} did not answer as who answers joins does: {detail}; is it the address that `ninefold init` said?"
    )]
    Answer {
        /// Where.
        address: String,
        /// What was wrong.
        detail: String,
    },
    /// It was refused.
    #[error("{address} refused: {refusal}")]
    Refused {
        /// Who.
        address: String,
        /// Why.
        refusal: Refusal,
    },
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] AuthorityError),
}

/// Asks the node at `address` (`host:port`) to admit this host as `node`. The identity is not saved.
///
/// # Errors
/// When it is not admitted; nothing was written then. A token that was used while its answer got lost is used.
pub async fn join(address: &str, token: &Token, node: &NodeName) -> Result<Identity, JoinError> {
    token.check(token.cluster(), now())?;
    let asked = Asked {
        address,
        token,
        node,
        key: generate_key()?,
    };
    let joined = timeout(JOIN_WAIT_MAX, asked.run()).await;
    joined.map_err(|_elapsed| JoinError::Connect {
        address: address.to_owned(),
        source: io::ErrorKind::TimedOut.into(),
    })?
}

struct Asked<'a> {
    address: &'a str,
    token: &'a Token,
    node: &'a NodeName,
    key: KeyPair,
}

impl Asked<'_> {
    async fn run(self) -> Result<Identity, JoinError> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.map_err(|source| JoinError::Connect {
            address: self.address.to_owned(),
            source,
        })?;
        let local = stream.local_addr().map_err(|error| self.answer(&error))?;
        let admitted = self.talk(stream).await?;
        self.identity(admitted, SocketAddr::new(local.ip(), PORT))
    }

    async fn talk(&self, stream: TcpStream) -> Result<Admitted, JoinError> {
        let setup = |error: TlsError| self.answer(&error);
        let config = pinned::client_config(self.token.authority).map_err(setup)?;
        let host = tls::server_name(&self.token.cluster.join_host()).map_err(setup)?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(host, stream)
            .await
            .map_err(|error| self.handshake(&error))?;
        let (_, connection) = stream.get_ref();
        let binding = connection.export_keying_material(Binding::default(), LABEL, None);
        let request = self.request(&binding.map_err(|error| self.answer(&error))?)?;
        let request = line(&request).map_err(|error| self.answer(&error))?;
        let mut stream = BufReader::new(stream);
        stream
            .write_all(&request)
            .await
            .map_err(|error| self.answer(&error))?;
        match read::<Answer>(&mut stream, ANSWER_MAX).await {
            Ok(Answer::Admitted(admitted)) => Ok(admitted),
            Ok(Answer::Refused(refusal)) => Err(JoinError::Refused {
                address: self.address.to_owned(),
                refusal,
            }),
            Err(detail) => Err(self.answer(&detail)),
        }
    }

    fn request(&self, binding: &Binding) -> Result<Request, JoinError> {
        let cluster = self.token.cluster.to_string();
        let proof = sign(&self.key, binding, &cluster, self.node);
        Ok(Request {
            version: VERSION,
            secret: Bytes(self.token.secret.to_vec()),
            node: self.node.to_string(),
            key: Bytes(self.key.der_bytes().to_vec()),
            proof: Bytes(proof.map_err(AuthorityError::from)?),
            cluster,
        })
    }

    /// What was answered has to be what was asked for, whoever answered.
    fn identity(&self, admitted: Admitted, address: SocketAddr) -> Result<Identity, JoinError> {
        if fingerprint(&admitted.authority) != Some(self.token.authority) {
            return Err(self.answer(&"another authority than the token's"));
        }
        let cluster = self.token.cluster.clone();
        let identity = Identity {
            who: Who::new(cluster, self.node.clone(), address, admitted.seeds),
            authority: admitted.authority,
            certificate: admitted.certificate,
            key: self.key.serialize_pem(),
            keys: admitted.keys,
        };
        let checked = identity.check(now());
        checked.map_err(|error| self.answer(&format!("a certificate that is no use: {error}")))?;
        Ok(identity)
    }

    fn handshake(&self, error: &io::Error) -> JoinError {
        let said = error.get_ref().and_then(|said| said.downcast_ref());
        match said {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            )) => JoinError::Clock {
                address: self.address.to_owned(),
                now: now(),
            },
            Some(rustls::Error::InvalidCertificate(_)) => JoinError::Stranger {
                address: self.address.to_owned(),
                cluster: self.token.cluster.clone(),
                detail: error.to_string(),
            },
            _ => self.answer(error),
        }
    }

    fn answer(&self, detail: &dyn std::fmt::Display) -> JoinError {
        JoinError::Answer {
            address: self.address.to_owned(),
            detail: detail.to_string(),
        }
    }
}
