//! `forkbench report`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use super::Exit;
use super::output::{colour, named_run, print, print_json, width};
use crate::comparison::{self, Compared};
use crate::recording;
use crate::report;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench report latest --open\n  forkbench report reports/2026-01-31T10-20-30Z-alpha"
)]
pub(super) struct Report {
    /// A run's directory, a file in it, or `latest`
    run: PathBuf,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
    /// Print the table as Markdown, for pasting elsewhere
    #[arg(long)]
    markdown: bool,
}

impl Report {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let path = named_run(&self.run);
        let recorded = recording::read(&path)?;
        for problem in &recorded.problems {
            eprintln!("warning: {problem}");
        }
        let directory = recording::locate(&path)?;
        if recorded.run.finished.is_none() && directory.join("trials.jsonl").is_file() {
            // A run that was cut off may lack what is derived from its trials.
            recording::rebuild(&directory)?;
        }
        if let Some(compared) = comparison::read(&directory, &recorded)? {
            return self.show(&directory, &compared, json);
        }
        let cells = recorded.run.cells.iter();
        if cells
            .flat_map(|cell| &cell.trials)
            .any(|trial| !trial.arm.is_empty())
        {
            eprintln!(
                "warning: this run compares two arms, and its verdict.json is missing: figures are over both arms \
                 and pilot pairs"
            );
        }
        let page = report::write(&directory, &recorded)?;
        if json {
            print_json(&recorded.run)?;
            eprintln!("{}", page.display());
        } else if self.markdown {
            print(&report::markdown(&recorded.run))?;
            eprintln!("{}", page.display());
        } else {
            print(&report::table(&recorded.run, width(), colour()))?;
            print(&format!("\n{}\n", page.display()))?;
        }
        self.opened(&page)
    }

    /// Draws and prints a run that compares two sides.
    fn show(&self, directory: &Path, compared: &Compared, json: bool) -> anyhow::Result<Exit> {
        let page = report::comparison::write(directory, compared)?;
        if json {
            print_json(&compared.comparison)?;
            eprintln!("{}", page.display());
        } else if self.markdown {
            print(&report::comparison::markdown(&compared.comparison))?;
            eprintln!("{}", page.display());
        } else {
            print(&report::comparison::table(
                &compared.comparison,
                width(),
                colour(),
            ))?;
            print(&format!("\n{}\n", page.display()))?;
        }
        self.opened(&page)
    }

    /// Opens the page, if that was asked for.
    fn opened(&self, page: &Path) -> anyhow::Result<Exit> {
        if self.open && !open(page) {
            anyhow::bail!(
                "no browser could be started with xdg-open; open {} yourself",
                page.display()
            );
        }
        Ok(Exit::Done)
    }
}

pub(super) fn open(page: &Path) -> bool {
    let opened = Command::new("xdg-open")
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    opened.is_ok_and(|status| status.success())
}
