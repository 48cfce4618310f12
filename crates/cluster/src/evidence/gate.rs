//! The correlation gate: onsets within seconds that share a tag have one cause, and what is done about single
//! failures makes it worse.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::named::named;
use ninefold_core::time::Timestamp;

use super::subject::Subject;

/// Onsets that are kept at most; the oldest go first.
pub const ONSETS_MAX: usize = 1_024;

/// Tags of one onset that count at most.
pub const TAGS_MAX: usize = 8;

/// What several subjects may share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// A zone.
    Zone(Arc<str>),
    /// A rack or a machine.
    Rack(Arc<str>),
    /// A version of a program.
    Version(Arc<str>),
    /// A revision of a configuration.
    Revision(Arc<str>),
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(name) => write!(f, "zone {name}"),
            Self::Rack(name) => write!(f, "rack {name}"),
            Self::Version(name) => write!(f, "version {name}"),
            Self::Revision(name) => write!(f, "revision {name}"),
        }
    }
}

/// When onsets are one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Onsets that far apart at most belong together. A power cut is seen within a detection time and its spread,
    /// a roll-out or a changed configuration within the time that it takes to reach everybody.
    pub within: Duration,
    /// So many that share a tag are one event. Two happen by chance.
    pub onsets: usize,
    /// So many percent of those that have the tag are one event as well, if they are two at least: of a small
    /// domain three may never fail.
    pub share_percent: usize,
    /// For so long after the newest of them nothing is evicted that has the tag: who comes back comes back to a
    /// system that has not been rebuilt meanwhile.
    pub freeze: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(5),
            onsets: 3,
            share_percent: 50,
            freeze: Duration::from_secs(60),
        }
    }
}

/// Onsets that share a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// What they share.
    pub tag: Tag,
    /// Who failed within the time of [`Settings::within`], where that were most.
    pub subjects: Vec<Subject>,
    /// The first of these onsets.
    pub since: Timestamp,
    /// Until when the tag is frozen.
    pub until: Timestamp,
}

/// `zone a: node n1, node n4`.
impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.tag, named(self.subjects.iter()))
    }
}

/// The newest onset of each subject that failed lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Onsets {
    known: BTreeMap<Subject, (Timestamp, BTreeSet<Tag>)>,
}

impl Onsets {
    /// A subject failed; its tags are those it had then.
    pub fn learn(&mut self, subject: Subject, at: Timestamp, tags: impl IntoIterator<Item = Tag>) {
        let newer = self.known.get(&subject).is_none_or(|(then, _)| *then <= at);
        if newer {
            let tags = tags.into_iter().take(TAGS_MAX).collect();
            self.known.insert(subject, (at, tags));
        }
        if self.known.len() > ONSETS_MAX {
            let oldest = self.known.iter().min_by_key(|(_, (at, _))| *at);
            if let Some(subject) = oldest.map(|(subject, _)| subject.clone()) {
                self.known.remove(&subject);
            }
        }
    }

    /// The tags that are frozen now, the one that explains most first, and of those that explain the same the one
    /// that fewest have. `size` says how many subjects have a tag, where that is known.
    pub fn shared(
        &self,
        settings: &Settings,
        size: impl Fn(&Tag) -> Option<usize>,
        now: Timestamp,
    ) -> Vec<Shared> {
        let mut by_tag: BTreeMap<&Tag, Vec<(Timestamp, &Subject)>> = BTreeMap::new();
        let reach = settings.freeze + settings.within;
        for (subject, (at, tags)) in &self.known {
            if now.since(*at) > reach || *at > now {
                continue;
            }
            for tag in tags {
                by_tag.entry(tag).or_default().push((*at, subject));
            }
        }
        let mut shared: Vec<Shared> = by_tag
            .into_iter()
            .filter_map(|(tag, mut onsets)| {
                onsets.sort_unstable();
                cluster(settings, tag, &onsets, size(tag))
            })
            .filter(|shared| now <= shared.until)
            .collect();
        let rank = |one: &Shared| {
            let size = size(&one.tag).unwrap_or(usize::MAX);
            (usize::MAX - one.subjects.len(), size)
        };
        shared.sort_by(|a, b| (rank(a), &a.tag).cmp(&(rank(b), &b.tag)));
        shared
    }
}

