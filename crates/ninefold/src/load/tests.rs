//! The layer around a service.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer as _;
use tower_service::Service;

use super::{LOAD_HEADER, LoadMeter, LoadReport};
use crate::clock::VirtualTime;

#[derive(Clone)]
struct Handler(LoadMeter);

impl Service<Request<()>> for Handler {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let inside = self.0.report().in_flight.to_string();
        ready(Ok(Response::new(inside)))
    }
}

#[test]
fn counts_requests_and_answers_one_path() {
    let meter = LoadMeter::default();
    let mut service = meter.layer("/load").layer(Handler(meter.clone()));
    let time = VirtualTime::new();
    let mut get = |path: &str| {
        let request = Request::get(path).body(()).unwrap();
        time.block_on(service.call(request)).unwrap()
    };
    assert_eq!(get("/items").body(), "1");
    let other = meter.begin();
    let told = get("/load?x");
    assert_eq!(told.body(), "", "it never came to the handler");
    let report = told.headers()[LOAD_HEADER].to_str().unwrap();
    assert_eq!(report.parse::<LoadReport>().unwrap().in_flight, 1);
    drop(other);
    assert_eq!(meter.report().in_flight, 0);
}
