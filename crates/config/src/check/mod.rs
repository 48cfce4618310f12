//! The third stage.
use crate::{build::Built, finding::Report, model::File};
pub(crate) fn file(_: &Built<'_, '_>, _: &mut Report<'_, '_>) {}
pub(crate) fn paths(_: &File, _: &mut Report<'_, '_>) {}
