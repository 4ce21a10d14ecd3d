//! `forkbench compare`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use clap::Args;

use super::Exit;
use super::judgement::{CONFIDENCE, Format, Judging, THRESHOLD, show};
use super::output::{named_run, repeated_command, tool};
use crate::comparison::{self, Asked, Compared, Comparison, Kind, Side, VERDICT_SCHEMA};
use crate::recording::{self, Recorded, rfc3339};
use crate::report;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  forkbench compare reports/before reports/after\n  \
                  forkbench compare mon,tue,wed thu,fri,sat --phase call,reap --fail-on regressed\n  \
                  forkbench compare reports/old-kernel latest --across-hosts --format markdown\n\n\
                  Each run is a sitting, and the same program is a few percent faster or slower in the next: one sitting a side \
                  calls nothing below about 6 %, however many trials it has. Name several, joined by commas, or \
                  build both programs and run `forkbench ab`, which decides in one sitting.\n\n\
                  Exit codes: 0 done, 1 nothing can be compared, 3 the verdict that --fail-on names."
)]
pub(super) struct Compare {
    /// What to compare with: a run's directory or `latest`; several sittings joined by commas
    #[arg(value_parser = side)]
    base: SideRuns,
    /// What is judged, likewise
    #[arg(value_parser = side)]
    candidate: SideRuns,
    #[command(flatten)]
    judging: Judging,
    /// Judge sides of different hosts, kernels or settings too: the difference is then theirs as well
    #[arg(long)]
    across_hosts: bool,
    /// Leave a page, verdict.json, comparison.md and junit.xml in this folder, made if need be
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A side as it was named.
#[derive(Debug, Clone)]
struct SideRuns {
    name: String,
    runs: Vec<PathBuf>,
}

/// A folder may have a comma in its name.
fn side(text: &str) -> Result<SideRuns, String> {
    let runs: Vec<PathBuf> = match Path::new(text).exists() {
        true => vec![text.into()],
        false => text.split(',').map(PathBuf::from).collect(),
    };
    if runs.iter().any(|run| run.as_os_str().is_empty()) {
        return Err("a run between two commas has no name".to_owned());
    }
    Ok(SideRuns {
        name: text.to_owned(),
        runs,
    })
}

impl SideRuns {
    fn read(&self) -> anyhow::Result<Vec<Recorded>> {
        let runs = self.runs.iter();
        runs.map(|run| Ok(recording::read(&named_run(run))?))
            .collect()
    }

    fn document(&self, recorded: &[Recorded]) -> Side {
        Side {
            // `latest` is another run tomorrow.
            name: match self.runs.iter().any(|run| run.ends_with("latest")) {
                true => recorded
                    .iter()
                    .map(|one| one.run.id.as_str())
                    .collect::<Vec<_>>()
                    .join(","),
                false => self.name.clone(),
            },
            runs: recorded.iter().map(|one| one.run.id.clone()).collect(),
        }
    }
}

impl Compare {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        let started = rfc3339(SystemTime::now());
        let (base, candidate) = (self.base.read()?, self.candidate.read()?);
        let asked = Asked {
            threshold: self.judging.threshold.unwrap_or(THRESHOLD),
            confidence: self.judging.confidence.unwrap_or(CONFIDENCE),
            phases: self.judging.phases(),
            statistic: self.judging.statistic,
            across_hosts: self.across_hosts,
        };
        let judged = comparison::judge(&base, &candidate, &asked)?;
        let format = self.judging.format(json);
        // The table begins with them.
        if format != Format::Table {
            for difference in &judged.differences {
                eprintln!("note: {difference}");
            }
        }
        for warning in &judged.warnings {
            eprintln!("warning: {warning}");
        }
        let compared = Compared {
            comparison: Comparison {
                schema: VERDICT_SCHEMA.to_owned(),
                kind: Kind::Compare,
                started,
                finished: Some(rfc3339(SystemTime::now())),
                command: repeated_command(),
                tool: tool("forkbench compare"),
                host: None,
                seed: None,
                threshold: asked.threshold,
                confidence: asked.confidence,
                budget: None,
                base: self.base.document(&base),
                candidate: self.candidate.document(&candidate),
                differences: judged.differences,
                cells: judged.cells,
            },
            samples: judged.samples,
        };
        if let Some(out) = &self.out {
            write(out, &compared)?;
        }
        show(&compared, format)?;
        Ok(self.judging.exit(&compared.comparison))
    }
}

/// Leaves what was found in a folder, in each form.
fn write(out: &Path, compared: &Compared) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)
        .with_context(|| format!("cannot make --out {}; name another folder", out.display()))?;
    comparison::write(out, &compared.comparison)?;
    let page = report::comparison::write(out, compared)?;
    eprintln!("{}", page.display());
    Ok(())
}
