use super::text::CONTENT_TYPE;

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format 0.0.4, which everything reads.
    Text,
    /// OpenMetrics 1.0.0, which has exemplars.
    OpenMetrics,
}

impl Format {
    /// What an `Accept` header asks for (RFC 9110, section 12.5.1). OpenMetrics only where it is
    /// named, or where text is less welcome; text also where neither is.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let ranges: Vec<Range<'_>> = accept.split(',').filter_map(Range::read).collect();
        let open = Welcome::of(&ranges, ("application", "openmetrics-text", "1.0.0"));
        let text = Welcome::of(&ranges, ("text", "plain", "0.0.4"));
        let named = open.precision >= NAMED;
        if open.quality > text.quality
            || (named && open.quality == text.quality && open.quality > 0)
        {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// One entry of an `Accept` header.
#[derive(Debug)]
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    /// Nothing if it is malformed. Parameters that say how, and not what, are no matter here.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Self {
            kind,
            subtype,
            version: None,
            quality: 1_000,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            if name.eq_ignore_ascii_case("q") {
                range.quality = thousandths(value)?;
            } else if name.eq_ignore_ascii_case("version") {
                range.version = Some(value.trim_matches('"'));
            }
        }
        Some(range)
    }

    /// How precisely it names this media type, if it does.
    fn precision(&self, (kind, subtype, version): (&str, &str, &str)) -> Option<u8> {
        let kind = if self.kind == "*" {
            return (self.subtype == "*").then_some(0);
        } else {
            self.kind.eq_ignore_ascii_case(kind)
        };
        match (kind, self.version) {
            (true, _) if self.subtype == "*" => Some(1),
            (true, None) if self.subtype.eq_ignore_ascii_case(subtype) => Some(NAMED),
            (true, Some(asked)) if self.subtype.eq_ignore_ascii_case(subtype) => {
                (asked == version).then_some(NAMED + 1)
            }
            _ => None,
        }
    }
}

/// The precision of a range that names the type itself.
const NAMED: u8 = 2;

/// How welcome a media type is: what the most precise range says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Welcome {
    precision: u8,
    quality: u16,
}

impl Welcome {
    fn of(ranges: &[Range<'_>], media: (&str, &str, &str)) -> Self {
        let welcome = |range: &Range<'_>| {
            Some(Self {
                precision: range.precision(media)?,
                quality: range.quality,
            })
        };
        let all = ranges.iter().filter_map(welcome);
        all.max().unwrap_or_default()
    }
}

/// A weight (RFC 9110, section 12.4.2) in thousandths.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = part.len() <= 3 && part.bytes().all(|digit| digit.is_ascii_digit());
    let part: u16 = format!("{part:0<3}").parse().ok().filter(|_| digits)?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Format::{self, OpenMetrics, Text};

    #[test]
    fn scrapers_get_what_they_prefer() {
        for (accept, format) in [
            // Prometheus 2.42, 3.x, and either with native histograms.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // One that was told to keep to text.
            (
                "text/plain;version=0.0.4;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.1",
                Text,
            ),
            ("", Text),
            ("*/*", Text),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Text,
            ),
            ("application/openmetrics-text", OpenMetrics),
            (
                "Application/OpenMetrics-Text; Version=\"1.0.0\"",
                OpenMetrics,
            ),
            ("application/openmetrics-text, text/plain", OpenMetrics),
            ("text/plain, */*", Text),
            ("text/plain;q=0.9, */*", OpenMetrics),
            ("application/*", OpenMetrics),
            // Another version is not what there is.
            ("application/openmetrics-text;version=0.0.1", Text),
            ("application/openmetrics-text;q=0", Text),
            ("application/openmetrics-text;q=0,*/*", Text),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.3", Text),
            (
                "application/openmetrics-text;q=0.301,text/plain;q=0.3",
                OpenMetrics,
            ),
            // What nobody can read says nothing.
            ("application/openmetrics-text;q=2", Text),
            ("application/openmetrics-text;q=0.1234", Text),
            ("application/openmetrics-text;q=-1", Text),
            ("application/openmetrics-text;q=", Text),
            ("openmetrics-text", Text),
            ("*/openmetrics-text", Text),
            (";;,=,/;q=1,\u{e4}", Text),
            ("application/json", Text),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }
}
