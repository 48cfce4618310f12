//! Names of signals.

/// The signals that may ask an instance to stop, with their numbers on Linux for x86-64 and ARM.
/// SIGKILL follows by itself after the grace; SIGSTOP ends nothing.
const SIGNALS: [(&str, i32); 8] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("USR1", 10),
    ("USR2", 12),
    ("ALRM", 14),
    ("TERM", 15),
    ("WINCH", 28),
];

/// Reads a signal, with or without `SIG`.
///
/// # Errors
///
/// If there is none of this name, or none that asks an instance to stop.
pub(crate) fn signal(text: &str) -> Result<i32, String> {
    let name = text.strip_prefix("SIG").unwrap_or(text);
    SIGNALS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
        .ok_or_else(|| match name {
            "KILL" => "SIGKILL gives an instance no chance to end its work: it follows by itself \
                       after `grace`; write `grace = \"0s\"` for it at once"
                .to_owned(),
            _ => format!(
                "`{text}` is no signal that asks to stop: write one of {}",
                SIGNALS.map(|(known, _)| format!("SIG{known}")).join(", ")
            ),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_both_spellings() {
        assert_eq!(signal("TERM"), Ok(15));
        assert_eq!(signal("SIGQUIT"), Ok(3));
        for bad in ["", "SIG", "SIGKILL", "STOP", "term", "15"] {
            assert!(signal(bad).is_err(), "{bad}");
        }
    }
}
