//! What the Criterion targets of `cargo bench` share with `forkbench run`: the run they write to.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::output::{fresh_seed, header, runs_folder};
use crate::harness::cell::Cell;
use crate::harness::launcher::Launcher;
use crate::harness::life;
use crate::recording::{self, CellLine, Line, RecordingError, RunWriter, TrialLine, rfc3339};
use crate::report;

/// The run of one `cargo bench`, joined by each of its targets in turn.
pub struct BenchRun {
    writer: RunWriter,
}

impl BenchRun {
    /// Joins the run of this `cargo bench`, or begins it.
    ///
    /// # Errors
    /// Where the run can't be written.
    pub fn open() -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args()
            .skip(1)
            .filter(|argument| argument != "--bench")
            .collect();
        let mut command = "cargo bench".to_owned();
        if !arguments.is_empty() {
            command.push_str(&format!(" -- {}", arguments.join(" ")));
        }
        let folder = runs_folder(None);
        let folder =
            std::env::current_dir().map_or_else(|_| folder.clone(), |here| here.join(&folder));
        let header = header("cargo bench", command, fresh_seed());
        let writer = RunWriter::join(&folder, &sitting()?, header)?;
        Ok(Self { writer })
    }

    /// The number of a cell's next trial: another target may have measured it before.
    pub fn next_index(&mut self, cell: &Cell) -> u32 {
        self.writer.next_index(&cell.to_string(), "").unwrap_or(0)
    }

    /// Records a trial.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn keep(&mut self, line: TrialLine) -> Result<(), RecordingError> {
        self.writer.append(Line::Trial(Box::new(line)))
    }

    /// Records that a cell could not be measured.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn drop_cell(&mut self, line: CellLine) -> Result<(), RecordingError> {
        self.writer.append(Line::Cell(Box::new(line)))
    }

    /// Draws the page and prints its path.
    ///
    /// # Errors
    /// Where the run or the page can't be written.
    pub fn close(mut self, launcher: &Launcher, cells: &[Cell]) -> anyhow::Result<()> {
        for life in life::of_each_mechanism(launcher, cells) {
            self.writer.append(Line::Life(Box::new(life)))?;
        }
        self.writer.finish(&rfc3339(SystemTime::now()))?;
        let recorded = recording::read(self.writer.directory())?;
        let page: PathBuf = report::write(self.writer.directory(), &recorded)?;
        println!(
            "Criterion compares this sitting with the last one, and hosts drift between sittings: its \
             \"change\" is no verdict.\n`forkbench ab` interleaves both sides and gives one.\nEvery sample, with the \
             kernel's receipt for each parent:\n{}",
            page.display()
        );
        Ok(())
    }
}

/// What names one `cargo bench`: the pid and start time of this process's parent.
fn sitting() -> io::Result<String> {
    let parent = nix::unistd::getppid();
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat"))?;
    // The command's name, in parentheses, may itself hold spaces and parentheses.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let started = fields.split_whitespace().nth(19).unwrap_or("0");
    Ok(format!("{parent}-{started}"))
}
