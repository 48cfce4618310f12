use std::collections::BTreeMap;
use std::fmt;

use ninefold_core::time::Timestamp;

/// A request that stands for others of its sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The sample: its name and labels, as the text has them.
    pub series: String,
    /// The request's trace, in hexadecimal digits.
    pub trace_id: String,
    /// What was counted, in the unit of the sample.
    pub value: f64,
    /// When it was, since the Unix epoch.
    pub at: Timestamp,
}

/// Units that a name may end with.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

/// Adds to OpenMetrics text the exemplars, behind the samples that they belong to, and the units that
/// names end with. An exemplar without a sample is left out.
pub(super) fn complete(open: &str, exemplars: &[Exemplar]) -> String {
    let by_sample: BTreeMap<&str, &Exemplar> = exemplars
        .iter()
        .map(|exemplar| (exemplar.series.as_str(), exemplar))
        .collect();
    let mut text = String::with_capacity(open.len() + open.len() / 8 + 100 * exemplars.len());
    for line in open.lines() {
        text.push_str(line);
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let name = family.split(' ').next().unwrap_or_default();
            let unit = name.rsplit_once('_').map(|(_, last)| last);
            if let Some(unit) = unit.filter(|unit| UNITS.contains(unit)) {
                text.push_str(&format!("\n# UNIT {name} {unit}"));
            }
        } else if let Some((sample, _)) = line.rsplit_once(' ')
            && let Some(exemplar) = by_sample.get(sample)
        {
            text.push_str(&format!(" # {exemplar}"));
        }
        text.push('\n');
    }
    text
}

/// As OpenMetrics has it: labels, value, and the time in seconds.
impl fmt::Display for Exemplar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.at.as_millis();
        let (trace, value) = (&self.trace_id, self.value);
        let (secs, part) = (millis / 1_000, millis % 1_000);
        write!(f, "{{trace_id=\"{trace}\"}} {value:?} {secs}.{part:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exemplars_stand_behind_their_own_samples_only() {
        let open = "\
# HELP t_seconds Took it.
# TYPE t_seconds histogram
t_seconds_sum{route=\"a\"} 0.4
t_seconds_count{route=\"a\"} 2
t_seconds_bucket{le=\"0.1\",route=\"a\"} 1
t_seconds_bucket{le=\"0.1\",route=\"aa\"} 1
t_seconds_bucket{le=\"+Inf\",route=\"a\"} 2
# HELP bad Bad.
# TYPE bad counter
bad_total 7
# EOF
";
        let exemplar = |series: &str, value, millis| Exemplar {
            series: series.to_owned(),
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            value,
            at: Timestamp::from_millis(millis),
        };
        let text = complete(
            open,
            &[
                exemplar(
                    "t_seconds_bucket{le=\"+Inf\",route=\"a\"}",
                    0.39,
                    1_520_879_607_789,
                ),
                exemplar(
                    "t_seconds_bucket{le=\"0.1\",route=\"a\"}",
                    0.000_01,
                    1_520_879_607_009,
                ),
                exemplar("bad_total", 1.0, 1_520_879_607_000),
                exemplar("gone_total", 1.0, 1),
            ],
        );
        expect_test::expect![[r#"
            # HELP t_seconds Took it.
            # TYPE t_seconds histogram
            # UNIT t_seconds seconds
            t_seconds_sum{route="a"} 0.4
            t_seconds_count{route="a"} 2
            t_seconds_bucket{le="0.1",route="a"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 1e-5 1520879607.009
            t_seconds_bucket{le="0.1",route="aa"} 1
            t_seconds_bucket{le="+Inf",route="a"} 2 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.39 1520879607.789
            # HELP bad Bad.
            # TYPE bad counter
            bad_total 7 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 1.0 1520879607.000
            # EOF
        "#]]
        .assert_eq(&text);
    }
}
