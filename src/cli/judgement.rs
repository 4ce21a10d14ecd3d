//! What `ab` and `compare` are both asked, how they show what came of it, and with which exit code.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Exit;
use super::output::{colour, print, print_json, width};
use crate::comparison::{Compared, Comparison, Statistic};
use crate::mechanism::Phase;
use crate::report;
use crate::statistics::Verdict;
use crate::units::parse_percentage;

/// The flags of a judgement. Flattened into a verb's own.
#[derive(Debug, Clone, Args)]
pub(super) struct Judging {
    /// The smallest change that matters; 0% asks for any change at all [default: 3%]
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    pub threshold: Option<f64>,
    /// With which probability all verdicts of this command hold together [default: 99%]
    #[arg(long, value_name = "PERCENT", value_parser = confidence)]
    pub confidence: Option<f64>,
    /// What to judge: call, start, exec or reap, for cow-* before, first-pass, second-pass or after, several
    /// joined by commas [default: call, for cow-* second-pass]
    #[arg(long, value_name = "PHASE", hide_possible_values = true, value_delimiter = ',', value_parser = phases())]
    phase: Vec<Phase>,
    /// Which figure stands for a trial
    #[arg(long, value_name = "QUANTILE", default_value = "p10", value_parser = statistics())]
    pub statistic: Statistic,
    /// Exit with 3 where a verdict is `regressed`; with `inconclusive` also where one is inconclusive or
    /// not measurable
    #[arg(long, value_name = "VERDICT", value_enum)]
    fail_on: Option<FailOn>,
    /// How to print it [default: table]
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "json")]
    format: Option<Format>,
}

/// The threshold and the confidence where nothing else is asked for.
pub(super) const THRESHOLD: f64 = 0.03;
pub(super) const CONFIDENCE: f64 = 0.99;

/// Which verdicts end a command with [`Exit::Verdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Regressed,
    Inconclusive,
}

impl FailOn {
    fn names(self, verdict: Verdict) -> bool {
        match self {
            Self::Regressed => verdict == Verdict::Regressed,
            Self::Inconclusive => matches!(
                verdict,
                Verdict::Regressed | Verdict::Inconclusive | Verdict::NotMeasurable
            ),
        }
    }
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For a terminal
    Table,
    /// The document `forkbench.verdict/1`
    Json,
    /// A table for pasting elsewhere
    Markdown,
    /// For a CI's list of tests
    Junit,
}

impl Judging {
    /// The phases, each once, in the order in which they end; none where none was asked for.
    pub(super) fn phases(&self) -> Vec<Phase> {
        let asked = Phase::ALL.into_iter();
        asked.filter(|phase| self.phase.contains(phase)).collect()
    }

    /// How to print; `json` is the flag of that name, which every verb has.
    pub(super) fn format(&self, json: bool) -> Format {
        match self.format {
            _ if json => Format::Json,
            None => Format::Table,
            Some(format) => format,
        }
    }

    /// How a command ends that came to this.
    pub(super) fn exit(&self, comparison: &Comparison) -> Exit {
        let named = |fail: FailOn| {
            let mut cells = comparison.cells.iter();
            cells.any(|cell| fail.names(cell.verdict))
        };
        if self.fail_on.is_some_and(named) {
            Exit::Verdict
        } else {
            Exit::Done
        }
    }
}

/// Prints a comparison on standard output.
pub(super) fn show(compared: &Compared, format: Format) -> anyhow::Result<()> {
    let comparison = &compared.comparison;
    match format {
        Format::Table => print(&report::comparison::table(comparison, width(), colour())),
        Format::Json => print_json(comparison),
        Format::Markdown => print(&report::comparison::markdown(comparison)),
        Format::Junit => print(&report::comparison::junit(comparison)),
    }
}

/// A share that ends in `%`: `0.03` could be meant as 3 % or as 0.03 %.
fn percentage(text: &str) -> Result<f64, String> {
    if !text.trim_end().ends_with('%') {
        return Err(format!(
            "`{text}` does not end in %; write a percentage, as in 0.5% or 99%"
        ));
    }
    parse_percentage(text).map_err(|_| format!("`{text}` is not between 0% and 100%"))
}

pub(super) fn threshold(text: &str) -> Result<f64, String> {
    percentage(text)
}

pub(super) fn confidence(text: &str) -> Result<f64, String> {
    let share = percentage(text)?;
    if (0.5..=0.999_999).contains(&share) {
        Ok(share)
    } else {
        Err(format!("{text} is not between 50% and 99.9999%"))
    }
}

fn phases() -> impl TypedValueParser<Value = Phase> {
    PossibleValuesParser::new(Phase::ALL.map(Phase::name))
        .try_map(|word| Phase::from_name(&word).ok_or("it is no phase"))
}

fn statistics() -> impl TypedValueParser<Value = Statistic> {
    PossibleValuesParser::new(Statistic::ALL.map(Statistic::name))
        .try_map(|word| Statistic::from_name(&word).ok_or("it is no quantile"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Verb {
        #[command(flatten)]
        judging: Judging,
        #[arg(long)]
        json: bool,
    }

    fn parsed(line: &str) -> Result<Verb, String> {
        Verb::try_parse_from(line.split(' ')).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_is_what_was_written() {
        let usual = parsed("x").unwrap();
        assert_eq!(
            (usual.judging.threshold, usual.judging.confidence),
            (None, None)
        );
        assert!(usual.judging.phases().is_empty());
        assert_eq!(usual.judging.statistic, Statistic::P10);
        assert_eq!(usual.judging.format(false), Format::Table);
        assert_eq!(usual.judging.format(true), Format::Json);
        let other =
            "x --threshold 0.5% --confidence 99.9999% --phase reap,call,reap --statistic p90";
        let other = parsed(other).unwrap().judging;
        assert_eq!(
            (other.threshold, other.confidence),
            (Some(0.005), Some(0.999_999))
        );
        assert_eq!(other.phases(), [Phase::Call, Phase::Reap]);
        assert_eq!(other.statistic, Statistic::P90);
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (line, expected) in [
            ("x --threshold 3", "does not end in %"),
            ("x --threshold 0.03", "does not end in %"),
            ("x --threshold=-1%", "-1%"),
            ("x --confidence 49%", "between 50% and 99.9999%"),
            ("x --confidence 100%", "between 50% and 99.9999%"),
            ("x --confidence NaN%", "NaN%"),
            (
                "x --phase life",
                "reap, before, first-pass, second-pass, after",
            ),
            ("x --statistic p99", "p10, p50, p90"),
            ("x --fail-on improved", "regressed, inconclusive"),
            ("x --json --format markdown", "cannot be used with"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn failing_on_the_inconclusive_fails_on_all_that_is_not_known_to_be_well() {
        let all = |fail: FailOn| Verdict::ALL.map(|verdict| fail.names(verdict));
        assert_eq!(all(FailOn::Regressed), [true, false, false, false, false]);
        assert_eq!(all(FailOn::Inconclusive), [true, true, true, false, false]);
    }
}
