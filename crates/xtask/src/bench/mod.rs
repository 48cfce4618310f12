//! x
use crate::failure::Failure;
pub(crate) fn run(_o: &[&str]) -> Result<(), Failure> {
    Ok(())
}
