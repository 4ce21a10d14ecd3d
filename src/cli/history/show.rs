//! `forkbench history show`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Exit;
use super::super::output::{colour, print, print_json, width};
use super::super::report::open;
use super::Place;
use super::judging::Judging;
use crate::report;

#[derive(Debug, Args)]
#[command(
    after_help = "Prints each cell with its level over time, and draws the trend page where --out says to.\n\nExamples:\n  \
                  forkbench history show --out trend.html --open\n  \
                  forkbench history show 'fork/*' --host 'nightly*' --since 90d"
)]
pub(super) struct Show {
    #[command(flatten)]
    judging: Judging,
    /// Draw the trend page into this file; it names runs from where it lies
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Open the page in a browser
    #[arg(long, requires = "out")]
    open: bool,
}

impl Show {
    pub(super) fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
        let history = self.judging.history(place, true)?;
        if let Some(out) = &self.out {
            report::trend::write(out, &history)?;
        }
        if json {
            print_json(&history)?;
        } else {
            print(&report::trend::show(&history, width(), colour()))?;
        }
        if let Some(out) = &self.out {
            self.tell(out, json)?;
        }
        Ok(Exit::Done)
    }

    /// Says where the page is, and opens it.
    fn tell(&self, page: &Path, json: bool) -> anyhow::Result<()> {
        if json {
            eprintln!("{}", page.display());
        } else {
            print(&format!("\n{}\n", page.display()))?;
        }
        if self.open && !open(page) {
            anyhow::bail!(
                "no browser could be started with xdg-open; open {} yourself",
                page.display()
            );
        }
        Ok(())
    }
}
