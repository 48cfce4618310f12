//! Shapes and texts of an SVG, written by hand.

use std::fmt::{Arguments, Write};

/// Readable on a light page and on a dark one. The hues are those of Okabe and Ito, which the colour-blind can
/// tell apart, and one more; lines are dashed as well.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}\
.title{font-size:16px;font-weight:600}.small{font-size:12px;fill:#59636e}\
.page{fill:#fff}.grid{stroke:#d1d9e0}.axis{stroke:#818b98}\
.line{fill:none;stroke-width:2;stroke-linejoin:round}.dot{stroke-width:2;fill:#fff}\
.c0{stroke:#6e7781}.c1{stroke:#e69f00}.c2{stroke:#8c564b}.c3{stroke:#009e73}\
.c4{stroke:#cc79a7}.c5{stroke:#b8860b}.c6{stroke:#56b4e9}.c7{stroke:#d55e00;stroke-width:3.4}\
@media(prefers-color-scheme:dark){\
text{fill:#e6edf3}.small{fill:#9da7b1}.page,.dot{fill:#0d1117}.grid{stroke:#2b323b}.axis{stroke:#6e7681}}";

/// Which end of a text is at its point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing that grows from back to front.
#[derive(Debug)]
pub(super) struct Canvas {
    body: String,
}

impl Canvas {
    /// A page with a heading.
    pub(super) fn new(title: &str, width: f64, height: f64) -> Self {
        let mut canvas = Self {
            body: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n",
                escaped(title)
            ),
        };
        canvas.add(format_args!(
            "<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>"
        ));
        canvas.text("title", (20.0, 30.0), Anchor::Start, title);
        canvas
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(super) fn path(&mut self, class: &str, dash: &str, points: &[(f64, f64)]) {
        let points: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        self.add(format_args!(
            "<polyline class=\"line {class}\" stroke-dasharray=\"{dash}\" points=\"{}\"/>",
            points.join(" ")
        ));
    }

    pub(super) fn dot(&mut self, class: &str, at: (f64, f64)) {
        self.add(format_args!(
            "<circle class=\"dot {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\"/>",
            at.0, at.1
        ));
    }

    pub(super) fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.add(format_args!(
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            at.0,
            at.1,
            escaped(text)
        ));
    }

    /// A text from bottom to top.
    pub(super) fn upright(&mut self, at: (f64, f64), text: &str) {
        self.add(format_args!(
            "<text class=\"small\" transform=\"translate({:.1} {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            at.0,
            at.1,
            escaped(text)
        ));
    }

    /// The file.
    pub(super) fn finish(mut self) -> String {
        self.body.push_str("</svg>\n");
        self.body
    }

    fn add(&mut self, element: Arguments<'_>) {
        // Writing to a text cannot fail.
        writeln!(self.body, "{element}").ok();
    }
}

/// What XML takes for text; control characters, which it does not take at all, become blanks.
fn escaped(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control(), " ");
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
