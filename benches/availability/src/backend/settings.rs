//! How the backend behaves.

use std::fmt;
use std::time::Duration;

use crate::problem::{Problem, While};

/// How the backend behaves; written as `service_us=1&errors_pct=0&instant=0&slots=4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The mean time that one answer takes. Times are even between half and one and a half of it.
    pub(crate) service: Duration,
    /// The share of requests that is answered with 500, in percent.
    pub(crate) errors_pct: u32,
    /// Whether those errors come at once, without a slot and without the service time.
    pub(crate) instant: bool,
    /// Requests that are worked on at once.
    pub(crate) slots: usize,
    /// Whether it answers otherwise than it should.
    pub(crate) wrong: bool,
}

impl Settings {
    /// Takes over what a query says.
    pub(crate) fn change(mut self, query: &str) -> Result<Self, Problem> {
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number: u64 = value.parse().while_(&format!("read `{pair}`"))?;
            match key {
                "service_us" => self.service = Duration::from_micros(number),
                "errors_pct" => self.errors_pct = u32::try_from(number).while_("read a share")?,
                "wrong" => self.wrong = number != 0,
                "instant" => self.instant = number != 0,
                "slots" => self.slots = usize::try_from(number).while_("read slots")?,
                _ => return Err(format!("`{key}` is no setting")),
            }
        }
        Ok(self)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            service: Duration::from_millis(10),
            errors_pct: 0,
            instant: false,
            slots: 32,
            wrong: false,
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "service_us={}&errors_pct={}&instant={}&slots={}&wrong={}",
            self.service.as_micros(),
            self.errors_pct,
            u8::from(self.instant),
            self.slots,
            u8::from(self.wrong)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nonsense_is_refused() {
        let changed = Settings {
            service: Duration::from_millis(100),
            errors_pct: 50,
            instant: true,
            slots: 3,
            wrong: true,
        };
        let read = Settings::default().change(&changed.to_string());
        assert_eq!(read, Ok(changed));
        for bad in ["slots", "slots=x", "speed=1", ""] {
            assert!(Settings::default().change(bad).is_err(), "{bad}");
        }
    }
}
