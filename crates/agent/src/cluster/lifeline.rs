//! A connection from each observer to each process that it observes, on which nothing is said until the end.
//!
//! When a process ends, however it does, its kernel closes its connections and refuses new ones. An observer sees
//! both within a millisecond, and need not wait for silences: the host vouches for the end. One that ends in order,
//! or hands over to another process, says goodbye first, and then it is no end. Of a host that is gone nothing is
//! heard here; that is for questions and their answers.
//!
//! The connection is mutual TLS under the cluster's authority, so that both ends are who they are taken for. Against
//! one who cuts connections on the network: he has to refuse new ones too, and to do it to most of a node's observers.
//!
//! The idea is Falcon's (Leners et al., SOSP'11): who is close to a failure can be sure of it, and fast.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ninefold_cluster::membership::{NodeId, Status};
use ninefold_core::observation::HostWord;
use ninefold_trust::NodeName;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::server::TlsStream;

use super::credentials::Credentials;
use super::view::{MemberView, Shared};

/// The key under which a node says where its lifelines end, and which life that is.
pub(super) const KEY: &str = "life";
/// Connecting, and the handshake, may take so long each.
pub(super) const SETUP_MAX: Duration = Duration::from_secs(2);
/// How long to wait before the next try.
pub(super) const AGAIN: Duration = Duration::from_secs(1);
/// A kernel closes what a process had open one by one: that nobody listens any more is looked for that often, so far
/// apart.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A kernel has so long to accept a connection: it is to say so before its process is convicted.
const LOOK_MAX: Duration = Duration::from_millis(300);
/// Said before an end that is none.
const GOODBYE: u8 = b'b';
/// Said to one that was expelled, who would wonder why nobody answers it.
const EXPELLED: u8 = b'x';
/// In place of the number of a process, to one that was expelled before it came.
const EXPELLED_BEFORE: u64 = 0;
/// How often the port after that of gossip is tried, and how far apart.
const LISTEN_TRIES: u32 = 10;
const LISTEN_AGAIN: Duration = Duration::from_millis(50);
/// How often it is looked whether one that holds on was expelled meanwhile.
const LOOK_WHO: Duration = Duration::from_secs(1);

/// One process of a node, and where its lifelines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    addr: SocketAddr,
    number: u64,
}

impl Life {
    fn of(member: &MemberView) -> Option<Self> {
        Self::parse(member.addr.ip(), member.entries.get(KEY)?)
    }

    fn parse(ip: IpAddr, said: &[u8]) -> Option<Self> {
        let (port, number) = std::str::from_utf8(said).ok()?.split_once(' ')?;
        Some(Self {
            addr: SocketAddr::new(ip, port.parse().ok()?),
            number: u64::from_str_radix(number, 16).ok()?,
        })
    }
}

/// Where the streams of a process end, by what it says under [`KEY`].
pub(super) fn address(ip: IpAddr, said: &[u8]) -> Option<SocketAddr> {
    Some(Life::parse(ip, said)?.addr)
}

/// Which process of a node a member is, as it says itself.
pub(super) fn process(member: &MemberView) -> Option<u64> {
    Some(Life::of(member)?.number)
}

/// What a host says of a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) id: NodeId,
    life: Life,
    pub(super) says: HostWord,
}

impl Word {
    /// Whether it is of the process that says this of itself.
    pub(super) fn is_of(&self, ip: IpAddr, said: &[u8]) -> bool {
        Life::parse(ip, said) == Some(self.life)
    }
}

/// Where lifelines and streams end: at the port after that of gossip, so that firewalls between hosts can let them through,
/// or at any other where that one is taken. On a host of its own a node waits for a moment for who is about to give it up,
/// and says if it has another one.
///
/// # Errors
/// When none is free.
pub(super) fn listen(gossip: SocketAddr) -> io::Result<(TcpListener, Option<String>)> {
    let (ip, next) = (gossip.ip(), gossip.port().checked_add(1));
    let tries = if ip.is_loopback() { 1 } else { LISTEN_TRIES };
    let mut listener = None;
    for turn in 0..tries {
        if turn > 0 {
            std::thread::sleep(LISTEN_AGAIN);
        }
        listener = next.and_then(|port| TcpListener::bind((ip, port)).ok());
        if listener.is_some() || next.is_none() {
            break;
        }
    }
    let mut note = None;
    let listener = match listener {
        Some(listener) => listener,
        None => {
            let any = TcpListener::bind((ip, 0))?;
            let port = any.local_addr()?.port();
            if !ip.is_loopback() {
                note = Some(format!(
                    "lifelines end at TCP port {port}, as the one after that of gossip is taken: firewalls have to let other hosts through to it"
                ));
            }
            any
        }
    };
    listener.set_nonblocking(true)?;
    Ok((listener, note))
}

