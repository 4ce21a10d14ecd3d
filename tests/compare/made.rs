//! Runs made up for a comparison, and what the library says of them.

use std::path::{Path, PathBuf};

use forkbench::comparison::{Asked, Judged, Statistic, judge};
use forkbench::mechanism::Phase;
use forkbench::recording::{self, CellKey, Line, Recorded, RunLine, RunWriter, Trial, TrialLine};
use forkbench::statistics::Verdict;

use crate::fixtures::{cell, header, samples, trial};
use crate::scratch::Scratch;

pub const NANOSECONDS: u64 = 40_000;

/// A run to be written.
pub struct Made {
    header: RunLine,
    lines: Vec<Line>,
    finished: bool,
}

/// A run of no cells yet.
pub fn made(id: &str) -> Made {
    let mut header = header(id);
    header.host.boot_id = Some("one".to_owned());
    header.host.libc = Some("glibc 2.36".to_owned());
    Made {
        header,
        lines: Vec::new(),
        finished: true,
    }
}

impl Made {
    /// Adds trials of a cell, their `call` at these levels.
    pub fn with(mut self, cell: &CellKey, levels: &[u64]) -> Self {
        for (index, level) in (0..).zip(levels) {
            self = self.with_trial(cell, trial(index, &samples(*level, index, 200)));
        }
        self
    }

    pub fn with_trial(mut self, cell: &CellKey, trial: Trial) -> Self {
        let cell = cell.clone();
        self.lines
            .push(Line::Trial(Box::new(TrialLine { cell, trial })));
        self
    }

    pub fn with_line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    pub fn on(mut self, change: impl FnOnce(&mut RunLine)) -> Self {
        change(&mut self.header);
        self
    }

    pub fn unfinished(mut self) -> Self {
        self.finished = false;
        self
    }

    pub fn written(self, parent: &Path) -> PathBuf {
        let mut writer = RunWriter::create(parent, self.header).unwrap();
        for line in self.lines {
            writer.append(line).unwrap();
        }
        match self.finished {
            true => writer.finish("2026-07-01T10:30:00Z").unwrap(),
            false => writer.flush().unwrap(),
        }
        writer.directory().to_owned()
    }

    pub fn recorded(self, scratch: &Scratch) -> Recorded {
        recording::read(&self.written(&scratch.path().join("reports"))).unwrap()
    }
}

/// Five trials about `level`.
pub fn five(level: u64) -> [u64; 5] {
    [996, 1_000, 1_004, 998, 1_001].map(|thousandths| level * thousandths / 1_000)
}

pub fn fork() -> CellKey {
    cell("fork", "64MiB")
}

/// A sitting of `fork/64MiB` whose p10 is about `1 + change` times as long.
pub fn run(id: &str, change: f64) -> Made {
    made(id).with(&fork(), &five((NANOSECONDS as f64 * (1.0 + change)) as u64))
}

pub fn asked() -> Asked {
    Asked {
        threshold: 0.03,
        confidence: 0.99,
        phases: vec![Phase::Call],
        statistic: Statistic::P10,
        across_hosts: false,
    }
}

/// What the library says of two sides.
pub fn judged_of(base: Vec<Made>, candidate: Vec<Made>, asked: &Asked) -> Judged {
    let scratch = Scratch::new();
    let [base, candidate] = [base, candidate].map(|side| {
        let runs = side.into_iter().map(|made| made.recorded(&scratch));
        runs.collect::<Vec<_>>()
    });
    judge(&base, &candidate, asked).unwrap()
}

pub fn judged(base: Made, candidate: Made) -> Judged {
    judged_of(vec![base], vec![candidate], &asked())
}

/// The verdict of the first cell, and its reason.
pub fn first(judged: &Judged) -> (Verdict, &str) {
    let cell = &judged.cells[0];
    (cell.verdict, cell.reason.as_deref().unwrap_or_default())
}

pub fn assert_reason(judged: &Judged, words: &[&str]) {
    let (verdict, reason) = first(judged);
    assert_eq!(verdict, Verdict::NotMeasurable, "{reason}");
    for word in words {
        assert!(reason.contains(word), "no `{word}` in: {reason}");
    }
}
