//! Canaries, and votes on answers.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ninefold_config::model::{Answers, Canary, File, KnownBody, Ratio, Span, Vote};
use ninefold_core::event::FaultNotice;
use ninefold_core::fault::{FaultEffect, GatewayFault};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::Ballot;
use ninefold_gateway::{Checked, Notice};

use crate::backend::{Act, Backend, Seen, ok, status};
use crate::rig::{Rig, file, until};

const MARK: &str = "x-ninefold-check: ";

fn json(body: &str) -> Act {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    Act::Answer(format!("{head} {length}\r\n\r\n{body}").into_bytes())
}

fn marked(seen: &Seen, mark: &str) -> bool {
    seen.head.contains(&format!("{MARK}{mark}"))
}

fn canary(path: &str, body: &str) -> Canary {
    Canary {
        path: path.to_owned(),
        status: 200,
        body: KnownBody::Text(body.to_owned()),
        every: Span::millis(50),
        timeout: Span::millis(50),
    }
}

fn with_canary(body: &str) -> File {
    let mut file = file();
    file.listeners[0].routes[0].answers = Some(Answers {
        canaries: vec![canary("/known?a=1", body)],
        vote: None,
        ignore: vec!["$.t".parse().unwrap()],
    });
    file
}

fn with_votes(credentials: bool) -> File {
    let mut file = file();
    file.listeners[0].routes[0].answers = Some(Answers {
        canaries: Vec::new(),
        vote: Some(Vote {
            share: Ratio::percent(100),
            credentials,
        }),
        ignore: vec!["$.t".parse().unwrap()],
    });
    file
}

fn count(rig: &Rig, result: Checked) -> u64 {
    let route = rig.counters().routes.remove(0);
    let mut all = route.checked.into_iter();
    all.find(|(known, _)| *known == result).unwrap().1
}

/// All that was told so far.
#[derive(Default)]
struct Told(Mutex<Vec<Notice>>);

impl Told {
    fn take(&self, rig: &Rig) -> Vec<Notice> {
        let mut all = self.0.lock().unwrap();
        all.extend(rig.gateway.take_notices());
        all.clone()
    }

    /// By ordinal, how often its canaries were right, and wrong.
    fn canaries(&self, rig: &Rig) -> BTreeMap<u32, (u32, u32)> {
        let mut sums: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for notice in self.take(rig) {
            if let Notice::Canary {
                instance,
                canary,
                wrong,
            } = notice
            {
                assert_eq!(&*canary, "GET /known?a=1");
                let sum = sums.entry(instance.ordinal).or_default();
                sum.0 += u32::from(wrong.is_none());
                sum.1 += u32::from(wrong.is_some());
            }
        }
        sums
    }

    /// By ordinal, how often it agreed, was alone, or in a vote without a majority.
    fn votes(&self, rig: &Rig) -> BTreeMap<u32, [u32; 3]> {
        let mut sums: BTreeMap<u32, [u32; 3]> = BTreeMap::new();
        for notice in self.take(rig) {
            if let Notice::Vote {
                instance, ballot, ..
            } = notice
            {
                let at = match ballot {
                    Ballot::Agrees => 0,
                    Ballot::Minority => 1,
                    Ballot::Split => 2,
                };
                sums.entry(instance.ordinal).or_default()[at] += 1;
            }
        }
        sums
    }
}