/// All lifelines of a node: those that end at it, and those that it holds.
pub(super) struct Lifelines {
    own: Life,
    credentials: Credentials,
    lines: BTreeMap<NodeId, (Life, AbortHandle)>,
    /// Those that are held now.
    held: Arc<AtomicUsize>,
    words: mpsc::Sender<Word>,
    goodbye: watch::Sender<bool>,
    shared: Arc<Shared>,
    /// Whether it was noted that this node was expelled.
    expelled: Arc<AtomicBool>,
}

impl Lifelines {
    /// For a process to which others hold on at `addr`; those who do are told through `goodbye` when it ends in order.
    /// What hosts say comes out of the other end of `words`.
    pub(super) fn new(
        (addr, number): (SocketAddr, u64),
        credentials: Credentials,
        goodbye: watch::Sender<bool>,
        words: mpsc::Sender<Word>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            own: Life { addr, number },
            credentials,
            lines: BTreeMap::new(),
            held: Arc::default(),
            words,
            goodbye,
            shared,
            expelled: Arc::default(),
        }
    }

    /// What others are told under [`KEY`].
    pub(super) fn told(&self) -> String {
        format!("{} {:x}", self.own.addr.port(), self.own.number)
    }

    /// How many processes are held on to now.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Holds on to those that this node observes, and to nobody else.
    pub(super) fn hold(&mut self, members: &[MemberView]) {
        let observed =
            |member: &&MemberView| member.path.is_some() && member.status == Status::Alive;
        let mut wanted: BTreeMap<NodeId, (Life, &MemberView)> = BTreeMap::new();
        for member in members.iter().filter(observed) {
            if let Some(life) = Life::of(member) {
                wanted.insert(member.id, (life, member));
            }
        }
        self.lines.retain(|id, (life, task)| {
            let stays = wanted.get(id).is_some_and(|(wanted, _)| wanted == life);
            if !stays {
                task.abort();
            }
            stays
        });
        let shown = self.credentials.shown();
        for (id, (life, member)) in wanted {
            if self.lines.contains_key(&id) {
                continue;
            }
            let name: Result<NodeName, _> = member.name.parse();
            let Some(name) = name
                .ok()
                .and_then(|name| shown.identity.server_name(&name).ok())
            else {
                continue;
            };
            let line = watch_life(life, name, self.credentials.clone(), Arc::clone(&self.held));
            let words = self.words.clone();
            let (shared, expelled) = (Arc::clone(&self.shared), Arc::clone(&self.expelled));
            let (me, by) = (shown.identity.node().clone(), Arc::clone(&member.name));
            let task = tokio::spawn(async move {
                match line.await {
                    End::Over => {
                        // The other side is gone only if this node ends as well.
                        let says = HostWord::Ended;
                        words.send(Word { id, life, says }).await.ok();
                    }
                    End::Expelled if !expelled.swap(true, Ordering::Relaxed) => {
                        shared.note(format!("{by} says that {me} was expelled from the cluster: nobody answers it any more; stop it, or take it back with `ninefold expel {me} --undo` where `ninefold init` was run, remove `cluster` from its state folder, and join again"));
                    }
                    End::Other | End::Expelled => {}
                }
            });
            self.lines.insert(id, (life, task.abort_handle()));
        }
    }

    /// Asks the kernel of one that does not answer, and whose process is held on to.
    pub(super) fn look(&self, id: NodeId) {
        let Some((life, _)) = self.lines.get(&id) else {
            return;
        };
        let (life, words) = (*life, self.words.clone());
        tokio::spawn(async move {
            let says = match timeout(LOOK_MAX, TcpStream::connect(life.addr)).await {
                Ok(Ok(_)) => HostWord::Hung,
                // Refused, the lifeline has more to say.
                Ok(Err(_)) | Err(_) => HostWord::Silent,
            };
            words.send(Word { id, life, says }).await.ok();
        });
    }

    /// Says goodbye to all who hold on to this process: another one goes on, or it leaves in order.
    pub(super) async fn goodbye(&self) {
        self.goodbye.send_replace(true);
        // Each has one byte to write.
        let told = async {
            while self.goodbye.receiver_count() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_millis(200), told).await.ok();
    }
}

