//! Restart budgets and crash loops.
