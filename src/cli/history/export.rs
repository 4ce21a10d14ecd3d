//! `forkbench history export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Exit;
use super::super::export::ExportUsage;
use super::super::output::{print, print_bytes, print_json};
use super::Place;
use super::selecting::{Cells, Selecting, phase_parser};
use crate::history::export::Format as Exported;
use crate::mechanism::Phase;

#[derive(Debug, Args)]
#[command(
    after_help = "Parquet goes to standard output unless --out names a file. Otava's files need --out with a folder: a file \
                  for each series, and otava.yaml, which names them.\n\nExamples:\n  \
                  forkbench history export --format parquet --out history.parquet\n  \
                  forkbench history export 'fork/*' --phase call --format otava --out otava/"
)]
pub(super) struct Export {
    #[command(flatten)]
    cells: Cells,
    /// These phases of them alone [default: all]
    #[arg(long, value_name = "PHASE", value_delimiter = ',', value_parser = phase_parser())]
    phase: Vec<Phase>,
    /// What to write
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write, or the folder for several
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    selecting: Selecting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table with a row for each trial and phase, for data frames and DuckDB
    Parquet,
    /// JSON for Apache Otava, formerly Hunter: a file for each series
    Otava,
}

impl Export {
    pub(super) fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
        self.check(json)?;
        let store = place.open()?;
        let format = match self.format {
            Format::Parquet => Exported::Parquet,
            Format::Otava => Exported::Otava,
        };
        let exported = format.export(&store, &self.selecting.with(&self.cells, &self.phase))?;
        let Some(out) = &self.out else {
            for document in &exported.documents {
                print_bytes(&document.bytes)?;
            }
            return Ok(Exit::Done);
        };
        let files = match self.format {
            Format::Otava => exported.write_into(out)?,
            Format::Parquet => {
                let written = exported.documents.iter().map(|one| one.write(out));
                written.collect::<Result<_, _>>()?
            }
        };
        if json {
            print_json(&json!({
                "format": self.name(),
                "store": store.path(),
                "files": files,
            }))?;
        } else {
            let lines = files.iter().map(|file| format!("{}\n", file.display()));
            print(&lines.collect::<String>())?;
        }
        Ok(Exit::Done)
    }

    fn name(&self) -> &'static str {
        match self.format {
            Format::Parquet => "parquet",
            Format::Otava => "otava",
        }
    }

    /// Looks at the command line before the store is read.
    fn check(&self, json: bool) -> Result<(), ExportUsage> {
        let format = self.name();
        let several = self.format == Format::Otava;
        match &self.out {
            None if several => Err(ExportUsage::NoFolder { format }),
            None if json => Err(ExportUsage::NoFile {
                format,
                extension: "parquet",
            }),
            Some(path) if several && path.is_file() => Err(ExportUsage::IsFile {
                path: path.clone(),
                format,
            }),
            Some(path) if !several && path.is_dir() => Err(ExportUsage::IsFolder {
                path: path.clone(),
                format,
                extension: "parquet",
            }),
            _ => Ok(()),
        }
    }
}
