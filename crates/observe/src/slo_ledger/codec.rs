//! Numbers and texts as bytes: LEB128, and texts with their length in front.

/// A longer text is no name and is not read.
const TEXT_MAX: u64 = 4_096;

#[derive(Debug, Default)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) fn number(&mut self, mut number: u64) {
        loop {
            let low = (number & 0x7f) as u8;
            number >>= 7;
            if number == 0 {
                self.bytes.push(low);
                return;
            }
            self.bytes.push(low | 0x80);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[derive(Debug)]
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                return None;
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let len = self.number().filter(|len| *len <= TEXT_MAX)?;
        let (text, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(numbers in prop::collection::vec(any::<u64>(), 0..20), text in ".{0,50}") {
            let mut out = Encoder::default();
            out.text(&text);
            for number in &numbers {
                out.number(*number);
            }
            let bytes = out.finish();
            let mut input = Decoder::new(&bytes);
            prop_assert_eq!(input.text(), Some(text));
            for number in numbers {
                prop_assert_eq!(input.number(), Some(number));
            }
            prop_assert!(input.is_empty());
        }

        #[test]
        fn any_bytes_are_bearable(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut input = Decoder::new(&bytes);
            while input.number().is_some() {}
            let mut input = Decoder::new(&bytes);
            while input.text().is_some() {}
            prop_assert!(input.rest.len() <= bytes.len());
        }
    }
}
