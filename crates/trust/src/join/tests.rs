//! Joins over loopback.

use std::net::SocketAddr;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use rcgen::PublicKeyData;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::limits::{ADDRESS_JOINS_MAX, FAILURES_MAX};
use super::message::{
    ANSWER_MAX, Answer, Bytes, REQUEST_MAX, ReadError, Request, VERSION, line, read,
};
use super::proof::{Binding, LABEL, sign};
use super::{JoinError, JoinServer, JoinServerError, Member, Refusal, join, pinned};
use crate::authority::{Authority, generate_key};
use crate::clock::now;
use crate::folder::SecretsFolder;
use crate::identity::{Identity, Who};
use crate::rotation::Rotator;
use crate::seal::{GossipKey, KeyRing, Sealer};
use crate::tls;
use crate::token::{Token, TokenError, issue};

const HOUR: Duration = Duration::from_secs(3_600);

struct Cluster {
    _state: tempfile::TempDir,
    folder: SecretsFolder,
    authority: Authority,
    own: Identity,
    address: String,
    server: JoinHandle<Result<(), JoinServerError>>,
}

impl Cluster {
    /// `n1`, which answers joins, and a live member `n7`.
    async fn new(name: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let folder = SecretsFolder::of_state(state.path());
        let authority = Authority::make(&name.parse().unwrap(), now()).unwrap();
        authority.save(&folder).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cluster = authority.cluster().clone();
        let who = Who::new(cluster, "n1".parse().unwrap(), address, Vec::new());
        let keys = KeyRing::new(GossipKey::generate().unwrap());
        let own = Identity::make(&authority, who, keys, now()).unwrap();
        own.save(&folder).unwrap();
        let seven = Member {
            name: "n7".into(),
            gossip: ([10, 0, 0, 7], 7_946).into(),
        };
        let server = JoinServer::load(folder.clone(), move || vec![seven.clone()]);
        let server = server.unwrap().unwrap();
        Self {
            _state: state,
            folder,
            authority,
            own,
            address: address.to_string(),
            server: tokio::spawn(server.serve(listener)),
        }
    }

    fn token(&self, uses: u32) -> Token {
        issue(&self.folder, &self.authority, HOUR, uses, now()).unwrap()
    }

    async fn join(&self, token: &Token, node: &str) -> Result<Identity, JoinError> {
        join(&self.address, token, &node.parse().unwrap()).await
    }

    async fn refused(&self, token: &Token, node: &str) -> Refusal {
        match self.join(token, node).await {
            Err(JoinError::Refused { refusal, .. }) => refusal,
            other => panic!("{other:?}"),
        }
    }

