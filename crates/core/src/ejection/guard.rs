//! How many endpoints may be out at once.

use super::EjectionRules;

/// The endpoints of the service at the moment of a decision about one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// Endpoints that may take traffic but for ejections, the one in question included.
    pub admitted: usize,
    /// Of these, without the one in question: ejected, or tried by canaries only.
    pub ejected: usize,
}

impl EjectionRules {
    /// Whether the endpoint in question may be ejected, or stay so.
    #[must_use]
    pub fn may_eject(&self, pool: PoolState) -> bool {
        if !self.is_on() || pool.admitted < 2 || pool.ejected + 1 >= pool.admitted {
            return false;
        }
        pool.ejected < self.allowed(pool.admitted)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 1 of a number of endpoints far below 2^53"
    )]
    fn allowed(&self, admitted: usize) -> usize {
        ((admitted as f64 * self.max_share.clamp(0.0, 1.0)) as usize).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::health::tests::RULES;
    use super::*;

    #[test]
    fn guards() {
        let state = |admitted, ejected| PoolState { admitted, ejected };
        assert!(!RULES.may_eject(state(1, 0)), "the last one never");
        assert!(RULES.may_eject(state(2, 0)), "one of two always");
        assert!(RULES.may_eject(state(3, 0)));
        assert!(!RULES.may_eject(state(3, 1)), "half of three is one");
        assert!(RULES.may_eject(state(4, 1)));
        let small = EjectionRules {
            max_share: 0.1,
            ..RULES
        };
        assert!(
            small.may_eject(state(3, 0)),
            "a small share does not protect one of three"
        );
        let off = EjectionRules {
            failures: 0,
            ..RULES
        };
        assert!(!off.may_eject(state(9, 0)));
    }
}
