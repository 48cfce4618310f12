//! How fast instances answer, beside their peers.

use std::sync::Arc;

use super::settings::Settings;
use super::track::{Life, Track};
use crate::id::InstanceId;
use crate::observation::CallerReport;
use crate::time::{Timestamp, nanos};

/// Whether each instance that callers got answers from is slow beside its peers, by the mean times of what
/// they answered lately. Few answers are enough: a balancer that keeps away from who is slow makes no more of them, and nothing is
/// done on this alone.
pub(super) fn ranks<'a>(
    settings: &Settings,
    tracks: impl Iterator<Item = (&'a InstanceId, &'a Track)>,
    now: Timestamp,
) -> Vec<(InstanceId, bool)> {
    let mut all = Vec::new();
    let mut service: Option<Arc<str>> = None;
    let mut members = Vec::new();
    for (instance, track) in tracks.filter(|(_, track)| track.life == Life::Up) {
        if service.as_ref() != Some(&instance.service) {
            rank(settings, &members, &mut all);
            members.clear();
            service = Some(Arc::clone(&instance.service));
        }
        members.push((instance, track.callers.lately(now)));
    }
    rank(settings, &members, &mut all);
    all
}

/// Those of one service.
fn rank(
    settings: &Settings,
    members: &[(&InstanceId, CallerReport)],
    all: &mut Vec<(InstanceId, bool)>,
) {
    let answers: u64 = members.iter().map(|(_, one)| one.answered).sum();
    let time: u64 = members.iter().map(|(_, one)| one.latency_sum_ns).sum();
    for (instance, own) in members {
        let others = answers.saturating_sub(own.answered);
        let others_time = time.saturating_sub(own.latency_sum_ns);
        let mean = own.latency_sum_ns.checked_div(own.answered);
        let usual = others_time.checked_div(others);
        let (Some(mean), Some(usual)) = (mean, usual) else {
            continue;
        };
        if own.answered < settings.attempts_min || others < settings.stall_peer_answers {
            continue;
        }
        let slow = mean >= usual.saturating_mul(settings.peer_factor)
            && mean - usual >= nanos(settings.slow_by);
        all.push(((*instance).clone(), slow));
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Facts;
    use super::*;

    /// Who is slow of those that answered so often, in so many milliseconds each.
    fn slow(members: &[(&str, u64, u64)]) -> Vec<String> {
        let now = Timestamp::from_secs(9);
        let settings = Settings::default();
        let tracks: Vec<(InstanceId, Track)> = members
            .iter()
            .map(|(name, answered, millis)| {
                let mut track = Track::new(Facts::default());
                let report = CallerReport {
                    attempts: *answered,
                    answered: *answered,
                    latency_sum_ns: answered * millis * 1_000_000,
                    ..CallerReport::default()
                };
                track.callers.push(now, report, settings.callers_window);
                (name.parse().unwrap(), track)
            })
            .collect();
        let all = ranks(&settings, tracks.iter().map(|(id, track)| (id, track)), now);
        let slow = all.into_iter().filter(|(_, slow)| *slow);
        slow.map(|(instance, _)| instance.to_string()).collect()
    }

    #[test]
    fn a_few_slow_answers_beside_many_fast_ones_are_enough() {
        let peers = [("a/0", 100, 2), ("a/1", 100, 3)];
        assert_eq!(slow(&[peers[0], peers[1], ("a/2", 5, 200)]), ["a/2"]);
        assert!(
            slow(&[peers[0], peers[1], ("a/2", 4, 200)]).is_empty(),
            "too few"
        );
        assert!(slow(&[peers[0], peers[1], ("a/2", 50, 9)]).is_empty());
        assert!(
            slow(&[("a/0", 9, 2), ("a/2", 50, 200)]).is_empty(),
            "few beside it"
        );
    }

    #[test]
    fn services_are_apart_and_microseconds_are_no_slowness() {
        assert!(slow(&[("a/0", 100, 2), ("b/0", 100, 200)]).is_empty());
        assert!(slow(&[("a/0", 100, 0), ("a/1", 100, 4)]).is_empty());
    }
}
