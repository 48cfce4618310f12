//! A client of a server that is flaky, then down, then back, then slow at times.
//!
//! `cargo run -p ninefold --example client --all-features` takes about ten seconds and says what
//! happened: what was repeated, when the breaker opened and closed, and what hedges did for the
//! slowest calls.

#![expect(clippy::print_stdout, reason = "it says what happened")]

mod flaky;
mod http;
mod tally;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold::clock::TokioTime;
use ninefold::http::{ByMethod, ByStatus, FromHeaders};
use ninefold::pipeline::Pipeline;
use ninefold::presets::HttpClient;
use ninefold::{CircuitBreakerConfig, Error, Hedge, HedgeConfig, Ratio, Source, Span};
use ninefold::{RetryBudgetConfig, TimeLimiterConfig};
use tower_layer::Layer as _;

use crate::flaky::{Flaky, Mood};
use crate::http::{Ask, Http};
use crate::tally::Tally;

type Failure = Box<dyn std::error::Error>;

/// No phase of this example takes longer.
const PHASE_MAX: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let server = Flaky::start().await?;
    retries_and_a_breaker(&server).await?;
    hedges(&server).await
}

/// The preset for HTTP clients, a little quicker to react than it would be in earnest.
fn settings() -> HttpClient {
    let mut settings = HttpClient {
        breaker: CircuitBreakerConfig {
            open_wait: Span::millis(500),
            ..CircuitBreakerConfig::default()
        },
        retry_budget: RetryBudgetConfig {
            ratio: Ratio::percent(30),
            ..RetryBudgetConfig::default()
        },
        time_limit: TimeLimiterConfig {
            timeout: Span::millis(250),
        },
        ..HttpClient::default()
    };
    // It looks back over a minute, and would hold calls back long after this outage of a second.
    settings.throttler.min_samples = 10_000;
    settings
}

async fn retries_and_a_breaker(server: &Flaky) -> Result<(), Failure> {
    let tally = Arc::new(Tally::default());
    let pipeline = settings().build_with(TokioTime, &Source::new("flaky", tally.clone()))?;
    let mut client = pipeline
        .layer(&ByMethod, &FromHeaders::new(TokioTime))
        .layer(Http::to(server.address()));

    println!("one answer in five is a 503, and 200 calls are made");
    server.set(Mood::Flaky);
    let good = count(&mut client, 200).await;
    println!("  {good} of 200 were answered well; {}", tally.take());

    println!("the server is down, and called for a second");
    server.set(Mood::Down);
    let (began, mut calls, mut good) = (Instant::now(), 0, 0);
    while began.elapsed() < Duration::from_secs(1) {
        calls += 1;
        good += count(&mut client, 1).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let reached = server.requests();
    println!("  {good} of {calls} were answered well; {}", tally.take());
    println!("  the server saw {reached} requests of it all");

    println!("it is back");
    server.set(Mood::Well);
    let began = Instant::now();
    while tally.state() != Some("closed") && began.elapsed() < PHASE_MAX {
        count(&mut client, 1).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let after = began.elapsed().as_millis();
    let good = count(&mut client, 100).await;
    println!(
        "  {good} of 100 were answered well, {after} ms later; {}",
        tally.take()
    );
    Ok(())
}

async fn hedges(server: &Flaky) -> Result<(), Failure> {
    println!("one answer in forty takes 300 ms, the others 1 ms, and 400 calls are made");
    server.set(Mood::SlowAtTimes);
    let tally = Arc::new(Tally::default());
    let hedge = Hedge::new(HedgeConfig::default())?
        .with_source(Source::new("flaky", tally.clone()))
        .with_classify(ByStatus)
        .by_error();
    let hedged = Pipeline::builder().stage(hedge).build();
    let mut hedged = hedged
        .layer(&ByMethod, &FromHeaders::new(TokioTime))
        .layer(Http::to(server.address()));
    let mut plain = Pipeline::builder()
        .build()
        .layer(&ByMethod, &FromHeaders::new(TokioTime))
        .layer(Http::to(server.address()));
    // What it must know first: how long calls usually take.
    count(&mut hedged, 120).await;
    tally.take();
    for (name, slowest) in [
        ("without hedges", slowest(&mut plain).await),
        ("with hedges", slowest(&mut hedged).await),
    ] {
        println!(
            "  {name} one call in a hundred took {} ms or more",
            slowest.as_millis()
        );
    }
    println!("  {}", tally.take());
    Ok(())
}

/// How many of `calls` were answered well.
async fn count(client: &mut impl Ask, calls: u32) -> u32 {
    let mut good = 0;
    for _ in 0..calls {
        match client.ask("/items").await {
            Ok(answer) if answer.status().is_success() => good += 1,
            Ok(_) | Err(Error::Rejected(_) | Error::TimedOut(_) | Error::Service(_)) => {}
            Err(error) => println!("  {error}"),
        }
    }
    good
}

/// The time that one call in a hundred exceeds, of 400.
async fn slowest(client: &mut impl Ask) -> Duration {
    let mut times = Vec::new();
    for _ in 0..400 {
        let began = Instant::now();
        count(client, 1).await;
        times.push(began.elapsed());
    }
    times.sort();
    times.iter().rev().nth(3).copied().unwrap_or_default()
}
