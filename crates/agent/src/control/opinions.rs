//! What all observers' evidence amounts to: the ledger of [`ninefold_cluster::evidence`], fed by everybody who sees
//! something, and asked about everybody who is spoken of.
//!
//! The detector's verdicts on instances decide what is done; an opinion says how sure that is and who saw what. On
//! nodes, links and zones the ledger alone says which failure it is. [`said`] puts what is seen into its words.

mod accusers;
mod pending;
mod said;
mod together;
mod weigh;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ninefold_cluster::evidence::gate::Onsets;
use ninefold_cluster::evidence::matrix::Matrix;
use ninefold_cluster::evidence::{
    Channel, Evidence, Health, Hypothesis, Ledger, Line, Observer, Said, Sign, Subject,
};
use ninefold_cluster::membership::{Path, Status};
use ninefold_core::event::{EventKind, Opinion};
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{Observation, Seen};
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::{Timestamp, nanos};

use self::accusers::Accusers;
use self::pending::Pending;
use self::said::Condition;
use super::core::{Control, now};
use crate::cluster::words::{self, Heard, Words};
use crate::cluster::{Edges, View};

/// How often everybody is judged anew; of whom there is news is at once.
const EVERY: Duration = Duration::from_secs(1);
/// That something is wrong and nobody knows what, that it is a link, or that it is well again, must hold for so long
/// before it is said.
const HOLD: Duration = Duration::from_secs(1);
/// What one node alone says of what another one runs may be the way between them, which shows within that time.
const AFAR_HOLD: Duration = Duration::from_secs(3);
/// Shorter stalls of this node explain no silence: who asks it waits for 200 ms at most, and then others do.
const STALL_MIN: Duration = Duration::from_millis(400);
/// For so long a stall of this node is told.
const STALL_TOLD: Duration = Duration::from_secs(20);
/// Spent accounts are forgotten so often.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// Who says whether failures began together.
const GATE: &str = "gate";
/// What callers met counts for so long, where they meet nothing else.
const MET_LATELY: Duration = Duration::from_secs(10);
/// Who says whether what a node passes on is whole.
const GOSSIP: &str = "gossip";
/// Within that time the second thing that is not whole is no accident.
const CORRUPT_AGAIN: Duration = Duration::from_secs(600);
/// The journal says of a node that often at most that it is not whole.
const CORRUPT_TOLD: Duration = Duration::from_secs(60);
/// Opinions that the status shows at most.
const SHOWN_MAX: usize = 64;

/// The ledger, and what follows from it.
#[derive(Debug, Default)]
pub(super) struct Opinions {
    ledger: Ledger,
    matrix: Matrix,
    nodes: Onsets,
    instances: Onsets,
    /// With whom they began to fail, and what those share.
    together: BTreeMap<Subject, String>,
    /// When what a node passed on was last not what its owner had said, and when that was last told.
    corrupt: BTreeMap<Arc<str>, (Timestamp, Timestamp)>,
    /// Those that are not well.
    failed: BTreeMap<Subject, Failed>,
    /// Another opinion than the one that was said, and since when.
    pending: BTreeMap<Subject, Pending>,
    /// For how long this node stood still so far, and when last for long.
    stalled: (u64, Option<Timestamp>),
    accusers: Accusers,
    /// When callers last met something wrong at an instance.
    met: BTreeMap<InstanceId, Timestamp>,
    judged: Timestamp,
    tidied: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    class: FailureClass,
    since: Timestamp,
}

impl Opinions {
    fn sign(&mut self, subject: Subject, observer: &str, said: Said, at: Timestamp) {
        self.learn(subject, Observer::new(observer), said, at);
    }

    fn learn(&mut self, subject: Subject, observer: Observer, said: Said, at: Timestamp) {
        let evidence = Evidence {
            subject,
            observer,
            at,
            health: Health::FULL,
            said,
        };
        self.ledger.learn(evidence, at);
    }

