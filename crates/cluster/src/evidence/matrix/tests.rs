use ninefold_core::taxonomy::FailureClass;

use super::super::{Hypothesis, Ledger};
use super::*;

/// Five nodes in three zones, each of which asks all others.
struct Scene {
    nodes: Vec<Known>,
    /// By observer and subject, where it is not `answers`.
    edges: BTreeMap<(usize, usize), (Sign, Option<Sign>)>,
    /// Those that are not heard of any more.
    unheard: BTreeSet<usize>,
    stalled: BTreeSet<usize>,
    matrix: Matrix,
    ledger: Ledger,
    now: Timestamp,
}

const NODES: usize = 5;

fn name(n: usize) -> Arc<str> {
    format!("n{n}").into()
}

fn node(n: usize) -> Subject {
    Subject::Node(name(n))
}

fn zone(zone: &str) -> Subject {
    Subject::Zone(zone.into())
}

impl Scene {
    fn new() -> Self {
        let zones = ["a", "b", "c"];
        let known = |n: usize| Known {
            name: name(n),
            zone: zones.get((n - 1) % 3).map(|zone| (*zone).into()),
            process: Some(n as u64),
            alive: true,
            host: HostWord::Unasked,
        };
        let mut scene = Self {
            nodes: (1..=NODES).map(known).collect(),
            edges: BTreeMap::new(),
            unheard: BTreeSet::new(),
            stalled: BTreeSet::new(),
            matrix: Matrix::default(),
            ledger: Ledger::new(),
            now: Timestamp::from_secs(100),
        };
        scene.seconds(3);
        scene
    }

    fn seconds(&mut self, many: u64) {
        for _ in 0..many {
            self.now = self.now + Duration::from_secs(1);
            let reports: Vec<Report> = (1..=NODES)
                .filter(|n| !self.unheard.contains(n))
                .map(|n| self.report(n))
                .collect();
            for evidence in self.matrix.step(&self.nodes, &reports, self.now) {
                self.ledger.learn(evidence, self.now);
            }
        }
    }

    fn report(&self, n: usize) -> Report {
        let there = |of: &usize| {
            let mut nodes = self.nodes.iter();
            let node = nodes.find(|node| node.name == name(*of));
            node.is_some_and(|node| node.alive || node.host == HostWord::Hung)
        };
        let subjects = (1..=NODES).filter(|of| *of != n && there(of));
        let edge = |of: usize| {
            let said = self.edges.get(&(n, of)).copied();
            (name(of), said.unwrap_or((Sign::Answers, None)))
        };
        Report {
            observer: name(n),
            health: Health::FULL,
            stalled: self.stalled.contains(&n),
            edges: subjects.map(edge).collect(),
        }
    }

    /// All others get this of it.
    fn all_say(&mut self, of: usize, sign: Sign, relay: Option<Sign>) {
        for n in (1..=NODES).filter(|n| *n != of) {
            self.edges.insert((n, of), (sign, relay));
        }
    }

    fn goes(&mut self, n: usize, host: HostWord) {
        self.unheard.insert(n);
        self.all_say(n, Sign::Silent, Some(Sign::Nacked));
        self.seconds(1);
        self.nodes[n - 1].alive = false;
        self.nodes[n - 1].host = host;
        if host == HostWord::Hung {
            self.all_say(n, Sign::Unserved, None);
        }
        self.seconds(1);
    }

    fn returns(&mut self, n: usize, process: u64) {
        self.nodes[n - 1].alive = true;
        self.nodes[n - 1].process = Some(process);
        self.unheard.remove(&n);
        self.edges.clear();
    }

    fn class(&self, subject: &Subject) -> Option<FailureClass> {
        self.ledger.opinion(subject, self.now).verdict
    }

    /// Those that are not well.
    fn failed(&self) -> Vec<(String, FailureClass)> {
        let failed = |one: &Subject| Some((one.to_string(), self.class(one)?));
        self.ledger.subjects().filter_map(failed).collect()
    }
}

#[test]
fn a_node_that_ends_crashed_and_one_that_began_anew_is_well() {
    for host in [HostWord::Ended, HostWord::Silent, HostWord::Unasked] {
        let mut scene = Scene::new();
        assert_eq!(scene.failed(), []);
        scene.goes(2, host);
        let crashed = ("node n2".to_owned(), FailureClass::CrashStop);
        assert_eq!(scene.failed(), vec![crashed.clone()], "{host:?}");
        scene.seconds(600);
        assert_eq!(scene.failed(), [crashed], "it stays what it was: {host:?}");
        scene.returns(2, 77);
        scene.seconds(2);
        assert_eq!(scene.failed(), [], "{host:?}");
    }
}

#[test]
fn an_end_that_its_host_tells_at_once_needs_no_silence() {
    let mut scene = Scene::new();
    scene.unheard.insert(2);
    scene.nodes[1].alive = false;
    scene.nodes[1].host = HostWord::Ended;
    scene.seconds(1);
    assert_eq!(scene.class(&node(2)), Some(FailureClass::CrashStop));
}

#[test]
fn what_looked_like_links_at_first_is_a_node_and_no_link() {
    let mut scene = Scene::new();
    for n in [1, 4] {
        scene.edges.insert((n, 2), (Sign::Silent, None));
    }
    scene.seconds(1);
    scene.goes(2, HostWord::Silent);
    let crashed = ("node n2".to_owned(), FailureClass::CrashStop);
    assert_eq!(scene.failed(), [crashed]);
}

