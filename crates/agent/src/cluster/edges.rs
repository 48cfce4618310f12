//! What a node tells others of its edges, and of itself as an observer.

use std::collections::BTreeMap;
use std::sync::Arc;

use ninefold_cluster::evidence::matrix::Report;
use ninefold_cluster::evidence::minority::{self, View as Heard};
use ninefold_cluster::evidence::{Health, Sign};
use ninefold_cluster::membership::{Path, Status};
use ninefold_core::observation::HostWord;
use serde::{Deserialize, Serialize};

use super::view::{MemberView, View};

/// Under this key.
pub(crate) const KEY: &str = "edges";

/// A node's edges, in JSON: so short that those of ten subjects fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edges {
    /// How well it is, in thousandths.
    #[serde(rename = "h")]
    health: u16,
    /// Whether it stood still lately.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    stalled: bool,
    /// By the id of the subject: the names of the signs, as in `silent` or `silent nacked`.
    #[serde(rename = "e")]
    edges: BTreeMap<String, String>,
}

impl Edges {
    /// Those of this node.
    pub(crate) fn of(view: &View, stalled: bool) -> Self {
        let others = || view.members.iter().filter(|member| member.id != view.me);
        let alive = || others().filter(|member| member.status == Status::Alive);
        let heard = alive().filter(|member| member.path != Some(Path::Silent));
        let heard = Heard {
            others: alive().count(),
            heard: heard.count(),
        };
        let health = Health::of_score(view.health).min(minority::health(heard));
        let edge = |member: &MemberView| {
            let (sign, relay) = look(member)?;
            let relay = relay.map_or_else(String::new, |relay| format!(" {}", relay.name()));
            Some((member.id.to_string(), format!("{}{relay}", sign.name())))
        };
        Self {
            health: health.thousandths(),
            stalled,
            edges: others().filter_map(edge).collect(),
        }
    }

    /// What a member says, if it says so in a way that is understood.
    pub(crate) fn read(member: &MemberView) -> Option<Self> {
        let told = member.entries.get(KEY)?;
        serde_json::from_slice(told)
            .inspect_err(|error| tracing::warn!(node = %member.name, %error, "another node's edges are not understood"))
            .ok()
    }

    /// With names. What is not understood is left out.
    pub(crate) fn report(&self, observer: &Arc<str>, view: &View) -> Report {
        let mut edges = BTreeMap::new();
        for (id, signs) in &self.edges {
            let mut members = view.members.iter();
            let member = members.find(|member| member.id.to_string() == *id);
            let mut signs = signs.split(' ').map(Sign::named);
            if let (Some(member), Some(Some(sign))) = (member, signs.next()) {
                edges.insert(Arc::clone(&member.name), (sign, signs.next().flatten()));
            }
        }
        Report {
            observer: Arc::clone(observer),
            health: Health::new(self.health),
            stalled: self.stalled,
            edges,
        }
    }
}

/// Whether the way from this node to a member works, as far as this node asks it.
pub(crate) fn is_way_well(member: &MemberView) -> bool {
    let path = member.path.is_none_or(|path| path == Path::Direct);
    path && look(member).is_none_or(|(sign, _)| sign == Sign::Answers)
}

/// What this node makes of a member. Where its kernel was asked, that says more than silence.
fn look(member: &MemberView) -> Option<(Sign, Option<Sign>)> {
    let unserved = member.host == HostWord::Hung;
    match (&member.look, member.status) {
        (_, Status::Left) => None,
        (_, Status::Down) => unserved.then_some((Sign::Unserved, None)),
        (Some(look), Status::Alive) if look.edge == Sign::Silent && unserved => {
            Some((Sign::Unserved, look.relay))
        }
        (look, Status::Alive) => look.map(|look| (look.edge, look.relay)),
    }
}

#[cfg(test)]
mod tests {
    use ninefold_cluster::membership::{Look, NodeId, wire::VALUE_MAX};

    use super::super::view::tests::{member, view};
    use super::*;

    fn observed(id: u64, edge: Sign, relay: Option<Sign>) -> MemberView {
        let look = Some(Look { edge, relay });
        MemberView {
            look,
            ..member(NodeId(id), &format!("n{id}"))
        }
    }

    #[test]
    fn those_of_ten_subjects_fit_and_come_back() {
        let members = (1..=11).map(|n| observed(u64::MAX - n, Sign::OneWay, Some(Sign::Reached)));
        let view = view(NodeId(u64::MAX - 1), members.collect());
        let edges = Edges::of(&view, true);
        let bytes = serde_json::to_vec(&edges).unwrap();
        assert!(bytes.len() <= VALUE_MAX, "{}", bytes.len());
        assert_eq!(serde_json::from_slice::<Edges>(&bytes).unwrap(), edges);
        let report = edges.report(&"me".into(), &view);
        assert!(report.stalled && report.edges.len() == 10);
        let mut edges = report.edges.values();
        assert!(edges.all(|edge| *edge == (Sign::OneWay, Some(Sign::Reached))));
    }

    #[test]
    fn a_kernel_that_accepts_says_more_than_silence_also_of_one_that_is_gone() {
        let hung = |status, sign| MemberView {
            host: HostWord::Hung,
            status,
            ..observed(2, sign, None)
        };
        let said = |member| look(&member).map(|(sign, _)| sign);
        assert_eq!(
            said(hung(Status::Alive, Sign::Silent)),
            Some(Sign::Unserved)
        );
        assert_eq!(
            said(hung(Status::Alive, Sign::Answers)),
            Some(Sign::Answers)
        );
        assert_eq!(said(hung(Status::Down, Sign::Silent)), Some(Sign::Unserved));
        assert_eq!(said(hung(Status::Left, Sign::Silent)), None);
    }

    #[test]
    fn who_hears_nobody_accuses_nobody() {
        let silent = |n| MemberView {
            path: Some(Path::Silent),
            ..observed(n, Sign::Silent, None)
        };
        let all = (1..=3).map(silent).collect();
        let edges = Edges::of(&view(NodeId(1), all), false);
        assert_eq!(edges.health, 0);
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let told = br#"{"h":1000,"e":{"0000000000000002":"mad","0000000000000003":"lossy mad","x":"silent"}}"#;
        let edges: Edges = serde_json::from_slice(told).unwrap();
        let members = (1..=3).map(|n| observed(n, Sign::Answers, None));
        let report = edges.report(&"n1".into(), &view(NodeId(1), members.collect()));
        let edges: Vec<_> = report.edges.into_iter().collect();
        assert_eq!(edges, [("n3".into(), (Sign::Lossy, None))]);
        let mut garbled = member(NodeId(2), "n2");
        garbled.entries = Arc::new([(KEY.into(), b"{".as_slice().into())].into());
        assert_eq!(Edges::read(&garbled), None);
    }
}
