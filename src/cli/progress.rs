//! What is shown while a run is under way: a bar on a terminal, plain lines in a log.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::harness::cell::Cell;
use crate::harness::runner::Outcome;

/// How often a log gets a line.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Progress on standard error. It is drawn between trials alone: a subject must have the host to itself.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    last_line: Option<Instant>,
}

impl Progress {
    /// For `total` trials.
    pub(super) fn new(total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            // No steady tick: that would be a thread that wakes while a subject times.
            let bar =
                ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(
                "{bar:24} {pos}/{len} trials  {elapsed} gone, {eta} left  {wide_msg}",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self {
            bar,
            begun: Instant::now(),
            last_line: None,
        }
    }

    /// A trial is about to begin.
    pub(super) fn begins(&mut self, cell: &Cell, done: usize, total: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.set_message(cell.to_string());
            return;
        }
        let due = self
            .last_line
            .is_none_or(|last| last.elapsed() >= BETWEEN_LINES);
        if due {
            self.last_line = Some(Instant::now());
            eprintln!(
                "{done} of {total} trials done, {} left; now {cell}",
                self.left(done, total)
            );
        }
    }

    fn left(&self, done: usize, total: usize) -> String {
        if done == 0 {
            return "some time".to_owned();
        }
        let each = self.begun.elapsed().as_secs_f64() / done as f64;
        format!("{:.0} s", each * (total - done) as f64)
    }

    /// A trial has ended.
    pub(super) fn ended(&mut self, outcome: &Outcome) {
        if let Outcome::Dropped(line) = outcome {
            self.say(&format!(
                "{}: {}: {}",
                line.cell.id,
                word(line.status),
                line.reason
            ));
        }
    }

    /// A line beside the bar.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The word for what became of a cell.
pub(super) fn word(status: crate::recording::Status) -> &'static str {
    use crate::recording::Status;
    match status {
        Status::Ok => "measured",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
    }
}
