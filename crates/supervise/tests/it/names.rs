//! A name server as a test wants it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;

/// What it answers.
#[derive(Debug)]
struct Zone {
    records: BTreeMap<(String, RecordType), Vec<(u32, RData)>>,
    code: ResponseCode,
    silent: bool,
    asked: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl NameServer {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: socket.local_addr().unwrap(),
            zone: Arc::new(Mutex::new(Zone {
                records: BTreeMap::new(),
                code: ResponseCode::NoError,
                silent: false,
                asked: 0,
            })),
        };
        tokio::spawn(server.clone().serve(socket));
        server
    }

    async fn serve(self, socket: UdpSocket) {
        let mut buffer = [0; 4_096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let query = Message::from_vec(&buffer[..length]).unwrap();
            if let Some(answer) = self.answer(query) {
                let answer = answer.to_vec().unwrap();
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    }

    fn answer(&self, query: Message) -> Option<Message> {
        let mut zone = self.zone.lock().unwrap();
        zone.asked += 1;
        let asked = query.queries.first()?.clone();
        let mut answer = query;
        answer.metadata.message_type = MessageType::Response;
        answer.metadata.recursion_available = true;
        answer.metadata.response_code = zone.code;
        let name = asked.name().to_utf8().to_ascii_lowercase();
        if zone.code == ResponseCode::NoError {
            let records = zone.records.get(&(name, asked.query_type()));
            for (ttl, data) in records.into_iter().flatten() {
                let record = Record::from_rdata(asked.name().clone(), *ttl, data.clone());
                answer.add_answer(record);
            }
        }
        (!zone.silent).then_some(answer)
    }

    fn set(&self, name: &str, kind: RecordType, records: Vec<(u32, RData)>) {
        let mut zone = self.zone.lock().unwrap();
        zone.records.insert((format!("{name}."), kind), records);
    }

    pub(crate) fn a(&self, name: &str, ttl: u32, last: &[u8]) {
        let record = |last: &u8| (ttl, RData::A(A(Ipv4Addr::new(127, 0, 0, *last))));
        self.set(name, RecordType::A, last.iter().map(record).collect());
    }

    pub(crate) fn aaaa(&self, name: &str, ttl: u32) {
        let data = RData::AAAA(AAAA(Ipv6Addr::LOCALHOST));
        self.set(name, RecordType::AAAA, vec![(ttl, data)]);
    }

    /// Priority, weight, port and target.
    pub(crate) fn srv(&self, name: &str, ttl: u32, records: &[(u16, u16, u16, &str)]) {
        let record = |(priority, weight, port, target): &(u16, u16, u16, &str)| {
            let target = Name::from_ascii(format!("{target}.")).unwrap();
            (ttl, RData::SRV(SRV::new(*priority, *weight, *port, target)))
        };
        self.set(name, RecordType::SRV, records.iter().map(record).collect());
    }

    pub(crate) fn code(&self, code: ResponseCode) {
        self.zone.lock().unwrap().code = code;
    }

    pub(crate) fn silent(&self, silent: bool) {
        self.zone.lock().unwrap().silent = silent;
    }

    /// Questions so far.
    pub(crate) fn asked(&self) -> usize {
        self.zone.lock().unwrap().asked
    }
}
