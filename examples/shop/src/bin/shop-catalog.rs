//! `shop-catalog --listen IP:PORT`: answers what there is to buy.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use shop::arguments::Arguments;
use shop::catalog::{Catalog, routes};
use shop::run::{line, run};

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            line(&format!("shop-catalog: {why}"));
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1), &["listen"])?;
    let listen: SocketAddr = arguments.required("listen")?;
    run("catalog", listen, routes(Catalog::default())).await?;
    Ok(())
}
