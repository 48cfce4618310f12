//! `shop-checkout --listen IP:PORT --catalog http://IP:PORT|http://NAME --database FILE`: takes orders.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use shop::arguments::Arguments;
use shop::checkout::{CatalogClient, Store, routes};
use shop::run::{line, run};

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            line(&format!("shop-checkout: {why}"));
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    let options = ["listen", "catalog", "database"];
    let arguments = Arguments::parse(std::env::args().skip(1), &options)?;
    let listen: SocketAddr = arguments.required("listen")?;
    let catalog: String = arguments.required("catalog")?;
    // Where calls of services go through the policies of the file, if it has such a place.
    let egress = std::env::var("NINEFOLD_EGRESS").ok();
    let egress = egress.and_then(|egress| egress.parse().ok());
    let catalog = CatalogClient::at(&catalog, egress)?;
    let database: PathBuf = arguments.required("database")?;
    let store = Store::open(&database)?;
    run("checkout", listen, routes(store, catalog)).await?;
    Ok(())
}