    /// Somebody has found that it answers wrongly: that it agreed with others before says nothing of what it answers now.
    fn answered_wrongly(&mut self, subject: &Subject, said: Said, at: Timestamp) {
        if matches!(said, Said::Sign(Sign::Wrong | Sign::Minority)) {
            let agreed = Said::Nothing(Channel::Vote);
            self.sign(subject.clone(), said::VOTES, agreed, at);
        }
    }

    /// The same of an instance, and seen here: others are told.
    fn see(&mut self, instance: &InstanceId, observer: &str, said: Said, at: Timestamp) {
        self.accusers.see(instance, observer, said);
        let subject = Subject::Instance(instance.clone());
        self.answered_wrongly(&subject, said, at);
        self.sign(subject, observer, said, at);
    }

    /// What a node passed on, or keeps, is not what its owner had said. Once it may have been the memory of who says so;
    /// twice within minutes it is that node's. Whether that is to be told: what has turned for good is met at every comparison.
    pub(super) fn corrupt(&mut self, node: &str, at: Timestamp) -> bool {
        self.corrupt
            .retain(|_, (last, _)| at.since(*last) < CORRUPT_AGAIN);
        let Some((last, told)) = self.corrupt.get_mut(node) else {
            self.corrupt.insert(node.into(), (at, at));
            return true;
        };
        *last = at;
        let tell = at.since(*told) >= CORRUPT_TOLD;
        if tell {
            *told = at;
        }
        let wrong = Said::Sign(Sign::Wrong);
        self.sign(Subject::Node(node.into()), GOSSIP, wrong, at);
        tell
    }

    /// Whether nothing is said now that would end what callers met a short while ago: a gateway keeps away from who fails, so
    /// it meets little.
    fn still_holds(&mut self, instance: &InstanceId, said: Said, at: Timestamp) -> bool {
        match said {
            Said::Sign(sign) if sign.accuses() => {
                self.met.insert(instance.clone(), at);
                false
            }
            Said::Nothing(_) => {
                let holds = |then: &Timestamp| at.since(*then) < MET_LATELY;
                let holds = self.met.get(instance).is_some_and(holds);
                if !holds {
                    self.met.remove(instance);
                }
                holds
            }
            Said::Sign(_) | Said::Lives(_) | Said::Ended(_) => {
                self.met.remove(instance);
                false
            }
        }
    }

    /// What is known of a process does not hold of the next one.
    fn forget_seen(&mut self, instance: &InstanceId) {
        self.accusers.forget(instance);
        self.met.remove(instance);
    }

    /// What others are to be told of instances.
    pub(super) fn words(&self) -> BTreeMap<InstanceId, Words> {
        self.accusers.words()
    }

    /// What others tell of instances; what they tell no more does not hold. Returns of whom it is news.
    fn hear(&mut self, words: Vec<Heard>, at: Timestamp) -> BTreeSet<Subject> {
        let mut news = BTreeSet::new();
        for heard in &words {
            let subject = Subject::Instance(heard.instance.clone());
            if self.accusers.is_news(heard) {
                self.answered_wrongly(&subject, Said::Sign(heard.sign), at);
                news.insert(subject.clone());
            }
            let observer = heard.observer.clone();
            self.learn(subject, observer, Said::Sign(heard.sign), at);
        }
        for (instance, observer, channel) in self.accusers.hear(words) {
            let subject = Subject::Instance(instance);
            self.learn(subject, observer, Said::Nothing(channel), at);
        }
        news
    }

    /// Whether this node stood still a short while ago, for so long that others may have missed it.
    fn stalled(&mut self, stalled_ns: u64, at: Timestamp) -> bool {
        let (before, last) = &mut self.stalled;
        if stalled_ns.saturating_sub(*before) >= nanos(STALL_MIN) {
            *last = Some(at);
        }
        *before = stalled_ns;
        last.is_some_and(|last| at.since(last) < STALL_TOLD)
    }