impl Drop for Lifelines {
    fn drop(&mut self) {
        for (_, task) in self.lines.values() {
            task.abort();
        }
    }
}

/// Keeps one connection that ends here, without a word, until one side goes, or the other one is expelled.
pub(super) async fn keep(
    mut stream: TlsStream<TcpStream>,
    number: u64,
    mut goodbye: watch::Receiver<bool>,
    is_expelled: impl Fn() -> bool,
) -> io::Result<()> {
    let known = if is_expelled() {
        EXPELLED_BEFORE
    } else {
        number
    };
    stream.write_all(&known.to_be_bytes()).await?;
    stream.flush().await?;
    let mut nothing = [0; 1];
    let said = async { goodbye.wait_for(|said| *said).await.is_ok() };
    let expelled = async {
        while !is_expelled() {
            tokio::time::sleep(LOOK_WHO).await;
        }
    };
    tokio::select! {
        // Whoever speaks, or goes away, is let go.
        _ = stream.read(&mut nothing) => Ok(()),
        true = said => {
            stream.write_all(&[GOODBYE]).await?;
            stream.shutdown().await
        }
        () = expelled => {
            stream.write_all(&[EXPELLED]).await?;
            stream.shutdown().await
        }
    }
}

/// Why nobody holds on to a process any more.
enum End {
    /// Its host says that it has ended.
    Over,
    /// It has said goodbye, or it is another one.
    Other,
    /// It says that this node was expelled.
    Expelled,
}

/// Holds on to a process until its end.
async fn watch_life(
    life: Life,
    name: ServerName<'static>,
    credentials: Credentials,
    held: Arc<AtomicUsize>,
) -> End {
    loop {
        let shown = credentials.shown();
        match hold_on(life, name.clone(), &shown.lines, &held).await {
            Ok(Held::Goodbye | Held::Another) => return End::Other,
            Ok(Held::Expelled) => return End::Expelled,
            Ok(Held::Cut) if is_over(life.addr).await => return End::Over,
            Ok(Held::Cut) => {}
            Err(error) => {
                tracing::debug!(%error, addr = %life.addr, "no lifeline");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Counts as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(of: &Arc<AtomicUsize>) -> Self {
        of.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(of))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Held {
    Goodbye,
    /// Another process answers there.
    Another,
    /// This node is no member any more.
    Expelled,
    /// It was cut off without a word.
    Cut,
}

async fn hold_on(
    life: Life,
    name: ServerName<'static>,
    connector: &TlsConnector,
    held: &Arc<AtomicUsize>,
) -> io::Result<Held> {
    let stream = timeout(SETUP_MAX, TcpStream::connect(life.addr)).await??;
    let mut stream = timeout(SETUP_MAX, connector.connect(name, stream)).await??;
    let number = timeout(SETUP_MAX, stream.read_u64()).await??;
    if number == EXPELLED_BEFORE {
        return Ok(Held::Expelled);
    }
    if number != life.number {
        return Ok(Held::Another);
    }
    let _held = Counted::new(held);
    Ok(match stream.read_u8().await {
        Ok(GOODBYE) => Held::Goodbye,
        Ok(EXPELLED) => Held::Expelled,
        Ok(_) | Err(_) => Held::Cut,
    })
}

/// Whether the host says that nobody listens there any more.
async fn is_over(addr: SocketAddr) -> bool {
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(LOOK_AGAIN * 2u32.pow(look)).await;
        }
        match timeout(SETUP_MAX, TcpStream::connect(addr)).await {
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return true,
            // The host does not answer, or not only its process is gone.
            Ok(Err(_)) | Err(_) => return false,
            Ok(Ok(_)) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifelines_end_next_to_gossip_or_where_there_is_room() {
        let beside = |gossip: SocketAddr| listen(gossip).unwrap().0.local_addr().unwrap();
        // Whose next port is free now may find it taken at once by another test: once of many tries is enough.
        let next = (0..20).any(|_| {
            let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let gossip = taken.local_addr().unwrap();
            beside(gossip).port() == gossip.port().wrapping_add(1)
        });
        assert!(next);
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = holder.local_addr().unwrap().port();
        assert_ne!(beside(([127, 0, 0, 1], taken - 1).into()).port(), taken);
        assert_ne!(beside(([127, 0, 0, 1], u16::MAX).into()).port(), 0);
    }
}
