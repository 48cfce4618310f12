//! TODO-later.
