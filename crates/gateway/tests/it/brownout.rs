//! Requests that ask for less while the route is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use ninefold_config::model::{Brownout, File, Ratio, Span};

use crate::backend::{Act, Backend, header, ok};
use crate::rig::{Rig, file, until};

fn slowly(body: &str) -> Act {
    match ok(body) {
        Act::Answer(bytes) => Act::AnswerAfter(Duration::from_millis(60), bytes),
        other => other,
    }
}

fn dimmed(target: Span) -> File {
    let mut file = file();
    file.listeners[0].routes[0].brownout = Some(Brownout {
        target,
        min_share: Ratio::percent(0),
    });
    file
}

#[tokio::test]
async fn a_slow_route_asks_for_less_until_it_is_quick() {
    let slow = Arc::new(AtomicBool::new(true));
    let at_first = Arc::clone(&slow);
    let backend = Backend::start(move |seen| {
        let less = header(&seen.head, "x-brownout").is_some();
        let body = if less { "less" } else { "all" };
        match at_first.load(Relaxed) && !less {
            true => slowly(body),
            false => ok(body),
        }
    })
    .await;
    let rig = Rig::with(&dimmed(Span::millis(5)), &[&backend]);
    until("less is asked for", || async {
        (rig.get("/").await.body == "less").then_some(())
    })
    .await;
    let route = &rig.counters().routes[0];
    assert!(route.dimmed > 0);
    assert!(route.optional_share.unwrap() < 1.0, "{route:?}");
    slow.store(false, Relaxed);
    until("all is asked for", || async {
        rig.get("/").await;
        let share = rig.counters().routes[0].optional_share.unwrap();
        (share >= 1.0).then_some(())
    })
    .await;
    assert_eq!(rig.get("/").await.body, "all");
}

#[tokio::test]
async fn without_a_brownout_nothing_is_said() {
    let backend = Backend::start(|_| ok("all")).await;
    let rig = Rig::with(&file(), &[&backend]);
    assert_eq!(rig.get("/").await.body, "all");
    assert!(!backend.requests()[0].head.contains("x-brownout"));
    assert_eq!(rig.counters().routes[0].optional_share, None);
}
