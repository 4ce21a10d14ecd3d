//! The command line: one file per verb.

mod ab;
pub mod bench;
mod climb;
mod closing;
mod compare;
mod completions;
mod doctor;
mod explain;
mod export;
#[cfg(feature = "history")]
mod history;
mod judgement;
mod list;
mod load;
mod output;
mod plan_file;
mod predict;
mod progress;
mod report;
mod run;
mod selection;
mod sides;
mod verify;
#[cfg(not(feature = "history"))]
mod without_history;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};

#[cfg(not(feature = "history"))]
use without_history as history;

/// How a command ended. Scripts depend on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something failed; the rest was measured.
    Failed = 1,
    /// The command line was not understood.
    Usage = 2,
    /// The verdict that --fail-on names.
    Verdict = 3,
    /// This host cannot answer.
    Refused = 4,
    /// The user stopped it; what was measured is kept.
    Interrupted = 130,
}

/// Measures what starting a process or a thread costs, by the memory of the parent.
#[derive(Debug, Parser)]
#[command(
    name = "forkbench",
    version,
    about,
    long_about = "forkbench measures fork, vfork, posix_spawn, clone and thread-spawn latency, by the \
                  memory of the parent.\n\nIt answers: which way to start a child is cheapest here, what \
                  does the parent's memory add, and why? Every sample is recorded; the result is a page.",
    after_help = "A cell is MECHANISM/FOOTPRINT, as in fork/64MiB or fork/1GiB+thp. A FILTER is a cell, a \
                  mechanism, or a glob over whole ids (fork/*, */1GiB*).\n\nExamples:\n  \
                  forkbench run --quick                 an answer in 20 seconds\n  \
                  forkbench run 'fork/*' --time 2       fork at every size\n  \
                  forkbench report latest --open        look at it again\n  \
                  forkbench ab --a-subject ./old --b-subject ./new   did it get slower?\n  \
                  forkbench export latest --format csv  take its figures elsewhere\n  \
                  forkbench history add latest          keep its figures for the trend\n  \
                  forkbench explain fork                one child's life, step by step\n  \
                  forkbench predict --pid 4711          what fork would cost that process\n  \
                  forkbench doctor                      what would disturb a measurement here\n\n\
                  Exit codes: 0 done, 1 something failed (the rest was measured), 2 usage, 3 the verdict that \
                  --fail-on names, 4 this host cannot answer, 130 after Ctrl-C (what was measured is kept)."
)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Print one JSON document on standard output, and everything else on standard error
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the cells that would run here
    List(list::List),
    /// Measure, record every sample, and draw the page
    Run(run::Run),
    /// Compare two subjects, or two parents, in one sitting, and say which differ
    Ab(ab::Ab),
    /// Compare recorded runs, each a sitting of its own
    Compare(compare::Compare),
    /// Draw the page of a run again
    Report(report::Report),
    /// Write a run in the format of another program
    Export(export::Export),
    /// Keep the runs of months in one file, and look at them over time
    History(history::History),
    /// Prove with ptrace that each mechanism is what its name says
    Verify(verify::Verify),
    /// Tell one child's life as a timeline
    Explain(explain::Explain),
    /// Say what fork would cost a live process, or one that you describe
    Predict(predict::Predict),
    /// Say what would disturb a measurement on this host
    Doctor(doctor::Doctor),
    /// Send requests to any server at a rate, as `run` sends them to its own
    #[command(hide = true)]
    Load(load::Load),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  forkbench completions bash > /etc/bash_completion.d/forkbench"
    )]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  forkbench man | man -l -")]
    Man,
}

/// Parses the command line, does what it says, and returns the exit code.
pub fn main() -> ExitCode {
    settle_signals();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            translate(&mut error);
            // clap's own exit code for usage is 2 too; help and version are 0.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * Exit::Usage as u8);
        }
    };
    let json = cli.json;
    let result = match cli.verb {
        Verb::List(verb) => verb.run(json),
        Verb::Run(verb) => verb.run(json),
        Verb::Ab(verb) => verb.run(json),
        Verb::Compare(verb) => verb.run(json),
        Verb::Report(verb) => verb.run(json),
        Verb::Export(verb) => verb.run(json),
        Verb::History(verb) => verb.run(json),
        Verb::Verify(verb) => verb.run(json),
        Verb::Explain(verb) => verb.run(json),
        Verb::Predict(verb) => verb.run(json),
        Verb::Doctor(verb) => verb.run(json),
        Verb::Load(verb) => verb.run(json),
        Verb::Completions { shell } => completions::completions(shell),
        Verb::Man => completions::man(),
    };
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            eprintln!("error: {}", whole(&error));
            ExitCode::from(exit_of(&error) as u8)
        }
    }
}

/// Flags of other benchmarks' commands, and ours. They look too little alike for clap to see it.
const ELSEWHERE: [(&str, &str); 3] = [
    ("--export-json", "--json"),
    ("--export-markdown", "--markdown"),
    ("--runs", "--trials"),
];

/// Suggests our flag for one that another command has.
fn translate(error: &mut clap::Error) {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else {
        return;
    };
    let ours = ELSEWHERE.iter().find(|(theirs, _)| theirs == given);
    if let Some((_, ours)) = ours {
        let ours = ContextValue::String((*ours).to_owned());
        error.remove(ContextKind::Suggested);
        error.insert(ContextKind::SuggestedArg, ours);
    }
}

/// An error with its causes, those left out that it tells already.
fn whole(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .fold(error.to_string(), |told, cause| {
            let cause = cause.to_string();
            if told.contains(&cause) {
                told
            } else {
                format!("{told}: {cause}")
            }
        })
}

/// A filter or a name that cannot be is usage, like a flag that cannot be.
fn exit_of(error: &anyhow::Error) -> Exit {
    use crate::harness::anatomy::AnatomyError;
    use crate::harness::cell::CellError;
    use crate::harness::image::ImageError;
    use crate::harness::launcher::LauncherError;
    use crate::harness::plan::PlanError;
    use crate::harness::registry::{NoSuchMechanism, RegistryError};
    let is_usage = error.is::<PlanError>()
        || error.is::<CellError>()
        || error.is::<RegistryError>()
        || error.is::<NoSuchMechanism>()
        || error.is::<plan_file::PlanFileError>()
        || error.is::<sides::NoSuchPhase>()
        || error.is::<sides::NoContest>()
        || error.is::<export::ExportUsage>()
        || error.downcast_ref::<LauncherError>().is_some_and(|error| {
            !matches!(
                error,
                LauncherError::NoSubject { .. } | LauncherError::Image(ImageError::Write { .. })
            )
        });
    match error.downcast_ref() {
        _ if is_usage => Exit::Usage,
        Some(AnatomyError::Kernel { .. }) => Exit::Refused,
        _ => Exit::Failed,
    }
}

/// `forkbench list | head` ends quietly: Rust ignores SIGPIPE, which makes `println!` panic instead. And a
/// file that meets `ulimit -f` is an error to be told, not a signal that ends us.
fn settle_signals() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: no handler is installed, only the default action and none.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
    // SAFETY: as above.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}

/// The command line's own description, for completions and the manual.
fn command() -> clap::Command {
    Cli::command()
}
