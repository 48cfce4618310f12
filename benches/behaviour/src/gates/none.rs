//! Nothing at all.

use ninefold_core::policy::RequestMeta;
use ninefold_core::time::Timestamp;

use super::{Gate, Verdict};

/// Everything gets in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open;

impl Gate for Open {
    fn arrives(&mut self, id: usize, _: &RequestMeta, _: Timestamp, out: &mut Vec<Verdict>) {
        out.push(Verdict::Starts(id));
    }

    fn ends(&mut self, _: usize, _: bool, _: Timestamp, _: &mut Vec<Verdict>) {}
}
