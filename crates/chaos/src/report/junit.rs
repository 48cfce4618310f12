//! JUnit XML, in the dialect that CI systems agree on.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{ClaimReport, Report};
use crate::Verdict;

pub(super) fn render(report: &Report) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory does not fail; if it ever did, what is there is still returned.
    if let Err(error) = document(&mut writer, report) {
        tracing::error!(%error, "JUnit report cut");
    }
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    text
}

fn document(writer: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let count = |verdict| {
        let of = |claim: &&ClaimReport| claim.verdict == verdict;
        report.claims.iter().filter(of).count().to_string()
    };
    writer
        .create_element("testsuite")
        .with_attribute(("name", "ninefold verify"))
        .with_attribute(("tests", report.claims.len().to_string().as_str()))
        .with_attribute(("failures", count(Verdict::Refuted).as_str()))
        .with_attribute(("errors", count(Verdict::Inconclusive).as_str()))
        .with_attribute(("skipped", count(Verdict::Untested).as_str()))
        .with_attribute(("timestamp", report.began.to_string().as_str()))
        .with_attribute(("time", format!("{:.3}", report.took.as_secs_f64()).as_str()))
        .write_inner_content(|writer| {
            for claim in &report.claims {
                case(writer, claim, &report.file)?;
            }
            Ok(())
        })?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, claim: &ClaimReport, file: &str) -> io::Result<()> {
    let name = clean(&claim.name);
    let element = writer
        .create_element("testcase")
        .with_attribute(("classname", clean(file).as_str()))
        .with_attribute(("name", name.as_str()));
    let kind = match claim.verdict {
        Verdict::Proven => {
            element.write_empty()?;
            return Ok(());
        }
        Verdict::Refuted => "failure",
        Verdict::Inconclusive => "error",
        Verdict::Untested => "skipped",
    };
    let message = clean(claim.reasons.first().map_or("", String::as_str));
    let body = clean(&format!(
        "{}\nreplay: {}",
        claim.reasons.join("\n"),
        claim.replay
    ));
    element.write_inner_content(|writer| {
        writer
            .create_element(kind)
            .with_attribute(("type", claim.verdict.name()))
            .with_attribute(("message", message.as_str()))
            .write_text_content(BytesText::new(&body))?;
        Ok(())
    })?;
    Ok(())
}

/// Without the characters that XML 1.0 cannot hold, escaped or not.
fn clean(text: &str) -> String {
    let held = |c: &char| !c.is_control() || matches!(c, '\t' | '\n');
    text.chars()
        .filter(held)
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}
