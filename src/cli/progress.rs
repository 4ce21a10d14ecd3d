//! What is shown while a run is under way: a bar on a terminal, plain lines in a log.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::harness::cell::Cell;
use crate::harness::runner::Outcome;
use crate::harness::schedule::Slot;
use crate::harness::time_left::TimeLeft;

/// How often a log gets a line.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Progress on standard error. It is drawn between trials alone: a subject must have the host to itself.
pub(super) struct Progress<'a> {
    bar: Option<ProgressBar>,
    /// What these trials are a part of, where that is more than they.
    of: Option<&'a str>,
    time: TimeLeft<'a>,
    /// The place of the trial that is made, and when it began.
    now: (usize, Instant),
    last_line: Option<Instant>,
}

impl<'a> Progress<'a> {
    /// For a schedule of cells. How long is left is not said of a part of something whose end nobody knows.
    pub(super) fn new(cells: &'a [Cell], slots: &'a [Slot], of: Option<&'a str>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            // No steady tick: that would be a thread that wakes while a subject times.
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(slots.len() as u64), target);
            let template = match of {
                Some(_) => "{prefix}: {pos}/{len} trials  {wide_msg}",
                None => "{bar:24} {pos}/{len} trials  {elapsed} gone, {prefix} left  {wide_msg}",
            };
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self {
            bar,
            of,
            time: TimeLeft::new(cells, slots),
            now: (0, Instant::now()),
            last_line: None,
        }
    }

    /// The trial at the place `done` is about to begin.
    pub(super) fn begins(&mut self, cell: &Cell, done: usize, total: usize) {
        // Before the first trial nobody knows.
        let left = || {
            let left = self.time.left(done)?;
            Some(format!("{:#}", HumanDuration(left)))
        };
        if let Some(bar) = &self.bar {
            let prefix = self.of.map(str::to_owned).or_else(left);
            bar.set_prefix(prefix.unwrap_or_else(|| "?".to_owned()));
            bar.set_message(cell.to_string());
            // This draws it.
            bar.set_position(done as u64);
        } else if self
            .last_line
            .is_none_or(|last| last.elapsed() >= BETWEEN_LINES)
        {
            match (self.of, left()) {
                (Some(of), _) => eprintln!("{of}: now {cell}"),
                (None, Some(left)) => {
                    eprintln!("{done} of {total} trials done, {left} left; now {cell}");
                }
                (None, None) => eprintln!("{total} trials to be made; now {cell}"),
            }
            self.last_line = Some(Instant::now());
        }
        self.now = (done, Instant::now());
    }

    /// A trial has ended.
    pub(super) fn ended(&mut self, outcome: &Outcome) {
        let (place, begun) = self.now;
        match outcome {
            Outcome::Done(..) => self.time.made(place, begun.elapsed()),
            Outcome::Dropped(line) => {
                self.time.dropped(place);
                self.say(&format!(
                    "{}: {}: {}",
                    line.cell.id,
                    word(line.status),
                    line.reason
                ));
            }
            Outcome::Interrupted => {}
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
