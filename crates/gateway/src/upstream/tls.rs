//! TLS towards endpoints: whom to believe, and who we are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ninefold_config::model::{Service, ServiceKind, ServiceProtocol, ServiceTls};
use ninefold_core::address::Address;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificate::{CertificateError, Stamp, read_certificates, read_key, stamp};
use crate::fleet::Endpoint;
use crate::socket::Socket;

/// How one service's endpoints are spoken to. Its files are read again when they change.
#[derive(Debug)]
pub(crate) struct UpstreamTls {
    files: ServiceTls,
    folder: PathBuf,
    http2: bool,
    names: Names,
    current: ArcSwap<Loaded>,
}

/// Whose certificate is expected.
#[derive(Debug)]
enum Names {
    /// The same of every endpoint.
    One(ServerName<'static>),
    /// The host that the file gives, by ordinal; of others their address.
    Hosts(Vec<Option<ServerName<'static>>>),
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ClientConfig>,
    stamp: Vec<Stamp>,
}

impl UpstreamTls {
    /// Reads what `service` needs, if it is spoken to by TLS; relative paths are relative to
    /// `folder`.
    pub(crate) fn load(
        service: &Service,
        folder: &Path,
    ) -> Result<Option<Arc<Self>>, CertificateError> {
        let Some(files) = service.tls.clone() else {
            return Ok(None);
        };
        let http2 = service.protocol == ServiceProtocol::Http2;
        Ok(Some(Arc::new(Self {
            names: Names::new(service, &files),
            current: ArcSwap::from_pointee(read(&files, folder, http2)?),
            folder: folder.to_owned(),
            files,
            http2,
        })))
    }

    /// Reads again what changed on disk. What cannot be used is logged and the old one kept.
    pub(crate) fn reload(&self) {
        let stamp = stamps(&self.files, &self.folder);
        let current = self.current.load();
        if current.stamp == stamp {
            return;
        }
        let config = match read(&self.files, &self.folder, self.http2) {
            Ok(loaded) => {
                tracing::info!("certificates towards endpoints read again");
                loaded.config
            }
            Err(error) => {
                tracing::error!(%error, "the new certificates cannot be used, the old ones are kept");
                Arc::clone(&current.config)
            }
        };
        // The same broken files are not tried, and logged, every second.
        self.current.store(Arc::new(Loaded { config, stamp }));
    }

    /// Who is believed, and who is expected there; nothing if nobody could be.
    pub(crate) fn identity(
        &self,
        ordinal: u32,
        host: Option<&str>,
        address: &Address,
    ) -> Option<(TlsConnector, ServerName<'static>)> {
        let config = Arc::clone(&self.current.load().config);
        let by_address = || Some(ServerName::IpAddress(address.tcp()?.ip().into()));
        let name = self.names.of(ordinal, host).or_else(by_address)?;
        Some((TlsConnector::from(config), name))
    }

    /// Shakes hands with an endpoint.
    ///
    /// # Errors
    ///
    /// The endpoint is not who it should be, does not believe us, or speaks something else.
    pub(super) async fn connect(
        &self,
        endpoint: &Endpoint,
        stream: Socket,
    ) -> io::Result<TlsStream<Socket>> {
        let ordinal = endpoint.instance.ordinal;
        let identity = self.identity(ordinal, endpoint.host.as_deref(), &endpoint.address);
        let Some((connector, name)) = identity else {
            return Err(io::Error::other("a Unix socket has no name to verify"));
        };
        let stream = connector.connect(name, stream).await?;
        let spoken = stream.get_ref().1.alpn_protocol();
        if self.http2 && spoken != Some(b"h2") {
            return Err(io::Error::other("the endpoint does not speak HTTP/2"));
        }
        Ok(stream)
    }
}

impl Names {
    fn new(service: &Service, files: &ServiceTls) -> Self {
        let name = files.server_name.clone();
        if let Some(name) = name.and_then(|name| ServerName::try_from(name).ok()) {
            return Self::One(name);
        }
        let ServiceKind::External(external) = &service.kind else {
            return Self::Hosts(Vec::new());
        };
        let hosts = external.endpoints.iter().map(|endpoint| {
            if Address::means_unix(&endpoint.address) {
                return None;
            }
            let (host, _port) = endpoint.address.rsplit_once(':')?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            ServerName::try_from(host.to_owned()).ok()
        });
        Self::Hosts(hosts.collect())
    }

    fn of(&self, ordinal: u32, host: Option<&str>) -> Option<ServerName<'static>> {
        match (self, host) {
            (Self::One(name), _) => Some(name.clone()),
            (Self::Hosts(_), Some(host)) => ServerName::try_from(host.to_owned()).ok(),
            (Self::Hosts(hosts), None) => hosts.get(usize::try_from(ordinal).ok()?)?.clone(),
        }
    }
}

fn paths<'a>(files: &'a ServiceTls, folder: &Path) -> impl Iterator<Item = PathBuf> + use<'a> {
    let folder = folder.to_owned();
    [&files.ca, &files.certificate, &files.key]
        .into_iter()
        .flatten()
        .map(move |path| folder.join(path))
}

fn stamps(files: &ServiceTls, folder: &Path) -> Vec<Stamp> {
    paths(files, folder).map(|path| stamp(&path)).collect()
}

fn read(files: &ServiceTls, folder: &Path, http2: bool) -> Result<Loaded, CertificateError> {
    let stamp = stamps(files, folder);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(CertificateError::Setup)?
        .with_root_certificates(roots(files.ca.as_deref(), folder)?);
    let mut config = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let certificate = folder.join(certificate);
            let chain = read_certificates(&certificate)?;
            let key = read_key(&folder.join(key))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                CertificateError::Unusable {
                    path: certificate,
                    error,
                }
            })?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![if http2 {
        b"h2".to_vec()
    } else {
        b"http/1.1".to_vec()
    }];
    Ok(Loaded {
        config: Arc::new(config),
        stamp,
    })
}

/// Those of the file, or those that this host believes.
fn roots(ca: Option<&Path>, folder: &Path) -> Result<RootCertStore, CertificateError> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        let path = folder.join(ca);
        for certificate in read_certificates(&path)? {
            roots
                .add(certificate)
                .map_err(|error| CertificateError::Unusable {
                    path: path.clone(),
                    error,
                })?;
        }
        return Ok(roots);
    }
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        return Err(CertificateError::NoRoots);
    }
    Ok(roots)
}