    /// What is thought of a subject now, where that is another thing than what was said of it. It must hold for a
    /// moment where it is not sure, and for so long as `hold` asks, unless its host vouches for it.
    fn change(
        &mut self,
        subject: &Subject,
        hold: Duration,
        at: Timestamp,
    ) -> Option<Option<FailureClass>> {
        let opinion = self.ledger.opinion(subject, at);
        let said = self.failed.get(subject).map(|failed| failed.class);
        let first = opinion.posterior.first().map(|(first, _)| *first);
        // What was named once stays as long as it leads, if by less than it takes to name it.
        let leads = said.is_some() && first == said.map(Hypothesis::Failed);
        let still = leads && opinion.margin_mdb > 0;
        let class = match opinion.verdict {
            Some(FailureClass::Unknown) if still => said,
            verdict => verdict,
        };
        if class == said {
            self.pending.remove(subject);
            return None;
        }
        // What a node fails with shows at its links first.
        let link = matches!(subject, Subject::Link { .. });
        let sure = class.is_some_and(|class| class != FailureClass::Unknown) && !link;
        let by_host = |line: &Line| {
            let process = matches!(line.sign.channel(), Channel::Process | Channel::Incarnation);
            process && line.sign.accuses()
        };
        let vouched = opinion.lines.iter().any(by_host);
        let new = Pending::new(class, at);
        let pending = self.pending.entry(subject.clone()).or_insert(new);
        pending.think(class, at);
        let as_class = if sure { Duration::ZERO } else { HOLD };
        let at_all = if vouched { Duration::ZERO } else { hold };
        if !pending.has_held(as_class, at_all, at) {
            return None;
        }
        self.pending.remove(subject);
        Some(class)
    }

    /// What is said of a subject from now on.
    fn told(&mut self, subject: &Subject, class: Option<FailureClass>, at: Timestamp) -> Opinion {
        let before = self.failed.get(subject).map(|failed| failed.since);
        let since = before.unwrap_or(at);
        match class {
            Some(class) => drop(self.failed.insert(subject.clone(), Failed { class, since })),
            None => drop(self.failed.remove(subject)),
        }
        let mut opinion = self.ledger.opinion(subject, at).told(subject, since);
        if class.is_some() {
            opinion.together = self.together.get(subject).cloned();
        } else {
            self.together.remove(subject);
            // Whether it failed with others says nothing of its next failure.
            let onset = Said::Nothing(Channel::Onset);
            self.sign(subject.clone(), GATE, onset, at);
        }
        opinion
    }
}

impl Control {
    /// One observation about an instance.
    pub(super) fn weigh(&mut self, observation: &Observation) {
        let Observation { instance, at, seen } = observation;
        if let Seen::Callers(report) = seen {
            // Others are taken together once a second.
            if report.failures() > 0 {
                self.weigh_callers_of(instance, &self.beyond(), *at);
                self.judge_subject(&Subject::Instance(instance.clone()), *at);
            }
            return;
        }
        if matches!(seen, Seen::Ejected { .. }) && self.is_on(instance, &self.beyond()) {
            return;
        }
        let subject = Subject::Instance(instance.clone());
        let opinions = &mut self.opinions;
        match seen {
            // What was known of it is no evidence on what comes next.
            Seen::Exited { expected: true, .. } | Seen::NodeLost { .. } => {
                opinions.forget_seen(instance);
                opinions.ledger.forget(&subject);
            }
            // What was seen of the process before says nothing of another one, nor of why it ended.
            Seen::Started { .. } | Seen::Exited { .. } => {
                opinions.forget_seen(instance);
                opinions.ledger.renew(&subject, *at);
            }
            _ => {}
        }
        let detector = &self.parts.detector;
        let is = Condition {
            starting: detector.is_starting(instance),
            often_alone: detector.is_often_alone(instance),
        };
        let said = said::of(seen, is);
        if said.is_empty() {
            return;
        }
        for (observer, said) in said {
            self.opinions.see(instance, observer, said, *at);
        }
        self.judge_subject(&subject, *at);
    }

