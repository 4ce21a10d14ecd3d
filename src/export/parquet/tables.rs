//! The two tables: trials and samples.

use parquet::errors::ParquetError;

use super::FORMAT;
use super::columns::Table;
use crate::export::field::{Field, maybe_text, of_cell, real, text, whole};
use crate::export::{Document, Export, ExportError, Source, told};
use crate::mechanism::Phase;
use crate::recording::{Cell, CellKey, Trial, read_samples};
use crate::statistics::Quantiles;

pub(super) fn export(source: &Source) -> Result<Export, ExportError> {
    let trials = trials(source).map_err(refused)?;
    let mut warnings = Vec::new();
    let samples = samples(source, &mut warnings).map_err(refused)?;
    let tables = [("trials.parquet", trials), ("samples.parquet", samples)];
    let documents = tables.into_iter().filter_map(|(name, bytes)| {
        Some(Document {
            name: name.to_owned(),
            bytes: bytes?,
        })
    });
    let idle = source.recorded.run.cells.iter();
    let idle = idle.filter(|cell| cell.trials.is_empty());
    let idle = idle.map(|cell| cell.id.clone()).collect();
    warnings.extend(told("left out, no trials", idle));
    Ok(Export {
        documents: documents.collect(),
        warnings,
    })
}

fn refused(error: ParquetError) -> ExportError {
    ExportError::Refused {
        format: FORMAT.name,
        problem: error.to_string(),
    }
}

/// A row for each trial and phase.
fn trials(source: &Source) -> Result<Option<Vec<u8>>, ParquetError> {
    let run = &source.recorded.run;
    let mut table = Table::default();
    for cell in &run.cells {
        let cell_fields = of_cell(&run.id, cell);
        for trial in &cell.trials {
            for (phase, measured) in &trial.phases {
                let mut row = cell_fields.clone();
                row.extend(of_trial(trial));
                row.extend(of_receipt(trial));
                row.extend(of_host(trial));
                row.push(text("phase", phase.name()));
                row.push(whole("first", trial.first.get(phase).copied()));
                row.extend(of_quantiles(&measured.quantiles));
                table.push(row)?;
            }
        }
    }
    table.finish()
}

fn of_trial(trial: &Trial) -> [Field; 5] {
    [
        text("arm", &trial.arm),
        whole("block", u64::from(trial.block)),
        whole("trial", u64::from(trial.index)),
        text("started", &trial.started),
        whole("cpu", trial.cpu.map(u64::from)),
    ]
}

fn of_receipt(trial: &Trial) -> Vec<Field> {
    let receipt = &trial.receipt;
    vec![
        whole("receipt_pid", u64::try_from(receipt.pid).ok()),
        text("receipt_image", &receipt.image),
        whole("receipt_ballast", receipt.ballast),
        whole("receipt_rss", receipt.rss),
        whole("receipt_thp", receipt.thp),
        whole("receipt_hugetlb", receipt.hugetlb),
        whole("receipt_present", receipt.present),
        maybe_text("receipt_vm_flags", receipt.vm_flags.as_deref()),
        whole("receipt_page_tables", receipt.page_tables),
        whole("receipt_process_rss", receipt.process_rss),
        whole("receipt_vmas", receipt.vmas),
        whole("receipt_vmas_added", receipt.vmas_added),
        whole("receipt_threads", receipt.threads),
        whole("receipt_busy", receipt.busy),
        whole("receipt_fds", receipt.fds),
        whole("receipt_fds_added", receipt.fds_added),
        real("receipt_adjacency", receipt.adjacency),
        real("receipt_nearness", receipt.nearness),
        real("receipt_within_8", receipt.within_8),
        real("receipt_within_512", receipt.within_512),
        real("receipt_density", receipt.density),
        whole("receipt_fill_ns", receipt.fill_ns),
        whole("receipt_soaked", receipt.soaked),
        text("receipt_unverified", &receipt.unverified.join("; ")),
    ]
}

fn of_host(trial: &Trial) -> [Field; 8] {
    let host = &trial.host;
    [
        whole("host_steal_ns", host.steal_ns),
        whole("host_gap_ns", host.gap_ns),
        whole("host_wall_ns", host.wall_ns),
        whole("host_timed_ns", host.timed_ns),
        whole("host_minor_faults", host.minor_faults),
        whole("host_major_faults", host.major_faults),
        whole("host_voluntary_switches", host.voluntary_switches),
        whole("host_involuntary_switches", host.involuntary_switches),
    ]
}

fn of_quantiles(quantiles: &Quantiles) -> Vec<Field> {
    let mut fields = vec![whole("count", quantiles.count), whole("min", quantiles.min)];
    let named = quantiles.named().into_iter();
    fields.extend(named.map(|(name, _, value)| whole(name, value)));
    fields.extend([whole("max", quantiles.max), real("mean", quantiles.mean)]);
    fields
}

/// A row for each sample that was kept, in the order in which they were made.
fn samples(source: &Source, warnings: &mut Vec<String>) -> Result<Option<Vec<u8>>, ParquetError> {
    let mut table = Table::default();
    let (mut missing, mut broken) = (Vec::new(), Vec::new());
    for cell in &source.recorded.run.cells {
        let key = key_of(cell);
        for trial in &cell.trials {
            let name = || format!("{} trial {}{}", cell.id, trial.arm, trial.index);
            let samples = match read_samples(source.directory, &key, &trial.arm, trial.index) {
                Ok(Some(samples)) => samples,
                Ok(None) => {
                    missing.push(name());
                    continue;
                }
                Err(error) => {
                    broken.push(error.to_string());
                    continue;
                }
            };
            for (iteration, sample) in samples.iter().enumerate() {
                let mut row = vec![
                    text("run", &source.recorded.run.id),
                    text("cell", &cell.id),
                    text("arm", &trial.arm),
                    whole("trial", u64::from(trial.index)),
                    whole("iteration", iteration as u64),
                ];
                row.extend(Phase::ALL.map(|phase| whole(phase.name(), sample.get(phase))));
                table.push(row)?;
            }
        }
    }
    let table = table.finish()?;
    warnings.extend(told("samples left out", broken));
    match (&table, missing.is_empty()) {
        (Some(_), _) => warnings.extend(told("samples were not kept", missing)),
        (None, false) => warnings.push(
            "no samples.parquet: samples were not kept (`forkbench run --keep-samples` keeps them); \
             trials.parquet has each trial's quantiles"
                .to_owned(),
        ),
        (None, true) => {}
    }
    Ok(table)
}

fn key_of(cell: &Cell) -> CellKey {
    CellKey {
        id: cell.id.clone(),
        subject: cell.subject.clone(),
        mechanism: cell.mechanism.clone(),
        footprint: cell.footprint,
        message: cell.message,
        placement: cell.placement,
        exec: cell.exec.clone(),
        version: cell.version.clone(),
        native: cell.native.clone(),
        rate: cell.rate,
    }
}
