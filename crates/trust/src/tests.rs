//! Members, strangers and those between, over TLS.

use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};

use crate::authority::{Authority, Issued, generate_key};
use crate::clock::now;
use crate::folder::SecretsFolder;
use crate::identity::{Identity, IdentityError, Who};
use crate::name::ClusterName;
use crate::seal::{GossipKey, KeyRing};
use crate::tls;

struct Made {
    authority: Authority,
    keys: KeyRing,
}

impl Made {
    fn new(cluster: &str) -> Self {
        Self {
            authority: Authority::make(&cluster.parse().unwrap(), now()).unwrap(),
            keys: KeyRing::new(GossipKey::generate().unwrap()),
        }
    }

    fn node(&self, name: &str, at: Timestamp) -> Identity {
        let cluster = self.authority.cluster().clone();
        let address = "127.0.0.1:7946".parse().unwrap();
        let who = Who::new(cluster, name.parse().unwrap(), address, Vec::new());
        Identity::make(&self.authority, who, self.keys.clone(), at).unwrap()
    }
}

/// A handshake, the finished messages and all, without a network.
fn meet(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    host: &str,
) -> Result<(), rustls::Error> {
    let mut client = ClientConnection::new(client, tls::server_name(host).unwrap())?;
    let mut server = ServerConnection::new(server)?;
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

fn both(from: &Identity, to: &Identity, host: &str) -> Result<(), rustls::Error> {
    meet(
        from.client_config().unwrap(),
        to.server_config().unwrap(),
        host,
    )
}

#[test]
fn members_meet_and_nobody_else_does() {
    for name in ["shop", "a_b-c", &"x".repeat(63)] {
        let made = Made::new(name);
        let (one, two) = (made.node("n1", now()), made.node("n2", now()));
        let host = format!("n2.{name}.ninefold");
        assert_eq!(both(&one, &two, &host), Ok(()), "{name}");
        // Another node's name, or the name of who answers joins.
        for wrong in ["n3", "join"] {
            let host = format!("{wrong}.{name}.ninefold");
            assert!(both(&one, &two, &host).is_err(), "{host}");
        }
    }
    let (ours, theirs) = (Made::new("shop"), Made::new("shop"));
    let (one, two) = (ours.node("n1", now()), ours.node("n2", now()));
    let stranger = theirs.node("n1", now());
    assert!(both(&stranger, &two, "n2.shop.ninefold").is_err());
    assert!(both(&one, &theirs.node("n2", now()), "n2.shop.ninefold").is_err());
}

#[test]
fn who_shows_no_certificate_is_not_let_in() {
    let made = Made::new("shop");
    let two = made.node("n2", now());
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(tls::certificate(&two.authority).unwrap())
        .unwrap();
    let silent = ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let met = meet(
        Arc::new(silent),
        two.server_config().unwrap(),
        "n2.shop.ninefold",
    );
    assert_eq!(met, Err(rustls::Error::NoCertificatesPresented));
}

#[test]
fn a_certificate_is_good_for_a_year_and_not_before_it_was_made() {
    let made = Made::new("shop");
    let day = Duration::from_secs(24 * 60 * 60);
    let node = made.node("n1", now());
    assert_eq!(node.check(now()), Ok(()));
    assert_eq!(node.check(now() + day * 364), Ok(()));
    for wrong in [now() + day * 366, now() - day] {
        let refused = node.check(wrong).unwrap_err().to_string();
        assert!(refused.contains("certificate"), "{refused}");
    }
}

#[test]
fn the_authority_vouches_for_its_own_names_only() {
    let made = Made::new("shop");
    // Signed by shop's key, for a node of another cluster.
    let other: ClusterName = "site".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = SecretsFolder::at(&folder.path().join("x"));
    made.authority.save(&folder).unwrap();
    let refused = Authority::load(&folder, &other, now()).unwrap_err();
    assert!(refused.to_string().contains("does not fit"), "{refused}");
    let key = generate_key().unwrap();
    let issued = Issued {
        certificate: made
            .authority
            .sign_node(&"n1".parse().unwrap(), &key, now())
            .unwrap(),
        key: key.serialize_pem(),
    };
    let check = |host| tls::check(made.authority.certificate(), &issued, host, now());
    assert_eq!(check("n1.shop.ninefold"), Ok(()));
    assert!(check("n1.site.ninefold").is_err());
    // Nor is the certificate that it answers joins with one of a node.
    let join = made.authority.join_certificate(now()).unwrap();
    let server = tls::join_server(made.authority.certificate(), &join).unwrap();
    let client = made.node("n1", now()).client_config().unwrap();
    let met = meet(client, Arc::new(server), "n2.shop.ninefold");
    assert!(met.is_err());
}

#[test]
fn what_is_saved_is_read_and_what_does_not_belong_together_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let folder = SecretsFolder::of_state(state.path());
    let made = Made::new("shop");
    assert!(Identity::load(&folder, now()).unwrap().is_none());
    assert!(!Identity::exists(&folder));
    let node = made.node("n1", now());
    node.save(&folder).unwrap();
    assert!(Identity::exists(&folder));
    let read = Identity::load(&folder, now()).unwrap().unwrap();
    assert_eq!(read.who, node.who);
    assert_eq!(read.keys, node.keys);
    assert_eq!(read.server_config().is_ok(), read.client_config().is_ok());

    let cluster = made.authority.cluster().clone();
    assert!(Authority::load(&folder, &cluster, now()).unwrap().is_none());
    made.authority.save(&folder).unwrap();
    assert!(Authority::load(&folder, &cluster, now()).unwrap().is_some());

    let stranger = Made::new("shop").node("n1", now());
    for (file, text) in [
        ("node.key", stranger.key.as_str()),
        ("node.pem", &stranger.certificate),
        ("ca.pem", &stranger.authority),
    ] {
        folder.write(file, text).unwrap();
        let refused = Identity::load(&folder, now()).unwrap_err();
        assert!(
            matches!(refused, IdentityError::Certificate { .. }),
            "{refused}"
        );
        node.save(&folder).unwrap();
    }
    folder.write("ca.pem", &stranger.authority).unwrap();
    assert!(Authority::load(&folder, &cluster, now()).is_err());
    node.save(&folder).unwrap();
    for (file, text) in [
        ("identity.json", "{}"),
        ("keys.json", "{\"version\":2,\"keys\":[]}"),
    ] {
        folder.write(file, text).unwrap();
        let refused = Identity::load(&folder, now()).unwrap_err();
        assert!(refused.to_string().contains(file), "{refused}");
        node.save(&folder).unwrap();
    }
    let shown = format!("{node:?} {:?}", made.authority);
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
