//! The fault itself, the proof that it happened, and recovery from it, by kind of fault.

use std::time::{Duration, Instant};

use super::bench::Bench;
use super::experiment::Experiment;
use super::nodes;
use super::run::{Exposure, Ready, Say, announce};
use super::steps;
use super::watchdog::{Setback, Watchdog};
use crate::fault::{FaultKind, cut, inject, kill_nodes, prove, prove_dead, table_of};
use crate::ledger::VERIFY;
use crate::report::TrialReport;
use crate::verify::Phase;
use crate::{System, clock};

/// Load behind the recovery, before anything is rolled back.
const SETTLE: Duration = Duration::from_secs(1);

/// Fault, proof, recovery, settling.
pub(super) async fn expose<S: System>(
    bench: &Bench<'_, S>,
    watchdog: &mut Watchdog,
    experiment: &Experiment,
    ready: &mut Ready<'_, S>,
    report: &TrialReport,
    exposure: &mut Exposure,
    say: &mut Say<'_>,
) -> Result<(), Setback> {
    say(Phase::Fault, report.on_whom());
    let elapsed = |ready: &Ready<'_, S>| ready.load.as_ref().map(|(load, _)| load.elapsed());
    exposure.from = elapsed(ready).unwrap_or_default();
    exposure.injected = clock::wall();
    let mut scene = Scene {
        bench,
        watchdog,
        experiment,
        report,
        say,
    };
    match experiment.kind {
        FaultKind::Partition { one_way } => scene.cut_off(ready, exposure, one_way).await?,
        kind if kind.in_gateway().is_some() => scene.in_gateway(ready, exposure).await?,
        _ if !ready.nodes.is_empty() => scene.on_nodes(ready, exposure).await?,
        _ => scene.on_processes(ready, exposure).await?,
    }
    if exposure.recovered.is_some() {
        scene.settle().await?;
    }
    exposure.to = elapsed(ready).unwrap_or_default();
    exposure.after = Some(watchdog.guard(bench.status()).await??);
    Ok(())
}

/// What does not change while a fault lasts.
struct Scene<'a, 'b, S> {
    bench: &'a Bench<'b, S>,
    watchdog: &'a mut Watchdog,
    experiment: &'a Experiment,
    report: &'a TrialReport,
    say: &'a mut Say<'b>,
}

impl<S: System> Scene<'_, '_, S> {
    fn say(&mut self, phase: Phase) {
        let watch = crate::report::in_words(self.experiment.watch);
        let detail = match phase {
            Phase::Recovery => format!("at most {watch}"),
            _ => String::new(),
        };
        (self.say)(phase, detail);
    }

    /// It was done: the ledger learns of it, and it has to show.
    fn applied(&mut self) -> Result<(), Setback> {
        self.bench.ledger.applied(&self.report.fault)?;
        self.say(Phase::Proof);
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Setback> {
        self.say(Phase::Settle);
        self.watchdog.guard(tokio::time::sleep(SETTLE)).await
    }

    async fn in_gateway(
        &mut self,
        ready: &Ready<'_, S>,
        exposure: &mut Exposure,
    ) -> Result<(), Setback> {
        let (bench, experiment) = (self.bench, self.experiment);
        let before = &ready.before;
        announce(bench, self.watchdog, experiment, before, self.report).await?;
        self.applied()?;
        let struck = steps::struck(bench, experiment, before, &ready.targets);
        let first = self.watchdog.guard(struck).await??;
        self.say(Phase::Recovery);
        let left = steps::turned_away(bench, experiment, first, before, &ready.targets);
        exposure.recovered = self.watchdog.guard(left).await??;
        if experiment.kind == FaultKind::WrongAnswers {
            exposure.nodes.isolated = exposure.recovered;
        }
        Ok(())
    }

    async fn on_processes(
        &mut self,
        ready: &Ready<'_, S>,
        exposure: &mut Exposure,
    ) -> Result<(), Setback> {
        let (bench, experiment) = (self.bench, self.experiment);
        let (kind, targets) = (experiment.kind, &ready.targets);
        self.watchdog.pace.hit(&self.report.targets, Instant::now());
        inject(kind, targets).map_err(Setback::Because)?;
        self.applied()?;
        let proof = self.watchdog.guard(prove(kind, targets)).await?;
        proof.map_err(Setback::Because)?;
        self.say(Phase::Recovery);
        let (fault, injected) = (&self.report.fault, exposure.injected);
        let recovery = steps::recovery(bench, experiment, fault, injected, &ready.before, targets);
        exposure.recovered = self.watchdog.guard(recovery).await?;
        Ok(())
    }

    async fn on_nodes(
        &mut self,
        ready: &mut Ready<'_, S>,
        exposure: &mut Exposure,
    ) -> Result<(), Setback> {
        let (nodes, targets) = (&ready.nodes[..], &ready.targets[..]);
        let now = Instant::now();
        self.watchdog.pace.hit_nodes(&self.report.nodes, now);
        kill_nodes(nodes, targets).map_err(Setback::Because)?;
        self.applied()?;
        let proof = async {
            prove_dead(nodes).await?;
            prove(FaultKind::NodeKill, targets).await
        };
        let proof = self.watchdog.guard(proof).await?;
        proof.map_err(Setback::Because)?;
        self.say(Phase::Recovery);
        let Some(journals) = &mut ready.journals else {
            return Err(Setback::Because("no journal is read".to_owned()));
        };
        let recovery = nodes::recovery(
            self.bench,
            self.experiment,
            exposure.injected,
            &ready.before,
            (nodes, targets),
            journals,
            &mut exposure.nodes,
        );
        exposure.recovered = self.watchdog.guard(recovery).await??;
        Ok(())
    }

    /// Cuts nodes off, and ends the cut once the others do without them: all that follows is a part of the fault.
    async fn cut_off(
        &mut self,
        ready: &mut Ready<'_, S>,
        exposure: &mut Exposure,
        one_way: bool,
    ) -> Result<(), Setback> {
        let (bench, experiment) = (self.bench, self.experiment);
        let table = table_of(&self.report.fault);
        let sides = nodes::sides(&ready.before, &self.report.nodes);
        let (off, others) = sides.map_err(Setback::Because)?;
        self.watchdog
            .pace
            .hit_nodes(&self.report.nodes, Instant::now());
        let name = table.clone();
        let done = tokio::task::spawn_blocking(move || cut(&name, &off, &others, one_way)).await;
        let done = done.map_err(|error| Setback::Because(error.to_string()))?;
        done.map_err(Setback::Because)?;
        self.applied()?;
        self.watchdog.guard(nodes::prove_cut(&table)).await??;
        self.say(Phase::Recovery);
        let Some(journals) = &mut ready.journals else {
            return Err(Setback::Because("no journal is read".to_owned()));
        };
        let (targets, seen) = (&ready.targets, &mut exposure.nodes);
        let kept_away = nodes::kept_away(bench, experiment, targets, journals, seen);
        exposure.recovered = self.watchdog.guard(kept_away).await?;
        self.settle().await?;
        let (ledger, fault) = (bench.ledger.clone(), self.report.fault.clone());
        let undone = tokio::task::spawn_blocking(move || ledger.undo(&fault, VERIFY)).await;
        let undone = undone.map_err(|error| Setback::Because(error.to_string()))??;
        if !undone.complete {
            return Err(Setback::Because(undone.what.join("; ")));
        }
        let back = nodes::rejoined(bench, &ready.before, &ready.nodes);
        exposure.nodes.rejoined = self.watchdog.guard(back).await?;
        Ok(())
    }
}
