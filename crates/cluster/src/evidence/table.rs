//! The table of likelihoods. It is not learnt: each row says what the words mean, in the order *well*, crash-stop,
//! crash-recovery, omission, timing, Byzantine, gray, *unknown*. *Unknown* has nearly the same word for every sign of
//! a channel, as it excludes nothing. No word of an observer is rarer than *hardly* under any hypothesis, unless it
//! is a test over many calls or the kernel's own: once in a hundred an observer is simply wrong, or late.

use super::likelihood::{Likelihood, Row};
use super::sign::Sign;

const U: Likelihood = Likelihood::Usual;
const O: Likelihood = Likelihood::Often;
const S: Likelihood = Likelihood::Sometimes;
const R: Likelihood = Likelihood::Rarely;
const H: Likelihood = Likelihood::Hardly;
const N: Likelihood = Likelihood::Never;
const F: Likelihood = Likelihood::Freak;
const I: Likelihood = Likelihood::Impossible;

const fn row(likelihoods: [Likelihood; 8], why: &'static str) -> Row {
    Row {
        likelihoods,
        shared_db: 0,
        why,
    }
}

const fn onset(shared_db: i32, why: &'static str) -> Row {
    Row {
        likelihoods: [U, U, U, U, U, U, U, U],
        shared_db,
        why,
    }
}

impl Sign {
    /// Its row of the table.
    #[must_use]
    pub const fn row(self) -> Row {
        match self {
            Self::Answers
            | Self::Late
            | Self::Lossy
            | Self::OneWay
            | Self::Silent
            | Self::Unserved
            | Self::Refused
            | Self::Unwell => edge(self),
            Self::Reached | Self::Nacked => relay(self),
            Self::Served
            | Self::Failing
            | Self::Faltering
            | Self::FailingEverywhere
            | Self::Torn
            | Self::Cut
            | Self::Waiting => callers(self),
            Self::Usual
            | Self::Slow
            | Self::Outlier
            | Self::Right
            | Self::Wrong
            | Self::Agrees
            | Self::Minority => answers(self),
            Self::Alive
            | Self::Exited
            | Self::Stopped
            | Self::Unstartable
            | Self::Restarted
            | Self::Looping
            | Self::Survived => process(self),
            Self::OnTime | Self::Stalled | Self::Alone | Self::Shared => rest(self),
        }
    }
}

const fn edge(sign: Sign) -> Row {
    match sign {
        Sign::Late => row(
            [H, H, S, R, O, H, R, S],
            "late but complete is timing by definition; what omission lets through is on time, and the probes of a \
             gray subject pass; a crash loop is late while it starts; that a dead one answers is a mistake",
        ),
        Sign::Lossy => row(
            [H, H, R, O, R, H, R, S],
            "loss with punctual arrivals is omission by definition; a short stall or a start can look like it",
        ),
        Sign::OneWay => row(
            [N, H, H, O, H, H, H, R],
            "a direction that works shows that both ends live and are on time: nothing but a path does that, or a mistake",
        ),
        Sign::Silent => row(
            [H, O, S, S, S, H, H, S],
            "a host that is gone is silent to everybody, other crashes refuse; a loop while it is down, a bad path \
             to some, a stall while it lasts; a healthy path loses one probe in a hundred",
        ),
        Sign::Unserved => row(
            [F, H, R, R, O, H, R, R],
            "a kernel that accepts for a process that does not run; a dead process's port refuses, and a dead host \
             is silent; twice in a row is no noise",
        ),
        Sign::Refused => row(
            [F, O, S, S, H, N, H, R],
            "the port of a dead process refuses, that of a loop while it is down, and a filter in the path for some; \
             a hung process accepts, unless it never listened",
        ),
        Sign::Unwell => row(
            [N, H, R, H, R, R, R, O],
            "it lives and answers, so it neither crashed nor is cut off; a failure that the subject knows of and \
             does not name is unknown by definition",
        ),
        _ => row(
            [U, H, O, O, R, U, U, S],
            "an answer from the dead is an old one; a loop answers between two ends, and so do the edges that omission \
             spares; a value fault and a gray one are invisible to probes; what is late is in time now and then",
        ),
    }
}

const fn relay(sign: Sign) -> Row {
    match sign {
        Sign::Nacked => row(
            [H, O, S, S, O, H, H, S],
            "asked after a miss: a witness elsewhere sees the silence too, so it is the subject's; a dead or a \
             stopped one always, one behind a bad path sometimes",
        ),
        _ => row(
            [H, H, R, O, S, H, R, R],
            "asked after a miss: another way leads to it, so it lives and the observer's path is bad; what is \
             late is in time for some; in a healthy cluster that takes a loss just then",
        ),
    }
}