    /// A connection that has shown who it is, with what binds a proof to it.
    async fn connect(&self) -> (TlsStream<TcpStream>, Binding) {
        let hash = self.own.authority().unwrap();
        let config = pinned::client_config(hash).unwrap();
        let name = tls::server_name(&self.authority.cluster().join_host()).unwrap();
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let stream = TlsConnector::from(std::sync::Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        let binding = stream
            .get_ref()
            .1
            .export_keying_material(Binding::default(), LABEL, None)
            .unwrap();
        (stream, binding)
    }

    async fn say(&self, bytes: &[u8]) -> Result<Answer, ReadError> {
        let (mut stream, _) = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read::<Answer>(BufReader::new(stream), ANSWER_MAX).await
    }
}

fn request(token: &Token, binding: &Binding) -> Request {
    let key = generate_key().unwrap();
    Request {
        version: VERSION,
        cluster: "shop".into(),
        secret: Bytes(token.secret.to_vec()),
        node: "n2".into(),
        key: Bytes(key.der_bytes().to_vec()),
        proof: Bytes(sign(&key, binding, "shop", "n2").unwrap()),
    }
}

#[tokio::test]
async fn who_has_a_token_becomes_a_node() {
    let cluster = Cluster::new("shop").await;
    let joined = cluster.join(&cluster.token(1), "n2").await.unwrap();
    assert_eq!(&**joined.node(), "n2");
    let one: SocketAddr = cluster.address.parse().unwrap();
    assert_eq!(joined.seeds(), [one, ([10, 0, 0, 7], 7_946).into()]);
    assert_eq!(joined.address().ip(), one.ip());
    assert_eq!(joined.authority(), cluster.own.authority());

    // It hears the others, and they hear it.
    let mut two = Sealer::new(joined.keys().clone(), 2, now()).unwrap();
    let mut one = Sealer::new(cluster.own.keys().clone(), 1, now()).unwrap();
    let mut packet = Vec::new();
    two.seal(b"hello", now(), &mut packet).unwrap();
    assert!(one.open(&mut packet, now()).is_ok());

    // And what it saves is an identity, without the authority's key.
    let state = tempfile::tempdir().unwrap();
    let folder = SecretsFolder::of_state(state.path());
    joined.save(&folder).unwrap();
    let read = Identity::load(&folder, now()).unwrap().unwrap();
    assert!(read.server_config().is_ok() && read.client_config().is_ok());
    assert!(JoinServer::load(folder, Vec::new).unwrap().is_none());
}

#[tokio::test]
async fn a_token_admits_as_many_as_it_is_for() {
    let cluster = Cluster::new("shop").await;
    let token = cluster.token(2);
    assert!(cluster.join(&token, "n2").await.is_ok());
    // A refusal for another reason costs nothing.
    for taken in ["n1", "n2", "n7"] {
        let refusal = cluster.refused(&token, taken).await;
        assert!(matches!(refusal, Refusal::Taken { .. }), "{refusal}");
        assert!(refusal.to_string().contains("n7"), "{refusal}");
    }
    assert!(cluster.join(&token, "n3").await.is_ok());
    assert_eq!(cluster.refused(&token, "n4").await, Refusal::UsedUp);
}

#[tokio::test]
async fn nobody_joins_under_the_name_of_one_that_was_expelled() {
    let cluster = Cluster::new("shop").await;
    let rotator = Rotator::load(&cluster.folder, cluster.own.cluster(), now());
    let (rotator, n2) = (rotator.unwrap().unwrap(), "n2".parse().unwrap());
    let before = cluster.token(1);
    rotator.expel(&n2, now()).unwrap();
    assert_eq!(cluster.refused(&before, "n9").await, Refusal::UsedUp);
    let token = cluster.token(1);
    let refused = cluster.refused(&token, "n2").await;
    assert_eq!(refused, Refusal::Expelled("n2".to_owned()));
    rotator.go_on(0, now()).unwrap().unwrap();
    rotator.go_on(0, now()).unwrap().unwrap();
    rotator.take_back(&n2, now()).unwrap();
    let joined = cluster.join(&token, "n2").await.unwrap();
    assert_ne!(joined.keys(), cluster.own.keys(), "it has the present key");
}

#[tokio::test]
async fn a_wrong_token_is_told_so_and_admits_nobody() {
    let cluster = Cluster::new("shop").await;
    let good = cluster.token(1);
    let wrong = Token {
        secret: [1; 16],
        ..good.clone()
    };
    assert_eq!(cluster.refused(&wrong, "n2").await, Refusal::Token);
    // Over by its own word, and over by the server's, whatever it says itself.
    let over = Token {
        expires: Timestamp::from_secs(1),
        ..good.clone()
    };
    let told = cluster.join(&over, "n2").await;
    assert!(matches!(
        told,
        Err(JoinError::Token(TokenError::Expired { .. }))
    ));
    let long_ago = now() - HOUR * 2;
    let old = issue(&cluster.folder, &cluster.authority, HOUR, 1, long_ago).unwrap();
    let forged = Token {
        expires: now() + HOUR,
        ..old
    };
    assert_eq!(cluster.refused(&forged, "n2").await, Refusal::Expired);
    assert!(cluster.join(&good, "n2").await.is_ok());
}

#[tokio::test]
async fn nobody_is_told_a_token_but_the_cluster_that_it_is_for() {
    let (ours, theirs) = (Cluster::new("shop").await, Cluster::new("shop").await);
    let token = ours.token(1);
    let told = theirs.join(&token, "n2").await.unwrap_err();
    assert!(matches!(told, JoinError::Stranger { .. }), "{told}");

    // A member that stands in the way, with its own certificate and the authority's.
    let member = ours.own.clone();
    let chain = vec![
        tls::certificate(&member.certificate).unwrap(),
        tls::certificate(&member.authority).unwrap(),
    ];
    let key = crate::authority::private_key(&member.key).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        acceptor.accept(stream).await.is_ok()
    });
    let told = join(&address, &token, &"n2".parse().unwrap()).await;
    assert!(matches!(told, Err(JoinError::Stranger { .. })), "{told:?}");
    assert!(!heard.await.unwrap());
    assert!(ours.join(&token, "n2").await.is_ok());
}

