//! MTTD, MTTR and MTBF by class, as measured.