#[tokio::test]
async fn canaries_tell_the_wrong_one_and_count_for_nobody() {
    let backends = [
        Backend::start(|_| json(r#"{"t":1,"a":7}"#)).await,
        Backend::start(|_| json(r#"{"a":8}"#)).await,
        Backend::start(|_| json(r#"{ "a": 7, "t": 2 }"#)).await,
    ];
    let rig = Rig::with(
        &with_canary(r#"{"a":7}"#),
        &[&backends[0], &backends[1], &backends[2]],
    );
    let told = Told::default();
    let sums = until("each was asked twice", || async {
        let sums = told.canaries(&rig);
        let asked = sums.values().filter(|(right, wrong)| right + wrong > 1);
        (asked.count() == 3).then_some(sums)
    })
    .await;
    for (ordinal, (right, wrong)) in sums {
        assert_eq!((right == 0, wrong == 0), (ordinal == 1, ordinal != 1));
    }
    let wrong = told.take(&rig).into_iter().find_map(|notice| match notice {
        Notice::Canary { wrong, .. } => wrong,
        _ => None,
    });
    let wrong = wrong.unwrap();
    assert!(
        wrong.starts_with("expected 200 with 7 bytes, hash "),
        "{wrong}"
    );
    assert!(wrong.ends_with(r#": "{\"a\":8}""#), "{wrong}");
    let asked = backends[0].requests();
    assert!(asked.iter().all(|one| marked(one, "canary")));
    assert!(asked[0].head.starts_with("GET /known?a=1 HTTP/1.1\r\n"));
    assert!(
        asked[0]
            .head
            .to_lowercase()
            .contains("\r\nhost: 127.0.0.1:")
    );
    let counters = rig.counters();
    assert_eq!(counters.routes[0].requests, 0);
    for endpoint in &counters.endpoints {
        assert_eq!(endpoint.report.attempts, 0);
        assert!(!endpoint.ejected());
    }
    assert!(count(&rig, Checked::CanaryRight) >= 4);
    assert!(count(&rig, Checked::CanaryWrong) >= 2);
}

#[tokio::test]
async fn no_answer_and_an_error_are_no_wrong_answers() {
    let backends = [
        Backend::start(|_| status(500)).await,
        Backend::start(|_| Act::Close).await,
        Backend::start(|_| Act::Hang).await,
        Backend::start(|_| status(429)).await,
    ];
    let all: Vec<&Backend> = backends.iter().collect();
    let rig = Rig::with(&with_canary("x"), &all);
    until("they are asked", || async {
        (count(&rig, Checked::CanaryUnanswered) >= 8).then_some(())
    })
    .await;
    assert!(Told::default().canaries(&rig).is_empty());
    assert!(rig.counters().endpoints.iter().all(|one| !one.ejected()));
}

#[tokio::test]
async fn only_who_is_probed_here_and_admitted_gets_canaries() {
    let backends = [
        Backend::start(|_| ok("x")).await,
        Backend::start(|_| ok("x")).await,
        Backend::start(|_| ok("x")).await,
    ];
    let rig = Rig::new(&with_canary("x"));
    let addresses: Vec<_> = backends.iter().map(|one| one.address).collect();
    let mut views = crate::rig::views(&addresses);
    views[1].own = false;
    views[2].admitted = false;
    rig.gateway.publish(views);
    until("one is asked", || async {
        (count(&rig, Checked::CanaryRight) >= 3).then_some(())
    })
    .await;
    assert!(backends[1].requests().is_empty() && backends[2].requests().is_empty());
}

#[tokio::test]
async fn while_one_is_wrong_those_that_others_probe_are_asked_as_well() {
    let backends = [
        Backend::start(|_| ok("wrong")).await,
        Backend::start(|_| ok("right")).await,
    ];
    let rig = Rig::new(&with_canary("right"));
    let addresses: Vec<_> = backends.iter().map(|one| one.address).collect();
    let mut views = crate::rig::views(&addresses);
    views[1].own = false;
    rig.gateway.publish(views.clone());
    let told = Told::default();
    until("both are asked", || async {
        let sums = told.canaries(&rig);
        let (right, wrong) = (sums.get(&1)?.0, sums.get(&0)?.1);
        (right > 0 && wrong > right).then_some(())
    })
    .await;
    // Once it is out, there is nothing to compare with any more.
    views[0].admitted = false;
    rig.gateway.publish(views);
    until("the other one is left alone", || async {
        let before = backends[1].requests().len();
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        (backends[1].requests().len() == before).then_some(())
    })
    .await;
}

/// Answers alike, but for the time.
fn replica(value: u32) -> impl Fn(&Seen) -> Act + Send + Sync {
    move |seen| json(&format!(r#"{{"t":{},"a":{value}}}"#, seen.head.len()))
}

#[tokio::test]
async fn votes_under_load_accuse_the_wrong_one_alone() {
    let backends = [
        Backend::start(replica(7)).await,
        Backend::start(replica(7)).await,
        Backend::start(replica(8)).await,
        Backend::start(replica(7)).await,
    ];
    let all: Vec<&Backend> = backends.iter().collect();
    let rig = Rig::with(&with_votes(false), &all);
    let told = Told::default();
    let votes = until("enough votes", || async {
        assert_eq!(rig.get("/a?b=1").await.status, 200);
        let votes = told.votes(&rig);
        let alone = votes.get(&2).map_or(0, |[_, alone, _]| *alone);
        (alone >= 10 && votes.len() == 4).then_some(votes)
    })
    .await;
    for (ordinal, [agreed, alone, split]) in votes {
        assert_eq!(
            (agreed == 0, alone == 0, split),
            (ordinal == 2, ordinal != 2, 0)
        );
    }
    let said = told.take(&rig).into_iter().find_map(|notice| match notice {
        Notice::Vote {
            ballot: Ballot::Minority,
            said,
            ..
        } => Some(said),
        _ => None,
    });
    let said = said.unwrap();
    assert!(said.starts_with("on route root: app/"), "{said}");
    assert!(!said.contains("b=1") && !said.contains("\"a\""), "{said}");
    let route = rig.settled().await;
    let attempts: u64 = rig
        .counters()
        .endpoints
        .iter()
        .map(|one| one.report.attempts)
        .sum();
    assert_eq!((route.failed, attempts), (0, route.requests));
    let copies = backends.iter().flat_map(|one| one.requests());
    let copy = copies.into_iter().find(|one| marked(one, "vote")).unwrap();
    assert!(
        copy.head.starts_with("GET /a?b=1 HTTP/1.1\r\n"),
        "{}",
        copy.head
    );
    assert!(copy.head.contains("x-request-id: "), "{}", copy.head);
    assert!(
        copy.head.contains("x-deadline-ms: 2000\r\n"),
        "{}",
        copy.head
    );
    assert!(count(&rig, Checked::VoteAgreed) + count(&rig, Checked::VoteMinority) >= 10);
    assert_eq!(count(&rig, Checked::VoteSplit), 0);
}

#[tokio::test]
async fn two_that_differ_accuse_each_other() {
    let backends = [
        Backend::start(replica(7)).await,
        Backend::start(replica(8)).await,
    ];
    let rig = Rig::with(&with_votes(false), &[&backends[0], &backends[1]]);
    rig.get("/").await;
    until("the vote is over", || async {
        (count(&rig, Checked::VoteSplit) == 1).then_some(())
    })
    .await;
    let votes = Told::default().votes(&rig);
    assert_eq!(
        votes.into_iter().collect::<Vec<_>>(),
        [(0, [0, 0, 1]), (1, [0, 0, 1])]
    );
}

#[tokio::test]
async fn only_what_may_be_asked_of_others_is() {
    let large = "x".repeat(65_537);
    let answers = move |seen: &Seen| match seen.head.split(' ').nth(1) {
        Some("/large") => ok(&large),
        Some("/none") => status(404),
        _ => ok("x"),
    };
    let backends = [
        Backend::start(answers.clone()).await,
        Backend::start(answers.clone()).await,
        Backend::start(answers).await,
    ];
    let all: Vec<&Backend> = backends.iter().collect();
    let copies = || -> usize {
        let of = |one: &&Backend| {
            one.requests()
                .iter()
                .filter(|one| marked(one, "vote"))
                .count()
        };
        all.iter().map(of).sum()
    };
    let refused = [
        "GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nCookie: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nX-Ninefold-Check: vote\r\n\r\n",
        "GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /none HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
    ];
    let rig = Rig::with(&with_votes(false), &all);
    for request in refused {
        rig.once(request).await;
    }
    // What is conditional is asked of others without its conditions.
    let conditional = "GET /last HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n\r\n";
    rig.once(conditional).await;
    until("the last one is voted on", || async {
        (count(&rig, Checked::VoteAgreed) == 1).then_some(())
    })
    .await;
    // The mark of the client's own is one of them.
    assert_eq!(copies(), 3);
    for copy in all.iter().flat_map(|one| one.requests()) {
        if copy.head.starts_with("GET /last") && marked(&copy, "vote") {
            assert!(
                !copy.head.to_lowercase().contains("if-none-match"),
                "{}",
                copy.head
            );
        }
    }
    let rig = Rig::with(&with_votes(true), &all);
    rig.once(refused[0]).await;
    until("credentials are declared", || async {
        (count(&rig, Checked::VoteAgreed) == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn there_is_an_end_to_how_many_are_voted_on() {
    // Who is asked for a vote never answers, so that none ends.
    let answers = |seen: &Seen| {
        if marked(seen, "vote") {
            Act::Hang
        } else {
            ok("x")
        }
    };
    let backends = [
        Backend::start(answers).await,
        Backend::start(answers).await,
        Backend::start(answers).await,
    ];
    let all: Vec<&Backend> = backends.iter().collect();
    let rig = Rig::with(&with_votes(false), &all);
    for _ in 0..200 {
        assert_eq!(rig.get("/").await.body, "x");
    }
    assert!(count(&rig, Checked::VoteUnanswered) > 0);
    let votes = all.iter().flat_map(|one| one.requests());
    let votes = votes.filter(|one| marked(one, "vote")).count();
    // On two threads 16 votes, of two others each, which take 2 s; a few seconds at most.
    assert!((1..=2 * 16 * 2 * 3).contains(&votes), "{votes}");
    let route = rig.settled().await;
    assert_eq!((route.ok, route.failed), (200, 0));
}

#[tokio::test]
async fn a_wrong_body_that_is_injected_is_found_by_both() {
    let backends = [
        Backend::start(|_| ok("right")).await,
        Backend::start(|_| ok("right")).await,
        Backend::start(|_| ok("right")).await,
    ];
    let mut file = with_canary("right");
    let vote = with_votes(false).listeners[0].routes[0].answers.clone();
    let answers = file.listeners[0].routes[0].answers.as_mut().unwrap();
    answers.vote = vote.unwrap().vote;
    let rig = Rig::with(&file, &[&backends[0], &backends[1], &backends[2]]);
    rig.gateway
        .inject(&FaultNotice {
            id: "f-1".to_owned(),
            kind: "wrong_body".to_owned(),
            targets: vec![InstanceId::new("app", 1)],
            nodes: Vec::new(),
            claim: None,
            ttl_ns: 60_000_000_000,
            gateway: Some(GatewayFault {
                share_percent: 100,
                header: None,
                effect: FaultEffect::WrongBody,
            }),
        })
        .unwrap();
    let told = Told::default();
    until("both have found it", || async {
        let mut plain = rig.connect().await;
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        plain.send(request).await;
        // Some bodies are no text.
        assert_eq!(plain.head().await.unwrap().status, 200);
        plain.rest().await;
        let alone = told.votes(&rig).get(&1).map_or(0, |[_, alone, _]| *alone);
        let wrong = told.canaries(&rig).get(&1).map_or(0, |(_, wrong)| *wrong);
        (alone > 2 && wrong > 1).then_some(())
    })
    .await;
    let votes = told.votes(&rig);
    let others = votes.iter().filter(|(ordinal, _)| **ordinal != 1);
    assert!(
        others
            .into_iter()
            .all(|(_, [_, alone, split])| alone + split == 0)
    );
}
