//! Objectives: exact counting over windows, error budgets, burn rates.
