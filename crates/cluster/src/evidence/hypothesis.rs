use std::fmt;

use ninefold_core::taxonomy::FailureClass;

/// What may be the case with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hypothesis {
    /// Nothing is wrong with it.
    Well,
    /// It failed in this way; `Unknown` is a way that no row of the table describes.
    Failed(FailureClass),
}

impl Hypothesis {
    /// Every hypothesis: the order of rows, scores and posteriors, with `Correlated` last, which has no column.
    pub const ALL: [Self; 9] = [
        Self::Well,
        Self::Failed(FailureClass::CrashStop),
        Self::Failed(FailureClass::CrashRecovery),
        Self::Failed(FailureClass::Omission),
        Self::Failed(FailureClass::Timing),
        Self::Failed(FailureClass::Byzantine),
        Self::Failed(FailureClass::Gray),
        Self::Failed(FailureClass::Unknown),
        Self::Failed(FailureClass::Correlated),
    ];

    /// What is believed before anything was seen, in decibans beside *well*: a percent of the subjects that
    /// somebody looks at closely. Half of that where a class is rarer in reports of incidents: crash loops and
    /// value faults, and what no class describes. Correlated failures have [`SHARED_PRIOR_DB`] instead.
    pub(super) const fn prior_db(self) -> i32 {
        match self {
            Self::Well => 0,
            Self::Failed(class) => match class {
                FailureClass::CrashStop
                | FailureClass::Omission
                | FailureClass::Timing
                | FailureClass::Gray => -20,
                FailureClass::CrashRecovery | FailureClass::Byzantine | FailureClass::Unknown => {
                    -23
                }
                FailureClass::Correlated => SHARED_PRIOR_DB,
            },
        }
    }

    /// The class, if it is one.
    #[must_use]
    pub const fn class(self) -> Option<FailureClass> {
        match self {
            Self::Well => None,
            Self::Failed(class) => Some(class),
        }
    }
}

/// That a failure is shared, beside the same failure alone: one in thirty, as long as nothing says so.
pub(super) const SHARED_PRIOR_DB: i32 = -15;

impl fmt::Display for Hypothesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Well => "well",
            Self::Failed(class) => class.name(),
        })
    }
}
