//! An instance that is ready and says that others should be asked first. Pure.

use ninefold_core::event::EventKind;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::ProbeKind;

use crate::probe::Attempt;

/// What the status says of it.
pub(super) fn reason(how: &str) -> String {
    match how {
        "" => "says that it is degraded".to_owned(),
        how => format!("says that it is degraded: {how}"),
    }
}

/// Takes over what a readiness probe heard. Returns what the journal should know, if it begins or
/// ends.
pub(super) fn heard(
    state: &mut Option<String>,
    instance: &InstanceId,
    kind: ProbeKind,
    attempt: &Attempt,
) -> Option<EventKind> {
    if kind != ProbeKind::Ready || !attempt.outcome.passed() {
        return None;
    }
    let before = std::mem::replace(state, attempt.degraded.clone());
    let text = match (before, &attempt.degraded) {
        (None, Some(how)) => format!(
            "{instance} {}; it takes what the others cannot",
            reason(how)
        ),
        (Some(_), None) => format!("{instance} is degraded no longer"),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(EventKind::Notice { text })
}

#[cfg(test)]
mod tests {
    use ninefold_core::observation::ProbeOutcome;

    use super::*;

    #[test]
    fn only_its_begin_and_its_end_are_news() {
        let id = InstanceId::new("api", 1);
        let mut state = None;
        let mut tell = |kind, degraded: Option<&str>| {
            let attempt = Attempt {
                degraded: degraded.map(str::to_owned),
                ..Attempt::passed()
            };
            let news = heard(&mut state, &id, kind, &attempt);
            (news.is_some(), state.clone())
        };
        let cold = Some("cold".to_owned());
        assert_eq!(tell(ProbeKind::Ready, None), (false, None));
        assert_eq!(tell(ProbeKind::Live, Some("cold")), (false, None));
        assert_eq!(tell(ProbeKind::Ready, Some("cold")), (true, cold));
        let colder = Some("colder".to_owned());
        assert_eq!(tell(ProbeKind::Ready, Some("colder")), (false, colder));
        assert_eq!(tell(ProbeKind::Ready, None), (true, None));
        // What fails says nothing about it.
        let failed = Attempt::heard(ProbeOutcome::TimedOut);
        let mut state = Some(String::new());
        assert_eq!(heard(&mut state, &id, ProbeKind::Ready, &failed), None);
        assert_eq!(state, Some(String::new()));
    }
}
