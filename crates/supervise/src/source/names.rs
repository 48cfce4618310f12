//! Looks names up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use ninefold_config::model::{Endpoint, Source, SourceKind};
use ninefold_core::srv::{SrvTarget, ask_again, shares};
use tokio::task::JoinSet;

use super::lookup::{Found, Look};

/// Targets of one name's SRV records that are looked at.
const TARGETS_MAX: usize = 256;
/// Targets that are looked up at once.
const LOOKUPS_MAX: usize = 16;
/// Addresses of one host that are looked at.
const ADDRESSES_MAX: usize = 1_024;
/// A try of one question; there are two.
const QUESTION_MAX: Duration = Duration::from_secs(2);

/// A name, and what was found for the targets of its SRV records.
#[derive(Debug)]
pub(super) struct Names {
    kind: Kind,
    nameserver: Option<SocketAddr>,
    min: Duration,
    max: Duration,
    /// By host: one that cannot be looked up stays where it was.
    known: BTreeMap<String, Vec<IpAddr>>,
}

#[derive(Clone, Debug)]
enum Kind {
    Host(String, u16),
    Service(String),
}

/// Addresses, and how long they live.
type Answer = (Vec<IpAddr>, Duration);

impl Names {
    /// `before`: who was found last, maybe before a restart.
    pub(super) fn new<'a>(source: &Source, before: impl Iterator<Item = &'a Found>) -> Self {
        let mut known: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
        for found in before {
            let address = found.endpoint.address.parse::<SocketAddr>().ok();
            if let Some((host, address)) = found.host.as_deref().zip(address) {
                let known = known.entry(host.to_owned()).or_default();
                if !known.contains(&address.ip()) {
                    known.push(address.ip());
                }
            }
        }
        Self {
            kind: match &source.kind {
                SourceKind::Srv(name) => Kind::Service(name.clone()),
                SourceKind::Dns(name) => {
                    let (host, port) = name.rsplit_once(':').unwrap_or((name, ""));
                    let host = host.trim_start_matches('[').trim_end_matches(']');
                    Kind::Host(host.to_owned(), port.parse().unwrap_or_default())
                }
                // It is never looked up.
                SourceKind::File(_) => Kind::Service(String::new()),
            },
            nameserver: source.nameserver,
            min: source.min_ttl.0,
            max: source.every.0,
            known,
        }
    }

    pub(super) async fn look(&mut self) -> Result<Look, String> {
        match self.kind.clone() {
            Kind::Host(host, port) => {
                let (addresses, ttl) = addresses(&host, self.nameserver).await?;
                let host: Arc<str> = host.into();
                let found = |ip| one(&host, SocketAddr::new(ip, port), 1, false);
                Ok(Look {
                    found: Some(addresses.into_iter().map(found).collect()),
                    problem: None,
                    again: ask_again(ttl, self.min, self.max),
                })
            }
            Kind::Service(name) => self.service(&name).await,
        }
    }

    async fn service(&mut self, name: &str) -> Result<Look, String> {
        let resolver = resolver(self.nameserver, LookupIpStrategy::Ipv4Only)?;
        let answer = resolver.lookup(name, RecordType::SRV).await;
        let answer = answer.map_err(|error| said(name, &error))?;
        let mut ttl = Duration::MAX;
        let mut targets = Vec::new();
        for record in answer.answers() {
            let RData::SRV(srv) = &record.data else {
                continue;
            };
            ttl = ttl.min(Duration::from_secs(record.ttl.into()));
            let host = srv.target.to_utf8().trim_end_matches('.').to_owned();
            // A target of `.` says that there is no such service.
            if !host.is_empty() && srv.port != 0 && targets.len() < TARGETS_MAX {
                targets.push((srv.priority, srv.weight, srv.port, host));
            }
        }
        if targets.is_empty() {
            return Err(format!("{name}: nobody is there"));
        }
        let mut problem = None;
        let mut known = BTreeMap::new();
        let hosts: BTreeSet<String> = targets.iter().map(|(.., host)| host.clone()).collect();
        for (host, found) in look_up(hosts, self.nameserver).await {
            let addresses = match found {
                Ok((addresses, lives)) => {
                    ttl = ttl.min(lives);
                    addresses
                }
                Err(error) => {
                    problem = Some(error);
                    ttl = ttl.min(self.min);
                    self.known.remove(&host).unwrap_or_default()
                }
            };
            known.insert(host, addresses);
        }
        self.known = known;
        let of = |host: &String| self.known.get(host).map_or(&[][..], Vec::as_slice);
        let sizes = targets.iter();
        let sizes: Vec<SrvTarget> = sizes
            .map(|(priority, weight, _, host)| (*priority, *weight, of(host).len()))
            .collect();
        let mut found = Vec::new();
        for ((.., port, host), share) in targets.iter().zip(shares(&sizes)) {
            let name: Arc<str> = host.as_str().into();
            let each = |ip: &IpAddr| {
                let address = SocketAddr::new(*ip, *port);
                one(&name, address, share.weight, share.backup)
            };
            found.extend(of(host).iter().map(each));
        }
        if found.is_empty() {
            return Err(problem.unwrap_or_else(|| format!("{name}: nobody is there")));
        }
        Ok(Look {
            found: Some(found),
            problem,
            again: ask_again(ttl, self.min, self.max),
        })
    }
}

