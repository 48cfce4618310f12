//! The status page: plain HTML without scripts, for any browser and any screen reader.

use ninefold_core::status::NodeStatus;

use super::table::Table;
use super::text;

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:80rem;\
color:#1c2330;background:#fff}table{border-collapse:collapse;margin:0 0 1.5rem}\
th,td{text-align:left;padding:.2rem .9rem .2rem 0;border-bottom:1px solid #d8dde6;\
font-variant-numeric:tabular-nums}th{font-weight:600}h1{font-size:1.4rem}h2{font-size:1rem;margin:0}\
.bad{color:#a3231f;font-weight:600}\
@media(prefers-color-scheme:dark){body{color:#e4e8ef;background:#12161d}th,td{border-color:#333b47}\
.bad{color:#ff8f87}}";

/// The page.
pub(super) fn page(status: &NodeStatus) -> String {
    let mut out = String::with_capacity(8 << 10);
    out.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    out.push_str("<meta http-equiv=\"refresh\" content=\"5\"><title>");
    out.push_str(&escape(&status.cluster));
    out.push_str(" · Ninefold</title><style>");
    out.push_str(STYLE);
    out.push_str("</style></head><body><h1>");
    out.push_str(&escape(&format!("{} is {}", status.cluster, status.phase)));
    out.push_str("</h1>");
    for line in text::head_lines(status) {
        let class = if line.alarming { " class=\"bad\"" } else { "" };
        out.push_str(&format!("<p{class}>{}</p>", escape(&line.text)));
    }
    for (title, section) in text::sections(status) {
        if !section.is_empty() {
            out.push_str(&format!("<h2>{title}</h2>"));
            table(&mut out, &section);
        }
    }
    out.push_str("</body></html>\n");
    out
}

fn table(out: &mut String, table: &Table) {
    out.push_str("<table>");
    for (index, row) in table.rows().iter().enumerate() {
        let (open, close) = if index == 0 {
            ("<th scope=\"col\">", "</th>")
        } else {
            ("<td>", "</td>")
        };
        out.push_str("<tr>");
        for cell in row {
            out.push_str(open);
            out.push_str(&escape(cell));
            out.push_str(close);
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
}

/// Text that cannot become markup.
fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(
            escape("<a href='x'>&\""),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"
        );
    }
}
