//! What the two records say, apart from where they are kept.

use ninefold_core::slo::{Counts, Resolution, RouteTotals, Windows};
use ninefold_core::time::Timestamp;

use super::codec::{Decoder, Encoder};

const VERSION: u64 = 1;

/// One objective in the rings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RingsOf {
    pub(super) key: String,
    pub(super) definition: String,
    pub(super) firing: u8,
    pub(super) windows: Windows,
}

/// Everything up to a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rings {
    pub(super) generation: u64,
    pub(super) objectives: Vec<RingsOf>,
    pub(super) routes: Vec<(String, RouteTotals)>,
}

/// What came since the rings of the same generation. The routes' totals are whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Head {
    pub(super) generation: u64,
    pub(super) at: Timestamp,
    pub(super) objectives: Vec<(String, u8, Counts)>,
    pub(super) routes: Vec<(String, RouteTotals)>,
}

/// Writes rings from parts, so that nothing is copied for it.
pub(super) fn encode_rings<'a>(
    generation: u64,
    objectives: impl ExactSizeIterator<Item = (&'a str, String, u8, &'a Windows)>,
    routes: &[(String, RouteTotals)],
) -> Vec<u8> {
    let mut out = Encoder::default();
    out.number(VERSION);
    out.number(generation);
    out.number(objectives.len() as u64);
    for (key, definition, firing, windows) in objectives {
        out.text(key);
        out.text(&definition);
        out.number(firing.into());
        for resolution in Resolution::ALL {
            let buckets: Vec<_> = windows.ring(resolution).buckets().collect();
            out.number(buckets.len() as u64);
            for (bucket, counts) in buckets {
                out.number(bucket);
                out.number(counts.good);
                out.number(counts.bad);
            }
        }
    }
    encode_routes(&mut out, routes);
    out.finish()
}

pub(super) fn decode_rings(bytes: &[u8]) -> Option<Rings> {
    let mut input = Decoder::new(bytes);
    if input.number()? != VERSION {
        return None;
    }
    let mut rings = Rings {
        generation: input.number()?,
        ..Rings::default()
    };
    for _ in 0..input.number()? {
        let mut of = RingsOf {
            key: input.text()?,
            definition: input.text()?,
            firing: u8::try_from(input.number()?).ok()?,
            windows: Windows::default(),
        };
        for resolution in Resolution::ALL {
            let ring = of.windows.ring_mut(resolution);
            for _ in 0..input.number()? {
                let bucket = input.number()?;
                let good = input.number()?;
                let bad = input.number()?;
                ring.add_to(bucket, Counts { good, bad });
            }
        }
        rings.objectives.push(of);
    }
    rings.routes = decode_routes(&mut input)?;
    input.is_empty().then_some(rings)
}

pub(super) fn encode_head(head: &Head) -> Vec<u8> {
    let mut out = Encoder::default();
    out.number(VERSION);
    out.number(head.generation);
    out.number(head.at.as_nanos());
    out.number(head.objectives.len() as u64);
    for (key, firing, counts) in &head.objectives {
        out.text(key);
        out.number((*firing).into());
        out.number(counts.good);
        out.number(counts.bad);
    }
    encode_routes(&mut out, &head.routes);
    out.finish()
}

pub(super) fn decode_head(bytes: &[u8]) -> Option<Head> {
    let mut input = Decoder::new(bytes);
    if input.number()? != VERSION {
        return None;
    }
    let mut head = Head {
        generation: input.number()?,
        at: Timestamp::from_nanos(input.number()?),
        ..Head::default()
    };
    for _ in 0..input.number()? {
        let key = input.text()?;
        let firing = u8::try_from(input.number()?).ok()?;
        let good = input.number()?;
        let bad = input.number()?;
        head.objectives.push((key, firing, Counts { good, bad }));
    }
    head.routes = decode_routes(&mut input)?;
    input.is_empty().then_some(head)
}

fn encode_routes(out: &mut Encoder, routes: &[(String, RouteTotals)]) {
    out.number(routes.len() as u64);
    for (route, totals) in routes {
        out.text(route);
        for number in [
            totals.requests,
            totals.ok,
            totals.failed,
            totals.cancelled,
            totals.refused,
            totals.masked,
        ] {
            out.number(number);
        }
    }
}

fn decode_routes(input: &mut Decoder<'_>) -> Option<Vec<(String, RouteTotals)>> {
    let mut routes = Vec::new();
    for _ in 0..input.number()? {
        let route = input.text()?;
        let totals = RouteTotals {
            requests: input.number()?,
            ok: input.number()?,
            failed: input.number()?,
            cancelled: input.number()?,
            refused: input.number()?,
            masked: input.number()?,
        };
        routes.push((route, totals));
    }
    Some(routes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_bearable(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let rings = decode_rings(&bytes);
            let head = decode_head(&bytes);
            prop_assert!(bytes.first() == Some(&1) || (rings.is_none() && head.is_none()));
        }
    }
}
