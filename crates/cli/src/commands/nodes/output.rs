//! What the nodes log, on the parent's standard error.

use std::io::Write;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// A longer line comes out in pieces.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Passes on what node `number` writes, until it has no writer any more.
pub(super) async fn relay(number: u32, from: impl AsyncRead + Unpin) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut from)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await;
        if !matches!(read, Ok(1..)) {
            return;
        }
        let text = marked(number, &String::from_utf8_lossy(&line));
        // If nobody reads it any more, there is nobody to tell.
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }
}

/// A line with its node: a field of a JSON log, a prefix elsewhere.
fn marked(number: u32, line: &str) -> String {
    let line = line.trim_end();
    match line.strip_prefix("{\"") {
        Some(rest) => format!("{{\"node\":\"n{number}\",\"{rest}\n"),
        None => format!("n{number} │ {line}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_whose_it_is() {
        assert_eq!(marked(2, "INFO it runs\n"), "n2 │ INFO it runs\n");
        let json: serde_json::Value =
            serde_json::from_str(&marked(12, "{\"level\":\"INFO\",\"fields\":{}}\n")).unwrap();
        assert_eq!(
            (&json["node"], &json["level"]),
            (&"n12".into(), &"INFO".into())
        );
    }
}