const fn callers(sign: Sign) -> Row {
    match sign {
        Sign::Failing => row(
            [F, H, R, R, R, H, O, S],
            "errors above those of its peers by a test over ten calls and more; the dead give no answers at all, a \
             value fault gives good ones by their status",
        ),
        Sign::Faltering => row(
            [H, H, R, R, R, H, O, S],
            "a few errors where its peers have hardly any: an accident once in a hundred, and a gateway that keeps away \
             from failures meets no more of them than that",
        ),
        Sign::FailingEverywhere => row(
            [F, H, H, H, H, H, H, O],
            "something is wrong, and what all peers share says nothing about this one: a dependency, or the callers",
        ),
        Sign::Torn => row(
            [F, H, R, O, N, N, R, R],
            "some get through, so it lives; refused and cut connections are losses, not delays",
        ),
        Sign::Cut => row(
            [F, O, S, S, N, N, H, R],
            "to callers a dead process is this and nothing else; of a bad path and of a loop some get through mostly",
        ),
        Sign::Waiting => row(
            [I, H, R, R, O, N, R, R],
            "connections stand, nothing is answered for eight times the usual time while its peers answer; a gray \
             one serves its probes meanwhile, which the edge channel tells",
        ),
        _ => row(
            [U, H, S, O, S, U, S, S],
            "callers are served by who lives and has a path, as some have; a value fault serves them wrongly; a gray or a late one \
             fails some of them and not others",
        ),
    }
}

const fn answers(sign: Sign) -> Row {
    match sign {
        Sign::Slow => row(
            [H, H, H, R, O, R, O, S],
            "slower than its peers by a bound that errs once in a hundred; late everywhere is timing, late to \
             callers only is gray; the dead have no latency",
        ),
        Sign::Outlier => row(
            [F, H, H, R, O, R, O, S],
            "so much slower than its peers over many answers that a gateway does without it; as slow ones are",
        ),
        Sign::Right => row(
            [U, H, S, S, O, S, U, S],
            "an answer and the right one: a value fault gets some of them right; what is late is right, if it comes; \
             a canary is seldom the kind of request that a gray one fails",
        ),
        Sign::Wrong => row(
            [F, N, N, N, N, U, R, R],
            "an answer that is known and another one that came: nothing but a value fault, or an error page of a \
             gray one",
        ),
        Sign::Agrees => row(
            [U, H, S, O, O, S, U, O],
            "it answers as the others do; a value fault does so only by chance",
        ),
        Sign::Minority => row(
            [F, N, N, N, N, U, R, R],
            "in the minority of several votes: a stale read is so once by accident, a value fault always",
        ),
        _ => row(
            [U, H, S, O, H, U, O, O],
            "as fast as its peers: who is late is not, the dead cannot be, half of the gray ones fail without delay",
        ),
    }
}

const fn process(sign: Sign) -> Row {
    match sign {
        Sign::Exited => row(
            [I, U, H, I, I, I, I, N],
            "the kernel told its parent: no other class has a dead process; one end alone is a crash, and the third \
             one of a loop has a sign of its own",
        ),
        Sign::Stopped => row(
            [F, I, I, N, O, N, N, H],
            "state T is a process that exists and is not scheduled: a stall by definition",
        ),
        Sign::Unstartable => row(
            [N, H, R, N, N, N, N, O],
            "nothing ran, so nothing crashed: the cause is a path, a right or memory",
        ),
        Sign::Restarted => row(
            [R, S, O, H, R, H, H, S],
            "one end lately: a crash that was healed, or a roll-out; a loop shows it between its ends",
        ),
        Sign::Looping => row(
            [I, F, U, I, I, F, F, N],
            "three short lives in a minute are a loop by definition",
        ),
        Sign::Survived => row(
            [R, I, F, U, R, H, H, S],
            "the process that was given up lives, so it never ended: its paths were cut, or its host stood still as a \
             whole; of one that is well it is a mistake",
        ),
        _ => row(
            [U, N, S, U, U, U, U, O],
            "the kernel says that it exists: it did not crash, unless it is between two ends of a loop",
        ),
    }
}

const fn rest(sign: Sign) -> Row {
    match sign {
        Sign::OnTime => row(
            [U, N, S, U, R, U, U, O],
            "it was scheduled and says so: it is not dead, and what is late is so for another reason than a stall",
        ),
        Sign::Stalled => row(
            [R, N, R, H, O, H, R, S],
            "its own clock jumped: the delay is its own and not the path's; a loaded machine does that now and then",
        ),
        Sign::Shared => onset(
            30,
            "three onsets of one tag within seconds: by chance one in a thousand",
        ),
        _ => onset(
            -10,
            "looked for and not found: one shared failure in ten has its first onset alone",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Channel, Hypothesis};
    use super::*;

    #[test]
    fn every_sign_has_a_row_of_its_own_and_says_why() {
        for (n, sign) in Sign::ALL.iter().enumerate() {
            for other in Sign::ALL.iter().skip(n + 1) {
                assert_ne!(sign.row().why, other.row().why, "{sign} and {other}");
            }
        }
    }

    /// The words are right to a factor of three, so their sum may miss 1 by less: `Usual` stands for nine in ten.
    #[test]
    fn the_likelihoods_of_a_channel_are_probabilities() {
        for channel in Channel::ALL
            .into_iter()
            .filter(|one| *one != Channel::Onset)
        {
            for hypothesis in Hypothesis::ALL.into_iter().take(8) {
                let signs = Sign::ALL.iter().filter(|sign| sign.channel() == channel);
                let sum: f64 = signs
                    .map(|sign| 10f64.powf(f64::from(sign.row().decibans(hypothesis)) / 10.0) * 0.9)
                    .sum();
                assert!(sum <= 2.0, "{} under {hypothesis}: {sum}", channel.name());
            }
        }
    }

    #[test]
    fn good_news_is_likeliest_of_who_is_well() {
        for sign in Sign::ALL.iter().filter(|sign| !sign.accuses()) {
            assert_eq!(sign.row().decibans(Hypothesis::Well), 0, "{sign}");
        }
    }
}
