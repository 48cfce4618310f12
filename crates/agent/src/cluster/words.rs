//! What a node tells others of instances that it sees fail: those whose probes and callers see nothing know it from there.

use std::collections::BTreeMap;
use std::sync::Arc;

use ninefold_cluster::evidence::{Observer, Sign};
use ninefold_core::id::InstanceId;

use super::view::MemberView;

/// Before the name of an instance in a key.
const PREFIX: &str = "w/";

/// Instances that a node tells of at most: where more fail, others see it as well.
pub(crate) const TOLD_MAX: usize = 16;

/// What is seen of an instance, in JSON: the name of the sign by who sees it, as in `ready probe`.
pub(crate) type Words = BTreeMap<String, String>;

/// One word of another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// About whom.
    pub(crate) instance: InstanceId,
    /// Whose word it is.
    pub(crate) node: Arc<str>,
    /// Who sees it there.
    pub(crate) observer: Observer,
    /// What.
    pub(crate) sign: Sign,
}

/// The key of what is told of an instance.
pub(crate) fn key(instance: &InstanceId) -> String {
    format!("{PREFIX}{instance}")
}

/// What a member tells. What is not understood is left out.
pub(crate) fn read(member: &MemberView) -> Vec<Heard> {
    let mut all = Vec::new();
    for (key, value) in member.entries.iter() {
        let instance = key.strip_prefix(PREFIX).and_then(|name| name.parse().ok());
        let Some(instance): Option<InstanceId> = instance else {
            continue;
        };
        let words: Words = match serde_json::from_slice(value) {
            Ok(words) => words,
            Err(error) => {
                tracing::warn!(%instance, %error, "another node's words are not understood");
                continue;
            }
        };
        for (observer, sign) in words {
            if let Some(sign) = Sign::named(&sign).filter(|sign| sign.accuses()) {
                let zone = (!member.zone.is_empty()).then(|| member.zone.clone());
                let name = format!("{observer} of {}", member.name).into();
                all.push(Heard {
                    instance: instance.clone(),
                    node: Arc::clone(&member.name),
                    observer: Observer { name, zone },
                    sign,
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use ninefold_cluster::membership::NodeId;

    use super::super::view::tests::member;
    use super::*;

    #[test]
    fn what_is_told_comes_back_and_nonsense_is_left_out() {
        let instance = InstanceId::new("catalog", 2);
        let told = br#"{"callers":"failing","gateway":"mad","live probe":"answers"}"#;
        let mut n3 = member(NodeId(3), "n3");
        let entries = [
            (key(&instance).into(), told.as_slice().into()),
            ("w/catalog".into(), b"{}".as_slice().into()),
            ("w/catalog/0".into(), b"[".as_slice().into()),
            ("i/catalog/0".into(), b"{}".as_slice().into()),
        ];
        n3.entries = Arc::new(entries.into());
        let read = read(&n3);
        let [heard] = read.as_slice() else {
            panic!("{read:?}");
        };
        assert_eq!((&heard.instance, heard.sign), (&instance, Sign::Failing));
        assert_eq!(&*heard.node, "n3");
        assert_eq!(&*heard.observer.name, "callers of n3");
    }
}
