//! Probes over HTTP/2, against a server made of `h2` alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use ninefold_config::model::{Check, Health, Probe};
use ninefold_core::observation::ProbeOutcome;
use ninefold_core::observation::Seen;
use ninefold_core::status::InstanceState;
use tokio::net::{TcpListener, TcpStream};

use crate::file::{file, http, service};
use crate::rig::{Rig, external, folder};

/// What it says: by service the bytes of the message, or a status of the call.
type Says = Arc<Mutex<BTreeMap<String, Result<Vec<u8>, u8>>>>;

async fn server(says: Says) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&says)));
        }
    });
    address
}

async fn serve(stream: TcpStream, says: Says) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, Arc::clone(&says)));
    }
}

async fn answer(request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>, says: Says) {
    let (head, mut body) = request.into_parts();
    if head.uri.path() == "/up" {
        let status = if says.lock().unwrap().contains_key("up") {
            204
        } else {
            503
        };
        let mut answer = Response::builder().status(status);
        if says.lock().unwrap().contains_key("degraded") {
            answer = answer.header("x-degraded", "cold cache");
        }
        respond
            .send_response(answer.body(()).unwrap(), true)
            .unwrap();
        return;
    }
    assert_eq!(head.uri.path(), "/grpc.health.v1.Health/Check");
    assert_eq!(head.headers["content-type"], "application/grpc");
    assert_eq!(head.headers["te"], "trailers");
    let mut asked = Vec::new();
    while let Some(Ok(piece)) = body.data().await {
        asked.extend_from_slice(&piece);
    }
    let name = String::from_utf8_lossy(asked.get(7..).unwrap_or_default()).into_owned();
    let said = says.lock().unwrap().get(&name).cloned().unwrap_or(Err(5));
    let head = Response::builder().header("content-type", "application/grpc");
    match said {
        Err(status) => {
            let head = head.header("grpc-status", status.to_string());
            respond.send_response(head.body(()).unwrap(), true).unwrap();
        }
        Ok(message) => {
            let mut stream = respond
                .send_response(head.body(()).unwrap(), false)
                .unwrap();
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            let framed = [&[0][..], &length, &message].concat();
            stream.send_data(framed.into(), false).unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            stream.send_trailers(trailers).unwrap();
        }
    }
}

async fn probed(check: Check, says: &Says) -> Rig {
    let address = server(Arc::clone(says)).await;
    let folder = folder();
    let kind = external(address);
    let health = Health {
        ready: Some(Probe { check, ..http("/") }),
        ..Health::default()
    };
    let mut config = file(folder.path());
    let web = service(kind, health);
    config.services.insert("web".parse().unwrap(), web);
    Rig::start(&folder, config).await
}

fn says(service: &str, said: Result<&[u8], u8>, says: &Says) {
    let said = said.map(<[u8]>::to_vec);
    says.lock().unwrap().insert(service.to_owned(), said);
}

fn refused(rig: &Rig, why: &str) -> bool {
    let wanted = ProbeOutcome::Refused(why.to_owned());
    let found = |seen: &Seen| matches!(seen, Seen::Probe { outcome, .. } if *outcome == wanted);
    rig.seen().iter().any(found)
}

#[tokio::test]
async fn a_grpc_service_says_itself_whether_it_serves() {
    let said = Says::default();
    says("shop.Cart", Ok(&[8, 2]), &said);
    says("", Ok(&[8, 1]), &said);
    let check = Check::Grpc {
        service: "shop.Cart".to_owned(),
    };
    let rig = probed(check, &said).await;
    rig.until("it does not serve", || refused(&rig, "NOT_SERVING"))
        .await;
    says("shop.Cart", Ok(&[8, 1]), &said);
    rig.is(0, InstanceState::Ready).await;
    for (answer, why) in [
        (Ok(&[8, 3][..]), "SERVICE_UNKNOWN"),
        (Err(12), "grpc-status 12: it has no grpc.health.v1.Health"),
        (Err(14), "grpc-status 14"),
        (Ok(&[8]), "no answer of a health check"),
    ] {
        says("shop.Cart", answer, &said);
        rig.until(why, || refused(&rig, why)).await;
        rig.is(0, InstanceState::NotReady).await;
        says("shop.Cart", Ok(&[8, 1]), &said);
        rig.is(0, InstanceState::Ready).await;
    }
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn the_whole_server_is_asked_where_no_service_is_named() {
    let said = Says::default();
    says("", Ok(&[8, 1]), &said);
    let check = Check::Grpc {
        service: String::new(),
    };
    let rig = probed(check, &said).await;
    rig.is(0, InstanceState::Ready).await;
    said.lock().unwrap().clear();
    let why = "grpc-status 5: it knows no such service";
    rig.until(why, || refused(&rig, why)).await;
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn a_path_is_asked_for_over_http2() {
    let said = Says::default();
    says("up", Ok(&[]), &said);
    let check = Check::Http {
        path: "/up".to_owned(),
        http2: true,
    };
    let rig = probed(check, &said).await;
    rig.is(0, InstanceState::Ready).await;
    says("degraded", Ok(&[]), &said);
    rig.until("it is degraded", || rig.supervisor.endpoints()[0].degraded)
        .await;
    let reason = rig.is(0, InstanceState::Ready).await.reason;
    assert_eq!(
        reason.as_deref(),
        Some("says that it is degraded: cold cache")
    );
    said.lock().unwrap().clear();
    rig.until("it refuses", || refused(&rig, "status 503"))
        .await;
    rig.is(0, InstanceState::NotReady).await;
    rig.supervisor.stop().await;
}
