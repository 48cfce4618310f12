use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use shop::catalog::{Catalog, routes};
use shop::checkout::Store;
use shop::client::Client;
use tokio::sync::mpsc;

use crate::rig::{DEADLINE, call, serve};

/// A program of the shop, killed at the end of the test.
struct Program {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Program {
    fn start(path: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(path)
            .args(arguments)
            .env("NINEFOLD_INSTANCE", "shop/7")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads the line of the start.
    fn address(&mut self) -> SocketAddr {
        let line = self.lines.next().unwrap().unwrap();
        let address = line.strip_prefix("shop/7 listens on ");
        address.unwrap_or_else(|| panic!("{line}")).parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn the_programs_serve_and_stop_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = Program::start(
        env!("CARGO_BIN_EXE_shop-catalog"),
        &["--listen", "127.0.0.1:0"],
    );
    let url = format!("http://{}", catalog.address());
    let database = folder.path().join("data/orders.db");
    let mut checkout = Program::start(
        env!("CARGO_BIN_EXE_shop-checkout"),
        &[
            "--listen",
            "127.0.0.1:0",
            "--catalog",
            &url,
            "--database",
            database.to_str().unwrap(),
        ],
    );
    let address = checkout.address();
    let order = r#"{"item":"kettle","quantity":1}"#;
    let (status, _) = call(address, Method::PUT, "/orders/k", &[], order).await;
    assert_eq!(status, StatusCode::CREATED);

    for program in [&mut catalog, &mut checkout] {
        let pid = program.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        assert!(program.child.wait().unwrap().success());
        let last = program.lines.next().unwrap().unwrap();
        assert_eq!(last, "shop/7 has stopped");
    }
}

/// Acknowledged orders are in the log of the database, whenever the process dies.
#[tokio::test]
async fn acknowledged_orders_survive_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("data/orders.db");
    let catalog = serve(routes(Catalog::default())).await;
    let mut checkout = Program::start(
        env!("CARGO_BIN_EXE_shop-checkout"),
        &[
            "--listen",
            "127.0.0.1:0",
            "--catalog",
            &format!("http://{catalog}"),
            "--database",
            database.to_str().unwrap(),
        ],
    );
    let client = Arc::new(Client::new(checkout.address()));
    let (acked, mut orders) = mpsc::unbounded_channel();
    for writer in 0..4 {
        let (client, acked) = (Arc::clone(&client), acked.clone());
        tokio::spawn(async move {
            // Until the process is gone.
            for n in 0.. {
                let id = format!("{writer}-{n}");
                let body = r#"{"item":"mug","quantity":1}"#.into();
                let path = format!("/orders/{id}");
                let answer = client
                    .call(Method::PUT, &path, &HeaderMap::new(), body, DEADLINE)
                    .await;
                match answer {
                    Ok(answer) if answer.status() == StatusCode::CREATED => acked.send(id).unwrap(),
                    _ => return,
                }
            }
        });
    }
    drop(acked);
    let mut ids = Vec::new();
    while let Some(id) = orders.recv().await {
        ids.push(id);
        if ids.len() == 100 {
            checkout.child.kill().unwrap();
        }
    }
    assert!(ids.len() >= 100, "{}", ids.len());
    let store = Store::open(&database).unwrap();
    for id in ids {
        assert!(store.order(id.clone()).await.unwrap().is_some(), "{id}");
    }
}

#[test]
fn a_wrong_command_line_is_an_error() {
    for (path, arguments, expected) in [
        (
            env!("CARGO_BIN_EXE_shop-catalog"),
            &["--port", "1"][..],
            "shop-catalog: unknown option `--port`; there are: --listen",
        ),
        (
            env!("CARGO_BIN_EXE_shop-checkout"),
            &["--listen", "127.0.0.1:0"],
            "shop-checkout: `--catalog` is missing",
        ),
    ] {
        let ended = Command::new(path).args(arguments).output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&ended.stderr).trim_end(), expected);
    }
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Command::new(env!("CARGO_BIN_EXE_shop-catalog"))
        .args(["--listen", &address])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        said.starts_with(&format!("shop-catalog: cannot listen on {address}: ")),
        "{said}"
    );
}
