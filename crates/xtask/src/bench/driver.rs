//! Programs that drive a bench, and say what comes of it line by line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::{Failure, While};

/// Runs it to its end, and hands out each of its lines as it comes.
pub(super) fn lines(
    driver: &mut Command,
    mut take: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let driver = driver.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut driver = driver.spawn().while_("start the driver")?;
    let lines = driver.stdout.take();
    let lines = lines.ok_or_else(|| Failure::new("the driver has no output"))?;
    for line in BufReader::new(lines).lines() {
        take(&line.while_("read from the driver")?)?;
    }
    let status = driver.wait().while_("wait for the driver")?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("the driver failed ({status})")))
    }
}

/// Runs it to its end. Each of its lines is a row in JSON; `tell` is given it as it comes, with the how manieth it is. What
/// came before a failure comes with it: it is worth a look, and not to be kept.
pub(super) fn rows(
    driver: &mut Command,
    mut tell: impl FnMut(usize, &Value),
) -> (Vec<Value>, Result<(), Failure>) {
    let mut rows = Vec::new();
    let ended = lines(driver, |line| {
        let row = serde_json::from_str(line).while_("read what the driver says")?;
        tell(rows.len() + 1, &row);
        rows.push(row);
        Ok(())
    });
    (rows, ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_lines_come_and_its_failure_is_told() {
        let mut said = Vec::new();
        let mut driver = Command::new("sh");
        driver.args(["-c", "echo one; echo two; exit 3"]);
        let done = lines(&mut driver, |line| {
            said.push(line.to_owned());
            Ok(())
        });
        assert_eq!(said, ["one", "two"]);
        assert!(done.unwrap_err().to_string().contains("the driver failed"));
    }
}
