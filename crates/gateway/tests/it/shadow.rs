//! Copies of requests for endpoints that the balancer leaves out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ninefold_config::model::{Ejection, File};

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Rig, file};

const GET: &str = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

/// Nobody is ejected: what is seen is the balancer's doing.
fn balanced() -> File {
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.ejection = Ejection {
        failures: 0,
        ..Ejection::default()
    };
    file
}

struct Scene {
    rig: Rig,
    slow: Backend,
    others: [Backend; 2],
    is_slow: Arc<AtomicBool>,
}

impl Scene {
    async fn new(file: &File) -> Self {
        let is_slow = Arc::new(AtomicBool::new(true));
        let says = Arc::clone(&is_slow);
        let slow = Backend::start(move |_| match (says.load(SeqCst), ok("slow")) {
            (true, Act::Answer(bytes)) => Act::AnswerAfter(Duration::from_millis(150), bytes),
            (_, fast) => fast,
        })
        .await;
        let others = [
            Backend::start(|_| ok("fast")).await,
            Backend::start(|_| ok("fast")).await,
        ];
        let rig = Rig::with(file, &[&slow, &others[0], &others[1]]);
        Self {
            rig,
            slow,
            others,
            is_slow,
        }
    }

    /// Sends this again and again for so long.
    async fn send(&self, request: &str, time: Duration) -> Vec<String> {
        let began = Instant::now();
        let mut answers = Vec::new();
        while began.elapsed() < time {
            answers.push(self.rig.once(request).await.body);
        }
        answers
    }

    fn shadows(&self) -> u64 {
        let counters = self.rig.counters();
        counters.endpoints.iter().map(|one| one.shadows).sum()
    }
}

fn copies(backend: &Backend) -> usize {
    let requests = backend.requests();
    let marked = requests
        .iter()
        .filter(|one| one.head.contains("x-mirrored: 1"));
    marked.count()
}

#[tokio::test]
async fn who_is_left_out_gets_copies_that_nobody_waits_for_until_it_is_well() {
    let scene = Scene::new(&balanced()).await;
    let answers = scene.send(GET, Duration::from_secs(4)).await;
    let count = copies(&scene.slow);
    // One in 300 ms at most.
    assert!((4..=14).contains(&count), "{count} of {}", answers.len());
    assert_eq!(scene.shadows(), count as u64);
    for other in &scene.others {
        assert_eq!(copies(other), 0, "they are asked anyway");
    }
    let from_slow = answers.iter().filter(|body| *body == "slow").count();
    assert!(
        from_slow * 50 < answers.len(),
        "{from_slow} of {}",
        answers.len()
    );
    // Callers' requests are one each, whatever was copied.
    let route = scene.rig.settled().await;
    assert_eq!(route.ok, answers.len() as u64);
    // What its copies tell brings it back, long before what it was is forgotten.
    scene.is_slow.store(false, SeqCst);
    let back = || async {
        let answers = scene.send(GET, Duration::from_millis(200)).await;
        let own = answers.iter().filter(|body| *body == "slow").count();
        (own * 6 > answers.len()).then_some(())
    };
    crate::rig::until("its share", back).await;
}

#[tokio::test]
async fn a_copy_that_failed_is_followed_by_the_next_one_sooner() {
    let failing = Backend::start(|_| status(500)).await;
    let others = [
        Backend::start(|_| ok("well")).await,
        Backend::start(|_| ok("well")).await,
    ];
    let rig = Rig::with(&balanced(), &[&failing, &others[0], &others[1]]);
    let slow = Scene::new(&balanced()).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        rig.once(GET).await;
        slow.rig.once(GET).await;
    }
    let (failing, slow) = (copies(&failing), copies(&slow.slow));
    assert!(failing > slow + slow / 2, "{failing} beside {slow}");
}

#[tokio::test]
async fn what_may_not_be_repeated_is_not_copied() {
    let scene = Scene::new(&balanced()).await;
    scene.send(POST, Duration::from_millis(2_500)).await;
    assert_eq!(copies(&scene.slow), 0);
    let mut file = balanced();
    file.listeners[0].routes[0].retry = None;
    let scene = Scene::new(&file).await;
    scene.send(GET, Duration::from_millis(2_500)).await;
    assert_eq!((copies(&scene.slow), scene.shadows()), (0, 0));
}