    /// What nodes say of each other.
    pub(super) fn weigh_members(&mut self, view: &View) {
        let at = now();
        let nodes = weigh::known(view);
        let own = self.edges(view);
        let observer = view.members.iter().find(|member| member.id == view.me);
        let (mut reports, mut heard_words) = (Vec::new(), Vec::new());
        reports.extend(observer.map(|member| own.report(&member.name, view)));
        for member in &view.members {
            let heard = member.status == Status::Alive && member.path != Some(Path::Silent);
            if member.id != view.me && heard {
                let edges = Edges::read(member);
                reports.extend(edges.map(|edges| edges.report(&member.name, view)));
                heard_words.extend(words::read(member));
            }
        }
        heard_words.retain(|heard| self.parts.detector.facts(&heard.instance).is_some());
        let opinions = &mut self.opinions;
        let news = opinions.hear(heard_words, at);
        for evidence in opinions.matrix.step(&nodes, &reports, at) {
            opinions.ledger.learn(evidence, at);
        }
        let gone = |subject: &&Subject| match subject {
            Subject::Node(name) => nodes.iter().all(|node| node.name != *name),
            _ => false,
        };
        let gone: Vec<Subject> = opinions.ledger.subjects().filter(gone).cloned().collect();
        for subject in gone {
            opinions.ledger.forget(&subject);
        }
        let subjects = opinions.ledger.subjects();
        let subjects = subjects.filter(|one| !matches!(one, Subject::Instance(_)));
        let subjects: Vec<Subject> = subjects.cloned().collect();
        for subject in subjects.into_iter().chain(news) {
            self.judge_subject(&subject, at);
        }
    }

    /// What this node tells others of its edges.
    pub(super) fn edges(&mut self, view: &View) -> Edges {
        let stalled = self.opinions.stalled(view.counters.stalled_ns, now());
        Edges::of(view, stalled)
    }

    /// Judges everybody who is spoken of, once a second.
    pub(super) fn weigh_all(&mut self) {
        let at = now();
        if at.since(self.opinions.judged) < EVERY {
            return;
        }
        self.opinions.judged = at;
        if at.since(self.opinions.tidied) >= TIDY_EVERY {
            self.opinions.tidied = at;
            self.opinions.ledger.tidy(at);
        }
        let beyond = self.beyond();
        self.weigh_callers(&beyond, at);
        self.weigh_ranks(&beyond, at);
        self.weigh_probes(at);
        let cluster = self.cluster.as_ref();
        if let Some(view) = cluster.map(|cluster| cluster.gossip.shared().view()) {
            self.weigh_members(&view);
        }
        let opinions = &mut self.opinions;
        let subjects = opinions.ledger.subjects().chain(opinions.failed.keys());
        let subjects: BTreeSet<Subject> = subjects.cloned().collect();
        opinions
            .pending
            .retain(|subject, _| subjects.contains(subject));
        // The others have just been judged with what members say, but for those that nobody speaks of any more.
        let left = |subject: &Subject| {
            matches!(subject, Subject::Instance(_)) || !opinions.ledger.knows(subject)
        };
        let left: Vec<Subject> = subjects.into_iter().filter(left).collect();
        for subject in left {
            self.judge_subject(&subject, at);
        }
    }

    fn judge_subject(&mut self, subject: &Subject, at: Timestamp) {
        let from_afar = !self.opinions.failed.contains_key(subject) && self.is_from_afar(subject);
        let hold = if from_afar { AFAR_HOLD } else { Duration::ZERO };
        let Some(mut class) = self.opinions.change(subject, hold, at) else {
            return;
        };
        if class.is_some() && !self.opinions.failed.contains_key(subject) {
            let shares = self.shares(subject);
            self.opinions.onset(subject, &shares, at);
            class = self.opinions.ledger.opinion(subject, at).verdict.or(class);
        }
        let opinion = self.opinions.told(subject, class, at);
        self.record(EventKind::Opinion(Box::new(opinion)));
    }