/// The largest group of onsets in one window, if it is an event. `onsets` are in order.
fn cluster(
    settings: &Settings,
    tag: &Tag,
    onsets: &[(Timestamp, &Subject)],
    size: Option<usize>,
) -> Option<Shared> {
    let is_event = |many: usize| {
        let share = size.is_some_and(|size| many * 100 >= size * settings.share_percent);
        many >= settings.onsets || (many >= 2 && share)
    };
    let groups = onsets.iter().enumerate().map(|(n, (first, _))| {
        let rest = onsets.iter().skip(n);
        rest.take_while(|(at, _)| at.since(*first) <= settings.within)
            .collect::<Vec<_>>()
    });
    let events: Vec<_> = groups.filter(|group| is_event(group.len())).collect();
    // The freeze lasts from the newest onset of any event; the largest one tells the story.
    let newest = events
        .iter()
        .filter_map(|group| group.last())
        .map(|(at, _)| *at)
        .max()?;
    let largest = events.iter().rev().max_by_key(|group| group.len())?;
    Some(Shared {
        tag: tag.clone(),
        subjects: largest
            .iter()
            .map(|(_, subject)| (*subject).clone())
            .collect(),
        since: largest.first().map(|(at, _)| *at)?,
        until: newest + settings.freeze,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: u64) -> Subject {
        Subject::Node(format!("n{n}").into())
    }

    fn zone(name: &str) -> Tag {
        Tag::Zone(name.into())
    }

    fn unknown(_: &Tag) -> Option<usize> {
        None
    }

    #[test]
    fn three_within_seconds_are_one_event_and_freeze_for_a_minute() {
        let settings = Settings::default();
        let mut onsets = Onsets::default();
        for n in 0..2 {
            onsets.learn(node(n), Timestamp::from_secs(100 + n), [zone("a")]);
        }
        let at = Timestamp::from_secs(103);
        assert!(onsets.shared(&settings, unknown, at).is_empty());
        onsets.learn(node(2), at, [zone("a"), Tag::Version("2".into())]);
        let shared = onsets.shared(&settings, unknown, at);
        assert_eq!(shared.len(), 1);
        assert_eq!((&shared[0].tag, shared[0].subjects.len()), (&zone("a"), 3));
        assert_eq!(shared[0].since, Timestamp::from_secs(100));
        let end = Timestamp::from_secs(163);
        assert_eq!(onsets.shared(&settings, unknown, end).len(), 1);
        let after = end + Duration::from_nanos(1);
        assert!(onsets.shared(&settings, unknown, after).is_empty());
    }

    #[test]
    fn far_apart_or_without_a_common_tag_they_are_single() {
        let mut onsets = Onsets::default();
        for n in 0..9 {
            let zone = zone(["a", "b", "c"][usize::try_from(n % 3).unwrap()]);
            onsets.learn(node(n), Timestamp::from_secs(100 + 3 * n), [zone]);
        }
        let at = Timestamp::from_secs(124);
        assert!(onsets.shared(&Settings::default(), unknown, at).is_empty());
    }

    #[test]
    fn one_subject_that_flaps_is_no_event() {
        let mut onsets = Onsets::default();
        for n in 0..10 {
            onsets.learn(
                node(1),
                Timestamp::from_millis(1_000 + n * 100),
                [zone("a")],
            );
        }
        let at = Timestamp::from_secs(2);
        assert!(
            onsets
                .shared(&Settings::default(), |_| Some(1), at)
                .is_empty()
        );
    }

    #[test]
    fn half_of_a_small_domain_is_an_event() {
        let mut onsets = Onsets::default();
        onsets.learn(node(1), Timestamp::from_secs(1), [zone("a")]);
        onsets.learn(node(2), Timestamp::from_secs(2), [zone("a")]);
        let at = Timestamp::from_secs(2);
        let shared = |size| {
            onsets
                .shared(&Settings::default(), |_| Some(size), at)
                .len()
        };
        assert_eq!((shared(3), shared(4), shared(5)), (1, 1, 0));
    }

    #[test]
    fn memory_is_bounded_and_keeps_the_newest() {
        let mut onsets = Onsets::default();
        for n in 0..5_000 {
            onsets.learn(node(n), Timestamp::from_millis(n), [zone("a")]);
        }
        assert_eq!(onsets.known.len(), ONSETS_MAX);
        assert!(onsets.known.contains_key(&node(4_999)));
    }
}
