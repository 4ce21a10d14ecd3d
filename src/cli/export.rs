//! `forkbench export`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::Exit;
use super::output::{named_run, print, print_json};
use crate::export::{Export as Exported, FORMATS, Format};
use crate::recording;

#[derive(Debug, Args)]
#[command(
    after_help = "One document goes to standard output unless --out names a file; several files need \
                  --out with a folder. Files are replaced whole. What the run has and the export leaves \
                  out is said on standard error.\n\nExamples:\n  \
                  forkbench export latest --format csv --out cells.csv\n  \
                  forkbench export latest --format github > benchmark.json\n  \
                  forkbench export latest --format hgrm --out percentiles/"
)]
pub(super) struct Export {
    /// A run's directory, a file in it, or `latest`
    run: PathBuf,
    /// What to write
    #[arg(long, value_parser = format_parser())]
    format: &'static Format,
    /// The file to write, or the folder for a format of several files
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
}

/// The formats by name, each with what it is.
fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    let values = FORMATS
        .iter()
        .map(|format| PossibleValue::new(format.name).help(format.what));
    PossibleValuesParser::new(values).map(|name| {
        let known = Format::named(&name);
        known.unwrap_or_else(|| unreachable!("clap takes no other value than the formats' names"))
    })
}

/// A command line that asks for what cannot be.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportUsage {
    /// Several files, and nowhere to put them.
    #[error("{format} is several files: name a folder for them, as in `--out {format}/`")]
    NoFolder { format: &'static str },
    /// A list of files where none is written.
    #[error(
        "--json lists the files that were written, and {format} goes to standard output: name a file, as in `--out run.{extension}`"
    )]
    NoFile {
        format: &'static str,
        extension: &'static str,
    },
    /// One document, and a folder to put it in.
    #[error("`{}` is a folder, and {format} is one file: name it, as in `--out {}`", path.display(), path.join(format!("run.{extension}")).display())]
    IsFolder {
        path: PathBuf,
        format: &'static str,
        extension: &'static str,
    },
    /// Several files, and a file to put them in.
    #[error("`{}` is a file, and {format} is several: name a folder with --out", path.display())]
    IsFile { path: PathBuf, format: &'static str },
}

impl Export {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        self.check(json)?;
        let path = named_run(&self.run);
        let recorded = recording::read(&path)?;
        let directory = recording::locate(&path)?;
        let exported = self.format.export(&recorded, &directory)?;
        for warning in recorded.problems.iter().chain(&exported.warnings) {
            eprintln!("warning: {warning}");
        }
        let Some(out) = &self.out else {
            for document in &exported.documents {
                print(&String::from_utf8_lossy(&document.bytes))?;
            }
            return Ok(Exit::Done);
        };
        let files = self.write(&exported, out)?;
        if json {
            print_json(&json!({
                "format": self.format.name,
                "run": recorded.run.id,
                "files": files,
                "warnings": exported.warnings,
            }))?;
        } else {
            for file in &files {
                print(&format!("{}\n", file.display()))?;
            }
        }
        Ok(Exit::Done)
    }

    /// Looks at the command line before a run is read.
    fn check(&self, json: bool) -> Result<(), ExportUsage> {
        let Format {
            name: format,
            extension,
            several,
            ..
        } = *self.format;
        match &self.out {
            None if several => Err(ExportUsage::NoFolder { format }),
            // What is JSON is one document already.
            None if json && extension != "json" => Err(ExportUsage::NoFile { format, extension }),
            Some(path) if several && path.is_file() => Err(ExportUsage::IsFile {
                path: path.clone(),
                format,
            }),
            Some(path) if !several && path.is_dir() => Err(ExportUsage::IsFolder {
                path: path.clone(),
                format,
                extension,
            }),
            _ => Ok(()),
        }
    }

    fn write(&self, exported: &Exported, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
        if self.format.several {
            return Ok(exported.write_into(out)?);
        }
        let written = exported.documents.iter().map(|one| one.write(out));
        Ok(written.collect::<Result<_, _>>()?)
    }
}
