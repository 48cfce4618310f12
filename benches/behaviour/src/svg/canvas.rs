//! Shapes and texts.

use std::fmt::Write;

/// Pixels from side to side.
pub(super) const WIDTH: f64 = 820.0;

/// Colours for a light page, and for a dark one where that is asked for. Hues are those of Okabe and
/// Ito, which the colour-blind can tell apart; lines are also dashed.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}\
.title{font-size:16px;font-weight:600}\
.small{font-size:12px;fill:#59636e}\
.page{fill:#ffffff}\
.grid{stroke:#d1d9e0;stroke-width:1}\
.axis{stroke:#818b98;stroke-width:1}\
.mark{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:5 4}\
.marked{fill:#cf222e}\
.band{fill:#818b98;opacity:.18}\
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}\
.ours{fill:#0072b2}.peer{fill:#aab4bf}\
.s0{stroke:#0072b2}.s1{stroke:#009e73}.s2{stroke:#56b4e9}.s3{stroke:#6f42c1}\
.p0{stroke:#d55e00}.p1{stroke:#b8860b}.p2{stroke:#cc79a7}.p3{stroke:#6e7781}.p4{stroke:#8c564b}\
@media(prefers-color-scheme:dark){\
text{fill:#e6edf3}.small{fill:#9da7b1}.page{fill:#0d1117}.grid{stroke:#2b323b}.axis{stroke:#6e7681}\
.mark{stroke:#ff7b72}.marked{fill:#ff7b72}\
.ours{fill:#3fa7e8}.peer{fill:#5b6672}\
.s0{stroke:#3fa7e8}.s1{stroke:#2fc99a}.s2{stroke:#9bd8ff}.s3{stroke:#b392f0}\
.p0{stroke:#ff8a3d}.p1{stroke:#e3b341}.p2{stroke:#e6a1c8}.p3{stroke:#9da7b1}.p4{stroke:#c9998d}}";

/// Which end of a text is at its point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A file that is written from top to bottom.
#[derive(Debug)]
pub(super) struct Canvas {
    body: String,
}

impl Canvas {
    /// A page with a heading.
    pub(super) fn new(title: &str, height: f64) -> Self {
        let mut canvas = Self {
            body: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
                 viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
                 <title>{}</title>\n<style>{STYLE}</style>\n",
                escaped(title)
            ),
        };
        canvas.rect("page", (0.0, 0.0), (WIDTH, height));
        canvas.text("title", (20.0, 30.0), Anchor::Start, title);
        canvas
    }

    pub(super) fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64)) {
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            at.0, at.1, size.0, size.1
        ));
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
            "<text class=\"small\" transform=\"translate({:.1} {:.1}) rotate(-90)\" \
             text-anchor=\"middle\">{}</text>",
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

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        writeln!(self.body, "{element}").ok();
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
