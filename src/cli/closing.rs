//! What is shown while two arms are compared: each cell's interval, as it closes in.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::comparison::LookSeen;
use crate::harness::ab::{Contest, Forecast, Judgement, Live};
use crate::report::comparison::line;
use crate::report::counted;
use crate::statistics::Procedure;

/// What the line of pilot pairs is kept by; no cell is called so.
const PILOTS: &str = "";
/// Columns that an interval is drawn in.
const LINE: usize = 15;

/// Lines on standard error: one for each cell on a terminal, one for each look in a log.
pub(super) struct Closing {
    threshold: f64,
    lines: Option<MultiProgress>,
    cells: BTreeMap<String, ProgressBar>,
    told: BTreeMap<(String, &'static str), usize>,
    piloted: usize,
}

impl Closing {
    /// For that threshold, a ratio less one.
    pub(super) fn new(threshold: f64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            threshold,
            lines: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
            cells: BTreeMap::new(),
            told: BTreeMap::new(),
            piloted: 0,
        }
    }

    /// A pilot trial of a cell has ended. Of a large parent each takes seconds, and something should be seen to happen.
    pub(super) fn pilot(&mut self, cell: &str) {
        let first = self.piloted == 0;
        self.piloted += 1;
        let text = format!(
            "pilot pairs, six of each cell: {} trials made, {cell}",
            self.piloted
        );
        if self.lines.is_some() {
            self.line(PILOTS).set_message(text);
        } else if first {
            eprintln!("pilot pairs come first, six of each cell where they fit the budget");
        }
    }

    /// What the pilot pairs say; where a verdict is doubtful, that it is.
    pub(super) fn forecast(&mut self, contest: &Contest, forecast: &Forecast) {
        if let Some(line) = self.cells.remove(PILOTS) {
            line.finish_and_clear();
        }
        let pair = forecast.pair.as_secs_f64();
        let mut text = format!(
            "{contest}: roughly, from the pilot pairs: a pair takes {}, pairs spread {:.1} %, at most {} in {:.0} s",
            if pair < 1.0 {
                format!("{:.0} ms", 1e3 * pair)
            } else {
                format!("{pair:.1} s")
            },
            100.0 * forecast.spread,
            forecast.pairs,
            forecast.budget.as_secs_f64(),
        );
        match (forecast.smallest, forecast.needed) {
            (None, _) => text.push_str("\n  not enough for one look: expect `inconclusive`, or give a longer --budget"),
            (Some(smallest), Some(needed)) if forecast.is_doubtful() => text.push_str(&format!(
                "\n  `unchanged` at {:.1} % would take about {needed:.0} pairs: expect `inconclusive` below a change of {:.1} %",
                100.0 * self.threshold,
                100.0 * smallest
            )),
            (Some(smallest), _) => {
                text.push_str(&format!("; a change of {:.1} % is seen nine times in ten", 100.0 * smallest));
            }
        }
        self.say(&text);
    }

    /// One more pair of a cell.
    pub(super) fn paired(&mut self, live: &Live) {
        let id = live.contest().to_string();
        if self.lines.is_some() {
            for judgement in live.judgements() {
                let text = self.state(&id, judgement);
                // What does not fit is cut off: the line has to be short.
                let text = text.replace(", next look at", ", then");
                let drawn = self.drawn(judgement);
                let line = self.line(&format!("{id} {}", judgement.phase.name()));
                line.set_message(format!("{drawn}{text}"));
            }
            return;
        }
        for judgement in live.judgements() {
            let Some(procedure) = &judgement.procedure else {
                continue;
            };
            let stage = procedure.looks().len() + usize::from(procedure.outcome().is_some());
            let told = self
                .told
                .entry((id.clone(), judgement.phase.name()))
                .or_default();
            if stage > *told {
                *told = stage;
                eprintln!("{}", self.state(&id, judgement));
            }
        }
    }

    fn state(&self, id: &str, judgement: &Judgement) -> String {
        let phase = judgement.phase.name();
        let Some(procedure) = &judgement.procedure else {
            return format!("{id} {phase}");
        };
        let pairs = procedure.pairs();
        let mut text = format!("{id} {phase}: {}", counted(pairs, "pair"));
        if let Some(look) = procedure.looks().last() {
            let seen = LookSeen::of(look.pairs, look.shift);
            text.push_str(&format!(
                ", {} % ({} to {})",
                signed(seen.effect),
                signed(seen.low),
                signed(seen.high)
            ));
        }
        text.push_str(&doing(procedure));
        text
    }

    /// The interval of the last look against the threshold.
    fn drawn(&self, judgement: &Judgement) -> String {
        let looks = judgement
            .procedure
            .as_ref()
            .map_or(&[][..], Procedure::looks);
        let Some(look) = looks.last() else {
            return " ".repeat(LINE + 2);
        };
        let seen = LookSeen::of(look.pairs, look.shift);
        let drawn = line(seen.low, seen.effect, seen.high, self.threshold, LINE);
        format!("{drawn}  ")
    }

    /// The line of a cell, made when it is first needed.
    fn line(&mut self, id: &str) -> &ProgressBar {
        let lines = self.lines.clone().unwrap_or_default();
        self.cells.entry(id.to_owned()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{wide_msg}");
            let bar = lines.add(ProgressBar::new_spinner());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        })
    }

    fn say(&self, text: &str) {
        match &self.lines {
            Some(lines) => {
                let _ = lines.println(text);
            }
            None => eprintln!("{text}"),
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(&self) {
        for line in self.cells.values() {
            line.finish_and_clear();
        }
    }
}

/// A ratio less one, in percent, with the sign that texts have.
fn signed(effect: f64) -> String {
    format!("{:+.2}", 100.0 * effect).replace('-', "−")
}

/// What a judgement waits for.
fn doing(procedure: &Procedure) -> String {
    if let Some(outcome) = procedure.outcome() {
        return format!(": {}", outcome.verdict().word());
    }
    if let Some(claim) = procedure.claim() {
        return format!(": {}, confirming on fresh pairs", claim.verdict.word());
    }
    let made = procedure.looks().len();
    match procedure.planned().nth(made) {
        Some(next) => format!(", next look at {next}"),
        None => String::new(),
    }
}
