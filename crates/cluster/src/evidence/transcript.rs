//! Transcripts in `testdata/evidence/*.txt`: what is said, and what a ledger and its guards make of it, rewritten by
//! `UPDATE_EXPECT=1`.
//!
//! A line is a command; lines that begin with two spaces are the answers to it. `MILLIS OBSERVER SUBJECT SAID`, with
//! `name@zone` for an observer in a zone, `name*250` for one of that health, `n1..n4` for four of them; what is said
//! is `lives=N`, `ended=N` or a sign as it is named. Others are `MILLIS opinion SUBJECT`, `MILLIS onset SUBJECT TAG…`,
//! `MILLIS frozen`, `standing others=N heard=N`, `response CLASS PERCENT GUARD…`.

use std::fmt::Write as _;

use ninefold_core::event::EvidenceLine;
use ninefold_core::taxonomy::FailureClass;
use ninefold_core::time::Timestamp;

use super::gate::{Onsets, Settings, Tag};
use super::minority::{View, health, standing};
use super::response::{Guards, response};
use super::{Evidence, Health, Ledger, Observer, Said, Sign, Subject};

#[test]
fn transcripts() {
    crate::transcripts::all("evidence", 8, play);
}

fn play(text: &str) -> String {
    let mut scene = Scene::default();
    for line in text.lines().filter(|line| !line.starts_with("  ")) {
        writeln!(scene.out, "{line}").unwrap();
        if !line.is_empty() && !line.starts_with('#') {
            let words: Vec<&str> = line.split(' ').collect();
            scene.command(&words);
        }
    }
    scene.out
}

#[derive(Default)]
struct Scene {
    ledger: Ledger,
    onsets: Onsets,
    out: String,
}

impl Scene {
    fn command(&mut self, words: &[&str]) {
        match words {
            ["standing", rest @ ..] => self.standing(rest),
            ["response", class, percent, rest @ ..] => self.response(class, percent, rest),
            [at, "opinion", about] => self.opinion(time(at), &subject(about)),
            [at, "onset", about, tags @ ..] => {
                let tags = tags.iter().map(|text| tag(text));
                self.onsets.learn(subject(about), time(at), tags);
            }
            [at, "frozen"] => self.frozen(time(at)),
            [at, who, about, said] => {
                for observer in observers(who) {
                    let (observer, health) = observer;
                    let evidence = Evidence {
                        subject: subject(about),
                        observer,
                        at: time(at),
                        health,
                        said: parse(said),
                    };
                    self.ledger.learn(evidence, time(at));
                }
            }
            _ => panic!("no such command: {words:?}"),
        }
    }

    fn opinion(&mut self, now: Timestamp, about: &Subject) {
        let opinion = self.ledger.opinion(about, now);
        let verdict = opinion.verdict.map_or("well", FailureClass::name);
        let likely = opinion.posterior.iter().take(3).map(|(hypothesis, share)| {
            let percent = share * 100.0;
            format!("{hypothesis} {percent:.1} %")
        });
        let likely = likely.collect::<Vec<_>>().join(", ");
        let sure = opinion.confidence_percent();
        writeln!(self.out, "  {about}: {verdict} {sure} ({likely})").unwrap();
        for line in &opinion.lines {
            let EvidenceLine { at, what, .. } = line.into();
            writeln!(self.out, "    {} {what}", at.as_millis()).unwrap();
        }
        if opinion.verdict.is_some() {
            for question in &opinion.questions {
                writeln!(self.out, "    ask {question}").unwrap();
            }
        }
    }

    fn frozen(&mut self, now: Timestamp) {
        let shared = self.onsets.shared(&Settings::default(), |_| None, now);
        if shared.is_empty() {
            self.out.push_str("  nothing is frozen\n");
        }
        for one in shared {
            let (many, since, until) = (one.subjects.len(), one.since, one.until);
            let (since, until) = (since.as_millis(), until.as_millis());
            writeln!(
                self.out,
                "  {} frozen: {many} since {since}, until {until}",
                one.tag
            )
            .unwrap();
        }
    }

    fn standing(&mut self, words: &[&str]) {
        let number = |key| value(words, key).unwrap().parse().unwrap();
        let view = View {
            others: number("others"),
            heard: number("heard"),
        };
        let (standing, health) = (standing(view), health(view).thousandths());
        writeln!(
            self.out,
            "  {standing:?}, accusations count {health} of 1000"
        )
        .unwrap();
    }

    fn response(&mut self, class: &str, percent: &str, guards: &[&str]) {
        let has = |name: &str| guards.contains(&name);
        let guards = Guards {
            quorum: has("quorum"),
            majority: !has("minority"),
            frozen: has("frozen"),
            capped: has("capped"),
            lease: has("lease"),
            stuck: has("stuck"),
        };
        let class = FailureClass::ALL
            .into_iter()
            .find(|one| one.name() == class);
        let response = response(class.unwrap(), percent.parse().unwrap(), guards);
        let also = [(response.restart, ", restart"), (response.page, ", page")];
        let also = also.iter().filter(|(on, _)| *on).map(|(_, text)| *text);
        let also: String = also.collect();
        let (action, why) = (response.action, response.why);
        writeln!(self.out, "  {action:?}{also}: {why}").unwrap();
    }
}

fn time(millis: &str) -> Timestamp {
    Timestamp::from_millis(millis.parse().unwrap())
}

fn value<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    let mut words = words.iter();
    words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

fn subject(text: &str) -> Subject {
    if let Some(zone) = text.strip_prefix("zone:") {
        return Subject::Zone(zone.into());
    }
    if let Some((from, to)) = text.split_once('>') {
        return Subject::Link {
            from: from.into(),
            to: to.into(),
        };
    }
    text.parse()
        .map_or_else(|_| Subject::Node(text.into()), Subject::Instance)
}

fn tag(text: &str) -> Tag {
    let (kind, name) = text.split_once('=').unwrap();
    match kind {
        "zone" => Tag::Zone(name.into()),
        "rack" => Tag::Rack(name.into()),
        "version" => Tag::Version(name.into()),
        "revision" => Tag::Revision(name.into()),
        other => panic!("no such tag: {other}"),
    }
}

/// `n1`, `n1@a`, `n1*250@a`, `n1..n4@a`.
fn observers(text: &str) -> Vec<(Observer, Health)> {
    let (who, zone) = text.split_once('@').unwrap_or((text, ""));
    let (who, health) = who.split_once('*').unwrap_or((who, "1000"));
    let health = Health::new(health.parse().unwrap());
    let names = match who.split_once("..n") {
        None => vec![who.to_owned()],
        Some((from, to)) => {
            let from: u32 = from.strip_prefix('n').unwrap().parse().unwrap();
            (from..=to.parse().unwrap())
                .map(|n| format!("n{n}"))
                .collect()
        }
    };
    let observer = |name: String| match zone {
        "" => Observer::new(name),
        zone => Observer::new(name).in_zone(zone),
    };
    names
        .into_iter()
        .map(|name| (observer(name), health))
        .collect()
}

fn parse(text: &str) -> Said {
    match text.split_once('=') {
        Some(("lives", nonce)) => Said::Lives(nonce.parse().unwrap()),
        Some(("ended", nonce)) => Said::Ended(nonce.parse().unwrap()),
        _ => {
            let sign = Sign::ALL.iter().find(|sign| sign.name() == text);
            Said::Sign(*sign.unwrap_or_else(|| panic!("no such sign: {text}")))
        }
    }
}
