//! Faults drawn from a seed.
//!
//! A plan draws its victims first, a few nodes and perhaps a whole zone, and then what happens to them within half a
//! minute: crashes with restarts, stalls, clocks that are wrong, links that are bad one way or both, now and then or
//! all the time, partitions. Beside that, what all must bear: packets that are slow, late, double or broken. At the
//! end of the safety phase whoever crashed is started, so that in the end everybody is to be back.

use ninefold_core::rng::Rng;

use crate::Topology;
use crate::draw::between;
use crate::scenario::Scenario;
use crate::step::ParseError;

const SECOND: u64 = 1_000_000_000;
/// Faults begin when everybody has been there for a while, and come within this time.
const BEGIN: u64 = 5 * SECOND;
const FAULTS: u64 = 20 * SECOND;
/// The last restart, and the end of the safety phase.
const LAST: u64 = 28 * SECOND;
const SAFETY: u64 = 30 * SECOND;
/// Faults of one plan at most.
const FAULTS_MAX: u64 = 4;

/// A plan that follows from `seed`, whose healing phase lasts for `healing` ns.
///
/// # Errors
/// None that a step is written wrongly, unless this is.
pub fn plan(topology: &Topology, seed: u64, healing: u64) -> Result<Scenario, ParseError> {
    let mut rng = Rng::new(seed ^ 0x9c1a_57e5);
    let victims = victims(topology, &mut rng);
    let mut lines = vec![(BEGIN, background(&mut rng))];
    for _ in 0..=rng.below(FAULTS_MAX) {
        let at = between(&mut rng, BEGIN, BEGIN + FAULTS);
        let victim = pick(&victims, &mut rng);
        lines.extend(fault(&victim, at, &mut rng));
    }
    lines.push((
        LAST,
        victims
            .iter()
            .map(|victim| format!("restart {victim}"))
            .collect(),
    ));
    lines.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    for (at, steps) in lines {
        for step in steps {
            text.push_str(&format!("at {at}ns {step}\n"));
        }
    }
    text.push_str(&format!(
        "safety {SAFETY}ns\nhealing {}ns\n",
        SAFETY + healing
    ));
    text.parse()
}

/// Up to a quarter of all nodes, one by one; in every fourth plan a whole zone instead, where there are three.
fn victims(topology: &Topology, rng: &mut Rng) -> Vec<String> {
    let nodes = u64::from(topology.nodes());
    if topology.zones() >= 3 && rng.below(4) == 0 {
        return vec![format!("zone={}", rng.below(u64::from(topology.zones())))];
    }
    let wanted = between(rng, 1, (nodes / 4).max(1));
    let mut drawn = Vec::new();
    while (drawn.len() as u64) < wanted {
        let node = rng.below(nodes).to_string();
        if !drawn.contains(&node) {
            drawn.push(node);
        }
    }
    drawn
}

fn pick(victims: &[String], rng: &mut Rng) -> String {
    let at = usize::try_from(rng.below(victims.len() as u64)).unwrap_or_default();
    victims.get(at).cloned().unwrap_or_else(|| "0".to_owned())
}

/// What hits everybody, and must hurt nobody.
fn background(rng: &mut Rng) -> Vec<String> {
    let ms = |rng: &mut Rng, least, most| between(rng, least, most);
    let step = match rng.below(6) {
        0 => format!("delay 1ms..{}ms all all", ms(rng, 5, 40)),
        1 => "duplicate 0.1 all all".to_owned(),
        2 => format!("reorder 0.2 {}ms all all", ms(rng, 5, 40)),
        3 => "corrupt 0.01 all all".to_owned(),
        4 => "loss 0.01 all all".to_owned(),
        _ => return Vec::new(),
    };
    vec![step]
}

/// One thing that happens to a victim, and what ends it where healing does not.
fn fault(victim: &str, at: u64, rng: &mut Rng) -> Vec<(u64, Vec<String>)> {
    let share = (between(rng, 1, 10) as f64) / 10.0;
    let ms = between(rng, 200, 6_000);
    let flap = if rng.below(2) == 0 {
        format!(
            " flap {}ms {}ms",
            between(rng, 300, 8_000),
            between(rng, 300, 8_000)
        )
    } else {
        String::new()
    };
    let one = |step: String| vec![(at, vec![step])];
    match rng.below(11) {
        0 | 1 => {
            let blank = if rng.below(2) == 0 { " blank" } else { "" };
            let back = at + between(rng, SECOND, 8 * SECOND);
            let crash = vec![format!("crash {victim}")];
            let start = vec![format!("restart {victim}{blank}")];
            vec![(at, crash), (back.min(LAST), start)]
        }
        2 => one(format!("stall {victim} {ms}ms")),
        3 => one(format!("stalls {victim} 100ms 900ms 500ms")),
        4 => one(format!("loss {share} {victim} all{flap}")),
        5 => one(format!("loss {share} all {victim}{flap}")),
        6 => one(format!("burst 2000ms {ms}ms {victim} all")),
        7 => one(format!("partition {victim} not({victim})")),
        8 => one(format!("cut all {victim}{flap}")),
        9 => one(format!("jump {victim} +{ms}ms")),
        _ => one(format!("delay {ms}ms {victim} all{flap}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Step;

    #[test]
    fn plans_are_whole_differ_and_leave_nobody_dead() {
        let topology = Topology::new(12, 3);
        let plans: Vec<Scenario> = (0..200)
            .map(|seed| plan(&topology, seed, SECOND).unwrap())
            .collect();
        assert_eq!(plans[7], plan(&topology, 7, SECOND).unwrap());
        assert!(plans.windows(2).all(|pair| pair[0] != pair[1]));
        let texts: Vec<String> = plans.iter().map(Scenario::to_string).collect();
        for kind in [
            "crash",
            "blank",
            "stall ",
            "stalls",
            "loss",
            "burst",
            "partition",
            "loss 1 ",
            "jump",
            "delay",
            "flap",
            "zone=",
            "corrupt",
            "reorder",
            "duplicate",
        ] {
            assert!(texts.iter().any(|text| text.contains(kind)), "{kind}");
        }
        for plan in &plans {
            let last = plan.steps.last().map(|(_, step)| step);
            assert!(matches!(last, Some(Step::Restart { .. })));
        }
    }
}
