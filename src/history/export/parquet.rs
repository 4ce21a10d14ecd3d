//! Apache Parquet: a row for each trial and phase of every run.

use parquet::errors::ParquetError;

use super::HistoryExportError;
use crate::export::field::{Field, maybe_text, text, whole};
use crate::export::{Document, Export, Table};
use crate::history::figures::TrialFigures;
use crate::history::levels::Levels;
use crate::history::selection::Selection;
use crate::history::series::StoredRun;
use crate::history::store::Store;
use crate::recording::rfc3339;

pub(super) fn export(store: &Store, selection: &Selection) -> Result<Export, HistoryExportError> {
    let mut table = Table::default();
    for (run, levels) in store.all_levels(selection)? {
        let of_run = run_fields(&run);
        for one in &levels {
            for (number, trial) in one.trials.iter().enumerate() {
                let mut row = of_run.clone();
                row.extend(trial_fields(one, number, trial));
                table.push(row).map_err(refused)?;
            }
        }
    }
    let bytes = table.finish().map_err(refused)?;
    let document = bytes.map(|bytes| Document {
        name: "history.parquet".to_owned(),
        bytes,
    });
    Ok(Export {
        documents: document.into_iter().collect(),
        warnings: Vec::new(),
    })
}

fn refused(error: ParquetError) -> HistoryExportError {
    HistoryExportError::Refused {
        problem: error.to_string(),
    }
}

fn run_fields(run: &StoredRun) -> Vec<Field> {
    let path = run.path.as_ref().map(|path| path.to_string_lossy());
    vec![
        text("run", &run.id),
        text("source", run.source.name()),
        text("started", &rfc3339(run.started)),
        text("host", &run.host.0),
        text("host_name", &run.host_name),
        maybe_text("kernel", run.kernel.as_deref()),
        maybe_text("commit", run.commit.as_deref()),
        maybe_text("branch", run.branch.as_deref()),
        maybe_text("path", path.as_deref()),
    ]
}

fn trial_fields(levels: &Levels, number: usize, trial: &TrialFigures) -> [Field; 8] {
    [
        text("cell", &levels.cell),
        maybe_text("phase", levels.phase.map(|phase| phase.name())),
        whole("trial", number as u64),
        whole("count", trial.count),
        whole("p10", trial.p10),
        whole("p50", trial.p50),
        whole("p90", trial.p90),
        whole("p99", trial.p99),
    ]
}