#[tokio::test]
async fn who_is_not_there_or_something_else_is_told_so() {
    let cluster = Cluster::new("shop").await;
    let token = cluster.token(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        drop(stream.read(&mut [0; 1_024]).await);
    });
    let node = "n2".parse().unwrap();
    let told = join(&address, &token, &node).await.unwrap_err();
    assert!(matches!(told, JoinError::Answer { .. }), "{told}");
    page.await.unwrap();
    let told = join(&address, &token, &node).await.unwrap_err();
    assert!(matches!(told, JoinError::Connect { .. }), "{told}");
}

#[tokio::test]
async fn a_proof_of_another_connection_or_key_or_name_is_none() {
    let cluster = Cluster::new("shop").await;
    let token = cluster.token(1);
    let (_, elsewhere) = cluster.connect().await;
    let (_, here) = cluster.connect().await;
    let other_key = request(&token, &here).key;
    let changes: [&dyn Fn(&mut Request); 4] = [
        &|request| request.proof = self::request(&token, &elsewhere).proof,
        &|request| request.key = other_key.clone(),
        &|request| request.node = "n3".into(),
        &|request| request.key = Bytes(vec![4; 65]),
    ];
    for change in changes {
        let (mut stream, binding) = cluster.connect().await;
        let mut request = request(&token, &binding);
        change(&mut request);
        stream.write_all(&line(&request).unwrap()).await.unwrap();
        let answer = read::<Answer>(BufReader::new(stream), ANSWER_MAX).await;
        let Ok(Answer::Refused(Refusal::Request(why))) = answer else {
            panic!("{answer:?}");
        };
        assert!(why.contains("not signed"), "{why}");
    }
    assert!(cluster.join(&token, "n2").await.is_ok());
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let cluster = Cluster::new("shop").await;
    let token = cluster.token(1);
    let long = vec![b'x'; usize::try_from(REQUEST_MAX).unwrap() + 1];
    for bytes in [b"GET / HTTP/1.1\r\n".as_slice(), b"{}\n", &long] {
        let answer = cluster.say(bytes).await;
        let refused = matches!(answer, Ok(Answer::Refused(Refusal::Request(_))));
        assert!(refused, "{answer:?}");
    }
    let of = |change: fn(&mut Request)| {
        let mut request = request(&token, &Binding::default());
        change(&mut request);
        line(&request).unwrap()
    };
    let version = cluster.say(&of(|request| request.version = 2)).await;
    let refused = matches!(version, Ok(Answer::Refused(Refusal::Version(1))));
    assert!(refused, "{version:?}");
    let elsewhere = of(|request| request.cluster = "site".into());
    let site = cluster.say(&elsewhere).await;
    let refused = matches!(&site, Ok(Answer::Refused(Refusal::Cluster(name))) if name == "shop");
    assert!(refused, "{site:?}");
}

#[tokio::test]
async fn so_many_are_refused_a_second_and_the_others_wait_for_nothing() {
    let cluster = Cluster::new("shop").await;
    let token = cluster.token(1);
    let (mut answered, mut closed) = (0, 0);
    let begin = now().as_secs();
    for _ in 0..40 {
        match cluster.say(b"{}\n").await {
            Ok(_) => answered += 1,
            Err(_) => closed += 1,
        }
    }
    let seconds = u32::try_from(now().as_secs() - begin).unwrap() + 1;
    assert!(
        answered <= FAILURES_MAX * seconds,
        "{answered} in {seconds} s"
    );
    assert!(seconds > 7 || closed > 0);
    // Who has a good token is admitted all the same.
    assert!(cluster.join(&token, "n2").await.is_ok());
}

#[tokio::test]
async fn one_who_says_nothing_holds_a_place_and_not_all_of_them() {
    let cluster = Cluster::new("shop").await;
    let token = cluster.token(1);
    let mut silent = Vec::new();
    for _ in 0..ADDRESS_JOINS_MAX {
        silent.push(cluster.connect().await);
    }
    let mut more = TcpStream::connect(&cluster.address).await.unwrap();
    assert_eq!(more.read(&mut [0; 1]).await.unwrap_or(0), 0);
    drop(silent);
    // The places are free as soon as it is seen that nobody is there.
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while cluster.join(&token, "n2").await.is_err() {
        assert!(std::time::Instant::now() < end);
    }
    cluster.server.abort();
}

#[tokio::test]
async fn only_one_point_three_is_spoken() {
    let cluster = Cluster::new("shop").await;
    let old = rustls::ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let stream = TcpStream::connect(&cluster.address).await.unwrap();
    let name = ServerName::try_from("join.shop.ninefold").unwrap();
    let met = TlsConnector::from(std::sync::Arc::new(old))
        .connect(name, stream)
        .await;
    let why = met.unwrap_err().to_string();
    assert!(why.contains("ProtocolVersion"), "{why}");
}