#[test]
fn one_whose_kernel_accepts_is_late() {
    let mut scene = Scene::new();
    scene.goes(2, HostWord::Hung);
    assert_eq!(scene.class(&node(2)), Some(FailureClass::Timing));
}

#[test]
fn one_that_is_back_as_the_same_process_did_not_crash() {
    let mut scene = Scene::new();
    scene.goes(2, HostWord::Silent);
    assert_eq!(scene.class(&node(2)), Some(FailureClass::CrashStop));
    // It answers before it has told who it is.
    scene.returns(2, 2);
    scene.nodes[1].process = None;
    scene.unheard.insert(2);
    scene.seconds(1);
    assert_ne!(scene.class(&node(2)), None);
    scene.unheard.clear();
    scene.nodes[1].process = Some(2);
    scene.seconds(1);
    assert_eq!(scene.class(&node(2)), Some(FailureClass::Omission));
    scene.seconds(1);
    assert_eq!(scene.failed(), []);
}

#[test]
fn that_it_survived_once_says_nothing_of_the_next_time() {
    let mut scene = Scene::new();
    scene.goes(2, HostWord::Silent);
    scene.returns(2, 2);
    scene.seconds(3);
    assert_eq!(scene.failed(), []);
    scene.goes(2, HostWord::Ended);
    assert_eq!(scene.class(&node(2)), Some(FailureClass::CrashStop));
}

#[test]
fn one_that_is_back_and_never_tells_who_it_is_is_well() {
    let mut scene = Scene::new();
    scene.goes(2, HostWord::Silent);
    scene.returns(2, 2);
    scene.nodes[1].process = None;
    scene.seconds(6);
    assert_eq!(scene.failed(), []);
}

#[test]
fn three_ends_in_a_minute_are_a_loop() {
    let mut scene = Scene::new();
    for process in 10..13 {
        scene.goes(3, HostWord::Ended);
        scene.returns(3, process);
        scene.seconds(3);
    }
    assert_eq!(scene.class(&node(3)), Some(FailureClass::CrashRecovery));
}

#[test]
fn a_way_that_is_closed_is_no_node_and_has_a_direction() {
    let mut scene = Scene::new();
    // n1 hears n2 and gets no answer; n2 hears nothing of n1.
    scene
        .edges
        .insert((1, 2), (Sign::OneWay, Some(Sign::Reached)));
    scene
        .edges
        .insert((2, 1), (Sign::Silent, Some(Sign::Reached)));
    scene.seconds(2);
    let closed = ("link n1 to n2".to_owned(), FailureClass::Omission);
    assert_eq!(scene.failed(), [closed]);
    scene.edges.clear();
    scene.seconds(15);
    assert_eq!(scene.failed(), []);
    scene
        .edges
        .insert((4, 5), (Sign::Lossy, Some(Sign::Reached)));
    scene.edges.insert((5, 4), (Sign::Lossy, None));
    scene.seconds(2);
    let both = ["link n4 to n5", "link n5 to n4"];
    let both = both.map(|one| (one.to_owned(), FailureClass::Omission));
    assert_eq!(scene.failed(), both);
}

#[test]
fn one_that_all_lose_packets_of_is_a_node_and_no_link() {
    let mut scene = Scene::new();
    scene.all_say(4, Sign::Lossy, Some(Sign::Reached));
    scene.seconds(2);
    assert_eq!(
        scene.failed(),
        [("node n4".to_owned(), FailureClass::Omission)]
    );
}

#[test]
fn one_that_accuses_most_is_the_cause_and_counts_for_nothing() {
    let mut scene = Scene::new();
    for n in [1, 2, 3, 5] {
        scene.edges.insert((4, n), (Sign::Silent, None));
    }
    scene.seconds(5);
    assert_eq!(scene.failed(), []);
}

#[test]
fn one_that_stands_still_again_and_again_is_late() {
    let mut scene = Scene::new();
    scene.stalled.insert(5);
    scene.all_say(5, Sign::Late, None);
    scene.seconds(2);
    assert_eq!(
        scene.failed(),
        [("node n5".to_owned(), FailureClass::Timing)]
    );
}

#[test]
fn a_zone_that_is_silent_as_a_whole_has_failed_as_well() {
    let mut scene = Scene::new();
    scene.goes(1, HostWord::Silent);
    assert_eq!(scene.class(&zone("a")), None, "n4 is there");
    scene.goes(4, HostWord::Silent);
    assert_eq!(scene.class(&zone("a")), Some(FailureClass::CrashStop));
    assert_eq!(scene.class(&zone("b")), None);
    let opinion = scene.ledger.opinion(&zone("a"), scene.now);
    assert!(opinion.share(Hypothesis::Failed(FailureClass::CrashStop)) > 0.9);
}

#[test]
fn what_is_kept_is_bounded_by_the_members() {
    let mut scene = Scene::new();
    scene.goes(1, HostWord::Silent);
    scene.nodes.retain(|node| &*node.name == "n3");
    scene.seconds(1);
    let Matrix {
        words,
        processes,
        failed,
        said,
    } = &scene.matrix;
    assert!(words.len() <= 1 && processes.len() <= 1 && failed.is_empty() && said.len() <= NODES);
}