    /// Whether it is an instance that one other node alone does not reach as it should.
    fn is_from_afar(&self, subject: &Subject) -> bool {
        let (Subject::Instance(instance), Some(cluster)) = (subject, &self.cluster) else {
            return false;
        };
        let facts = self.parts.detector.facts(instance);
        let home = facts.and_then(|facts| facts.node.as_ref());
        let accusers = &self.opinions.accusers;
        home.is_some_and(|home| accusers.is_from_afar(instance, &cluster.name, home))
    }

    /// Nobody asks about an instance any more.
    pub(super) fn forget_opinion(&mut self, instance: &InstanceId) {
        let subject = Subject::Instance(instance.clone());
        let opinions = &mut self.opinions;
        opinions.ledger.forget(&subject);
        opinions.forget_seen(instance);
        opinions.failed.remove(&subject);
        opinions.pending.remove(&subject);
        opinions.together.remove(&subject);
    }

    /// What is thought of those that are not well, for the status.
    pub(super) fn opinions(&self) -> Vec<Opinion> {
        let at = now();
        let Opinions {
            failed,
            ledger,
            together,
            ..
        } = &self.opinions;
        let told = |(subject, failed): (&Subject, &Failed)| Opinion {
            class: Some(failed.class),
            together: together.get(subject).cloned(),
            ..ledger.opinion(subject, at).told(subject, failed.since)
        };
        failed.iter().take(SHOWN_MAX).map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_it_failed_with_others_once_does_not_blur_its_next_failure() {
        let mut opinions = Opinions::default();
        let node = Subject::Node("n4".into());
        let (then, later) = (Timestamp::from_secs(10), Timestamp::from_secs(150));
        opinions.learn(node.clone(), Observer::new("host"), Said::Lives(1), then);
        opinions.sign(node.clone(), GATE, Said::Sign(Sign::Shared), then);
        opinions.told(&node, Some(FailureClass::Correlated), then);
        opinions.told(&node, None, Timestamp::from_secs(12));
        opinions.learn(node.clone(), Observer::new("host"), Said::Ended(1), later);
        let crashed = Some(Some(FailureClass::CrashStop));
        assert_eq!(opinions.change(&node, Duration::ZERO, later), crashed);
    }

    #[test]
    fn what_one_alone_does_not_reach_must_hold_and_what_a_host_says_need_not() {
        let mut opinions = Opinions::default();
        let app = Subject::Instance(InstanceId::new("app", 0));
        let at = Timestamp::from_secs;
        let failing = |opinions: &mut Opinions, second| {
            let observer = Observer::new("callers of n4");
            opinions.learn(app.clone(), observer, Said::Sign(Sign::Failing), at(second));
            opinions.change(&app, AFAR_HOLD, at(second))
        };
        opinions.learn(app.clone(), Observer::new("host"), Said::Lives(1), at(9));
        let said: Vec<_> = (10..14)
            .map(|second| failing(&mut opinions, second))
            .collect();
        let unknown = Some(Some(FailureClass::Unknown));
        assert_eq!(said, [None, None, None, unknown]);
        opinions.learn(app.clone(), Observer::new("host"), Said::Ended(1), at(15));
        let crashed = Some(Some(FailureClass::CrashStop));
        assert_eq!(opinions.change(&app, AFAR_HOLD, at(15)), crashed);
    }

    #[test]
    fn who_was_named_stays_so_while_it_leads() {
        let mut opinions = Opinions::default();
        let app = Subject::Instance(InstanceId::new("app", 0));
        let at = Timestamp::from_secs;
        let recovery = Some(FailureClass::CrashRecovery);
        opinions.sign(app.clone(), "host", Said::Sign(Sign::Looping), at(10));
        assert_eq!(
            opinions.change(&app, Duration::ZERO, at(10)),
            Some(recovery)
        );
        opinions.told(&app, recovery, at(10));
        let mut unknown = 0;
        for second in 11..120 {
            for (by, sign) in [("supervisor", Sign::Alive), ("votes", Sign::Agrees)] {
                opinions.sign(app.clone(), by, Said::Sign(sign), at(second));
            }
            let verdict = opinions.ledger.opinion(&app, at(second)).verdict;
            unknown += u32::from(verdict == Some(FailureClass::Unknown));
            match opinions.change(&app, Duration::ZERO, at(second)) {
                None => {}
                Some(None) => {
                    assert!(unknown > 0, "there was nothing to hide");
                    return;
                }
                Some(class) => panic!("{class:?} after {second} s"),
            }
        }
        panic!("it is never well again");
    }

    #[test]
    fn what_callers_met_holds_until_they_are_served_or_for_a_while() {
        let mut opinions = Opinions::default();
        let instance = InstanceId::new("app", 0);
        let at = Timestamp::from_secs;
        let nothing = Said::Nothing(Channel::Callers);
        assert!(!opinions.still_holds(&instance, nothing, at(1)));
        assert!(!opinions.still_holds(&instance, Said::Sign(Sign::Failing), at(2)));
        assert!(opinions.still_holds(&instance, nothing, at(11)));
        assert!(!opinions.still_holds(&instance, nothing, at(12)));
        assert!(!opinions.still_holds(&instance, Said::Sign(Sign::Failing), at(13)));
        assert!(!opinions.still_holds(&instance, Said::Sign(Sign::Served), at(14)));
        assert!(!opinions.still_holds(&instance, nothing, at(15)));
    }

    #[test]
    fn a_node_that_changes_what_others_said_twice_is_byzantine() {
        let mut opinions = Opinions::default();
        let node = Subject::Node("n3".into());
        let at = Timestamp::from_secs;
        let mut verdict_at = |secs| {
            assert!(opinions.corrupt("n3", at(secs)), "it is news");
            opinions.ledger.opinion(&node, at(secs)).verdict
        };
        assert_eq!(verdict_at(10), None);
        // It may have been an accident each time.
        assert_eq!(verdict_at(700), None);
        assert_eq!(verdict_at(800), Some(FailureClass::Byzantine));
    }

    #[test]
    fn that_a_node_is_not_whole_is_told_once_a_minute() {
        let mut opinions = Opinions::default();
        let told = (0..180).filter(|secs| opinions.corrupt("n3", Timestamp::from_secs(10 + secs)));
        assert_eq!(told.collect::<Vec<u64>>(), [0, 60, 120]);
    }

    #[test]
    fn who_finds_it_wrong_outweighs_votes_of_before() {
        let id = InstanceId::new("app", 2);
        let instance = Subject::Instance(id.clone());
        let (then, now) = (Timestamp::from_secs(10), Timestamp::from_secs(11));
        let signs = |opinions: &Opinions| {
            let lines = opinions.ledger.opinion(&instance, now).lines;
            lines.iter().map(|line| line.sign).collect::<Vec<_>>()
        };
        let agreed = || {
            let mut opinions = Opinions::default();
            let agrees = Said::Sign(Sign::Agrees);
            opinions.see(&id, said::VOTES, agrees, then);
            opinions
        };
        let mut here = agreed();
        here.see(&id, "canaries", Said::Sign(Sign::Wrong), now);
        assert_eq!(signs(&here), [Sign::Wrong]);
        let mut elsewhere = agreed();
        let minority = || {
            vec![Heard {
                instance: id.clone(),
                node: "n5".into(),
                observer: Observer::new("votes of n5"),
                sign: Sign::Minority,
            }]
        };
        let news = elsewhere.hear(minority(), now);
        assert!(news.contains(&instance) && news.len() == 1);
        assert_eq!(signs(&elsewhere), [Sign::Minority]);
        let verdict = elsewhere.ledger.opinion(&instance, now).verdict;
        assert_eq!(verdict, Some(FailureClass::Byzantine));
        // What is found here after that counts, however often the others repeat what they found.
        elsewhere.see(&id, said::VOTES, Said::Sign(Sign::Agrees), now);
        assert!(elsewhere.hear(minority(), now).is_empty(), "no news");
        assert_eq!(signs(&elsewhere), [Sign::Minority, Sign::Agrees]);
    }
}
