//! What a node left behind in its journal, for when nobody answers for it.

use ninefold_core::event::{Event, Incident};
use ninefold_core::incident::Incidents;
use ninefold_core::time::Timestamp;
use ninefold_observe::journal::{JournalError, read};

use crate::state::StateFolder;

/// The past of a node, as its journal tells it.
#[derive(Clone, Debug)]
pub struct History {
    events: Vec<Event>,
    incidents: Incidents,
}

impl History {
    /// Reads the journal in a state folder and changes nothing; `None` if there is none.
    ///
    /// # Errors
    /// When the journal is there and cannot be read.
    pub fn read(state: &StateFolder) -> Result<Option<Self>, JournalError> {
        let folder = state.journal();
        if !folder.exists() {
            return Ok(None);
        }
        let events = read(&folder)?;
        let incidents = Incidents::restore(&events);
        Ok(Some(Self { events, incidents }))
    }

    /// The events that are kept, oldest first.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The incidents that are kept, newest first. One that was open when the node died is still
    /// open here: nobody saw it end.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.list()
    }

    /// One incident.
    #[must_use]
    pub fn incident(&self, id: &str) -> Option<&Incident> {
        self.incidents.get(id)
    }

    /// The moment that it knows of last; nothing is known of what came after.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.events.last().map(|event| event.at)
    }
}

#[cfg(test)]
mod tests {
    use ninefold_core::event::EventKind;
    use ninefold_observe::journal::{Journal, JournalLimits};

    use super::*;

    #[test]
    fn a_journal_is_read_without_its_node() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path());
        assert!(History::read(&state).unwrap().is_none(), "there is none");
        let limits = JournalLimits {
            file_bytes: 1 << 20,
            total_bytes: 1 << 20,
        };
        let (journal, _empty) = Journal::open(&state.journal(), limits).unwrap();
        let at = Timestamp::from_secs(7);
        let text = "hello".to_owned();
        journal.record(at, EventKind::Notice { text });

        let history = History::read(&state).unwrap().unwrap();
        assert_eq!(history.events().len(), 1);
        assert_eq!(history.until(), Some(at));
        assert_eq!(history.incidents().count(), 0);
        assert!(history.incident("inc-1").is_none());
    }
}
