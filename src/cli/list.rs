//! `forkbench list`.

use clap::Args;
use serde::Serialize;

use super::Exit;
use super::output::{fill, print, print_json, width};
use super::selection::{Selected, Selection};
use crate::footprint;
use crate::harness::cell::Cell;
use crate::harness::environment;
use crate::harness::launcher::Launcher;
use crate::harness::life;
use crate::harness::plan;
use crate::harness::registry::Registry;
use crate::mechanism::Phase;
use crate::protocol::{Count, Exchange, Order, Serve, VERSION};
use crate::recording::Placement;
use crate::server::POOL;

/// What a job typed by hand measures.
const JOB: Count = Count {
    warmup: 20,
    plain: 100,
    stamped: 25,
    fresh: 0,
};

/// And of a channel, so often from the beginning.
const FRESH: u64 = 5;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench list '*/1GiB*'\n  forkbench list --job fork/64MiB | forkbench-subject"
)]
pub(super) struct List {
    #[command(flatten)]
    selection: Selection,
    /// Print the text that a subject reads, for one cell
    #[arg(long)]
    job: bool,
}

#[derive(Serialize)]
struct Listed {
    id: String,
    mechanism: String,
    summary: Option<String>,
    phases: Vec<&'static str>,
    skipped: Option<String>,
}

impl List {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let Selected {
            cells,
            launcher,
            registry,
            ..
        } = self.selection.resolve(&plan::default_cells())?;
        if self.job {
            let [cell] = cells.as_slice() else {
                eprintln!(
                    "error: --job prints the job of one cell, and {} are named; name one, as in --job fork/64MiB",
                    cells.len()
                );
                return Ok(Exit::Usage);
            };
            let orders = job(&launcher, &registry, cell).into_iter();
            let lines = orders.map(|order| order.to_line() + "\n");
            print(&lines.collect::<String>())?;
            return Ok(Exit::Done);
        }
        let available = environment::memory_available();
        let listed: Vec<Listed> = cells
            .iter()
            .map(|cell| listed(cell, &launcher, &registry, available))
            .collect();
        if json {
            print_json(&listed)?;
            return Ok(Exit::Done);
        }
        let width = width().unwrap_or(80);
        let lines = listed.iter().map(|cell| line(cell, width));
        print(&lines.collect::<String>())?;
        if self.selection.filters.is_empty() {
            print(&(fill(&others(&registry), width, "# ") + "\n"))?;
        }
        Ok(Exit::Done)
    }
}

/// A cell's line; a reason that has no room in it follows, indented.
fn line(cell: &Listed, width: usize) -> String {
    let Some(reason) = &cell.skipped else {
        return format!("{:34} {}\n", cell.id, cell.phases.join(" "));
    };
    let line = format!("{:34} skipped: {reason}", cell.id);
    if line.chars().count() <= width {
        return line + "\n";
    }
    let reason = fill(reason, width, "    ");
    format!("{:34} skipped:\n{reason}\n", cell.id)
}

/// The subjects beside forkbench's own, which are measured when they are named.
fn others(registry: &Registry) -> String {
    let names = registry.subjects().iter().map(|subject| {
        let (name, count) = (&subject.name, subject.mechanisms.len());
        format!("`{name}:*` ({count} mechanisms)")
    });
    let names: Vec<String> = names.collect();
    format!("and other subjects, if you name them: {}", names.join(", "))
}

fn listed(cell: &Cell, launcher: &Launcher, registry: &Registry, available: Option<u64>) -> Listed {
    let foreign = cell.exec.is_some();
    let (summary, phases) = match (registry.mechanism(cell), cell.known()) {
        (Some(known), _) => {
            let phases = known.phases.iter();
            let phases = phases.filter(|&&phase| !(foreign && phase == Phase::Exec));
            (Some(known.summary.clone()), phases.copied().collect())
        }
        (None, Some(known)) => {
            let phases = known.phases().iter();
            let phases = phases.filter(|phase| known.has(**phase, foreign));
            (Some(known.summary().to_owned()), phases.copied().collect())
        }
        (None, None) => (None, Vec::<Phase>::new()),
    };
    let absent = launcher.subject(cell).err().map(|error| error.to_string());
    let too_large =
        || available.and_then(|available| footprint::fits(&cell.footprint, available).err());
    Listed {
        id: cell.to_string(),
        mechanism: cell.mechanism.clone(),
        summary,
        phases: phases.iter().map(|phase| phase.name()).collect(),
        skipped: absent.or_else(too_large),
    }
}

/// Whether a cell's children may execute something, and may stamp the clock: of a subject that nobody knows, all do.
fn needs(cell: &Cell, registry: &Registry) -> (bool, bool) {
    match (registry.mechanism(cell), cell.known()) {
        (Some(known), _) => (known.executes(), known.stamps()),
        (None, Some(known)) => (known.executes(), known.stamps(cell.exec.is_some())),
        (None, None) => (true, true),
    }
}

/// The orders of one small trial.
fn job(launcher: &Launcher, registry: &Registry, cell: &Cell) -> Vec<Order> {
    let mut orders = vec![Order::Hello { version: VERSION }];
    let (executes, stamps) = needs(cell, registry);
    let pinned = cell.placement != Placement::Free;
    if let Some(cpu) = launcher.subject_cpu().filter(|_| pinned) {
        orders.push(Order::Cpu(cpu));
    }
    if executes {
        orders.push(Order::Exec(launcher.image(cell).clone()));
    }
    let mut count = JOB;
    if !stamps {
        count.stamped = 0;
    }
    // On a host with one CPU it shows what is missing: the child stays where its parent is.
    let other = launcher.cpus().map(|(_, other)| other);
    let exchange = cell.message.map(|message| Exchange {
        message,
        peer: other.filter(|_| cell.placement == Placement::Two),
    });
    if exchange.is_some() {
        count.fresh = FRESH;
    } else if !life::has_a_life(cell) {
        // A subject has but one first pass.
        count.warmup = 0;
    }
    orders.push(Order::Hold(cell.footprint));
    if cell.model().is_some() {
        // It serves as long as its input stays open.
        orders.push(Order::Serve(Serve {
            mechanism: cell.mechanism.clone(),
            port: 0,
            pool: POOL,
            watch: false,
        }));
        return orders;
    }
    orders.push(Order::Time {
        mechanism: cell.mechanism.clone(),
        exchange,
        count,
    });
    orders.push(Order::End);
    orders
}