/// The addresses of all hosts, some of them at once: one whose name server is silent must not keep the
/// others waiting.
async fn look_up(
    hosts: BTreeSet<String>,
    nameserver: Option<SocketAddr>,
) -> BTreeMap<String, Result<Answer, String>> {
    let mut found = BTreeMap::new();
    let mut asking = JoinSet::new();
    for host in hosts {
        if asking.len() >= LOOKUPS_MAX
            && let Some(Ok((host, answer))) = asking.join_next().await
        {
            found.insert(host, answer);
        }
        asking.spawn(async move {
            let answer = addresses(&host, nameserver).await;
            (host, answer)
        });
    }
    while let Some(asked) = asking.join_next().await {
        if let Ok((host, answer)) = asked {
            found.insert(host, answer);
        }
    }
    found
}

/// The IPv4 addresses of a host; its IPv6 addresses only where it certainly has no other.
async fn addresses(host: &str, nameserver: Option<SocketAddr>) -> Result<Answer, String> {
    for strategy in [LookupIpStrategy::Ipv4Only, LookupIpStrategy::Ipv6Only] {
        let answer = resolver(nameserver, strategy)?.lookup_ip(host).await;
        match answer {
            Ok(answer) => {
                let records = answer.as_lookup().answers().iter();
                let ttl = records.map(|record| record.ttl).min().unwrap_or_default();
                let addresses: Vec<IpAddr> = answer.iter().take(ADDRESSES_MAX).collect();
                if !addresses.is_empty() {
                    return Ok((addresses, Duration::from_secs(ttl.into())));
                }
            }
            Err(error) if error.is_no_records_found() && !error.is_nx_domain() => {}
            Err(error) => return Err(said(host, &error)),
        }
    }
    Err(format!("{host}: it has no address"))
}

/// A resolver without a memory, by the system's file as it is now.
fn resolver(
    nameserver: Option<SocketAddr>,
    strategy: LookupIpStrategy,
) -> Result<TokioResolver, String> {
    let builder = match nameserver {
        None => TokioResolver::builder_tokio(),
        Some(address) => {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut server.connections {
                connection.port = address.port();
            }
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            let provider = TokioRuntimeProvider::default();
            Ok(TokioResolver::builder_with_config(config, provider))
        }
    };
    let mut builder = builder.map_err(|error| format!("no resolver: {error}"))?;
    let options = builder.options_mut();
    options.ip_strategy = strategy;
    options.cache_size = 0;
    options.timeout = QUESTION_MAX;
    options.attempts = 1;
    builder
        .build()
        .map_err(|error| format!("no resolver: {error}"))
}

fn one(host: &Arc<str>, address: SocketAddr, weight: u32, backup: bool) -> Found {
    Found {
        endpoint: Endpoint {
            address: address.to_string(),
            zone: None,
            weight,
            backup,
        },
        host: Some(Arc::clone(host)),
    }
}

fn said(name: &str, error: &NetError) -> String {
    let why = match error {
        error if error.is_nx_domain() => "no such name".to_owned(),
        error if error.is_no_records_found() => "it has no such record".to_owned(),
        NetError::Timeout => "the name server does not answer".to_owned(),
        other => other.to_string(),
    };
    format!("{name}: {why}")
}
