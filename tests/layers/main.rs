//! Holds the sources to the layer rule of the crate's documentation, and to two more that keep the
//! measurement honest: who may print, and where `unsafe` may stand.
//!
//! The check reads tokens, so it sees a path wherever it stands, not in `use` lines alone; comments and
//! strings do not count. The tests in `planted` plant a violation of each kind and expect it to be found.

mod paths;
mod planted;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use paths::{Root, references};
use tokens::{Token, tokens};

/// From left to right: a module imports only from the steps to its left. Modules on one step do not
/// know each other. Some are still to come.
const LAYERS: [&[&str]; 18] = [
    &["units"],
    &["statistics"],
    &["clock"],
    &["footprint"],
    &["mechanism", "channel", "server", "load"],
    &["protocol"],
    &["subject"],
    &["recording"],
    &["comparison"],
    &["trend"],
    &["harness"],
    &["model"],
    &["report"],
    &["export"],
    &["history"],
    &["cli"],
    // The two programs. A program sees what is left of its entry here.
    &["main"],
    &["lib"],
];

/// The last module that the subject's program may reach: nothing of what draws, parses command lines or
/// reads runs gets into the image that every child copies. It ends the package of what is measured with, which is
/// below [`MEASUREMENT`].
const SUBJECT_REACHES: &str = "subject";
const MEASUREMENT: &str = "measurement/";

/// Standard output belongs to the command line, and in the subject to the protocol.
const PRINTS: [&str; 3] = ["cli", "subject", "bin/subject"];

/// Where `unsafe` is at home: what has to call the kernel by itself.
const UNSAFE_ROOMS: [&str; 8] = [
    "mechanism",
    "channel",
    "server",
    "load",
    "footprint",
    "clock",
    "subject",
    "bin/subject",
];

/// Single `unsafe`s elsewhere: the file, how many, and why there is no other way.
const UNSAFE_EXCEPTIONS: [(&str, usize, &str); 5] = [
    (
        "harness/session/process.rs",
        3,
        "pre_exec: PR_SET_PDEATHSIG has to be set in the subject, before its exec; SIGCHLD ignored by \
         whoever started us would let children vanish unwaited; pidfd_open, which nix lacks: a subject's end \
         has to be seen while its children hold its output",
    ),
    (
        "harness/interrupt.rs",
        1,
        "sigaction: Ctrl-C sets a flag that the harness looks at",
    ),
    (
        "harness/environment/kernel.rs",
        2,
        "gnu_get_libc_version and a clone3 that asks only whether it is there: no crate has them",
    ),
    (
        "harness/tracing/ptrace.rs",
        2,
        "ptrace and waitpid with flags that nix does not know",
    ),
    (
        "cli/mod.rs",
        2,
        "signal: `forkbench list | head` ends quietly only if SIGPIPE kills again, and a file that meets a \
         limit is an error only if SIGXFSZ does not kill",
    ),
];

/// One source file, by its path below `src/`.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The module of the list that this file belongs to; `bin/NAME` for other programs.
    fn module(&self) -> &str {
        let stem = self.stem();
        if stem.starts_with("bin/") {
            return stem;
        }
        stem.split('/').next().unwrap_or(stem)
    }

    /// The path within its package, without the ending.
    fn stem(&self) -> &str {
        let path = self.path.strip_prefix(MEASUREMENT).unwrap_or(&self.path);
        path.strip_suffix(".rs").unwrap_or(path)
    }

    /// Modules from the crate's root down to this file.
    fn modules(&self) -> Vec<&str> {
        let stem = self.stem();
        if stem.starts_with("bin/") || stem == "main" || stem == "lib" {
            return Vec::new();
        }
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        stem.split('/').collect()
    }

    /// A module of tests alone is in no program; it may say what could not be tested.
    fn is_tests(&self) -> bool {
        self.path.ends_with("/tests.rs")
    }

    /// Programs are crates of their own: their `crate::` is not the library.
    fn is_program(&self) -> bool {
        self.path == "main.rs" || self.path.starts_with("bin/")
    }
}

/// All sources of both packages.
fn sources() -> Vec<Source> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                // A build script is in no program.
                && path.file_name().is_some_and(|name| name != "build.rs")
            {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let read = |file: PathBuf| Source {
        path: file.strip_prefix(&root).unwrap().display().to_string(),
        text: fs::read_to_string(&file).unwrap(),
    };
    files.into_iter().map(read).collect()
}

fn step(module: &str) -> Option<usize> {
    LAYERS.iter().position(|step| step.contains(&module))
}

/// Which modules import which, and every import that goes to the right.
fn imports(sources: &[Source]) -> (BTreeSet<(String, String)>, Vec<String>) {
    let mut edges = BTreeSet::new();
    let mut violations = Vec::new();
    for source in sources {
        let from = source.module();
        let limit = if from.starts_with("bin/") {
            step(SUBJECT_REACHES).map(|step| step + 1)
        } else {
            step(from)
        };
        let Some(limit) = limit else {
            violations.push(format!("{}: `{from}` has no place in LAYERS", source.path));
            continue;
        };
        let root = if source.is_program() {
            Root::Library
        } else {
            Root::Crate
        };
        for reference in references(&tokens(&source.text), &source.modules(), root) {
            let to = reference.module.as_str();
            if to == from {
                continue;
            }
            if step(to).is_none_or(|step| step >= limit) {
                violations.push(format!(
                    "{}:{}: `{from}` reaches `{to}`, which is not to its left",
                    source.path, reference.line
                ));
            }
            edges.insert((from.to_owned(), to.to_owned()));
        }
    }
    (edges, violations)
}

/// Pairs of modules that import each other.
fn mutual(edges: &BTreeSet<(String, String)>) -> Vec<String> {
    edges
        .iter()
        .filter(|(from, to)| from < to && edges.contains(&(to.clone(), from.clone())))
        .map(|(from, to)| format!("`{from}` and `{to}` import each other"))
        .collect()
}

/// Whether the token at `index` writes to standard output: `print!`, `println!`, `io::stdout`,
/// `STDOUT_FILENO`. `Command::stdout` and a child's field `stdout` are somebody else's.
fn prints(tokens: &[Token], index: usize) -> bool {
    let at = |index: usize| tokens.get(index).map_or("", |token| token.text);
    let before = if index == 0 { "" } else { at(index - 1) };
    match at(index) {
        "print" | "println" => at(index + 1) == "!",
        "stdout" => before != "." && before != "fn" && (before == "::" || at(index + 1) == "("),
        "STDOUT_FILENO" => true,
        _ => false,
    }
}

/// Every line that prints where only the command line may.
fn printing(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    let held = |source: &&Source| !source.is_tests() && !PRINTS.contains(&source.module());
    for source in sources.iter().filter(held) {
        let tokens = tokens(&source.text);
        for (index, token) in tokens.iter().enumerate() {
            if prints(&tokens, index) {
                violations.push(format!("{}:{}: `{}`", source.path, token.line, token.text));
            }
        }
    }
    violations
}

/// Every `unsafe` outside its rooms that `exceptions` does not know, and every exception without use.
fn unsafe_outside(sources: &[Source], exceptions: &[(&str, usize, &str)]) -> Vec<String> {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    let held = |source: &&Source| !source.is_tests() && !UNSAFE_ROOMS.contains(&source.module());
    for source in sources.iter().filter(held) {
        let count = tokens(&source.text)
            .iter()
            .filter(|token| token.text == "unsafe")
            .count();
        if count > 0 {
            found.insert(&source.path, count);
        }
    }
    let mut allowed: BTreeMap<&str, usize> = exceptions
        .iter()
        .map(|(file, count, _)| (*file, *count))
        .collect();
    let mut violations = Vec::new();
    for (file, count) in found {
        let allowed = allowed.remove(file).unwrap_or(0);
        if count != allowed {
            violations.push(format!("{file}: {count} `unsafe`, {allowed} written down"));
        }
    }
    violations.extend(
        allowed
            .keys()
            .map(|file| format!("{file}: an exception without use")),
    );
    violations
}

/// Whether a file of the statistics touches the world outside.
fn reaches_out(source: &Source) -> Vec<String> {
    let tokens = tokens(&source.text);
    let outside = ["fs", "net", "process", "env", "thread", "libc", "nix"];
    tokens
        .windows(3)
        .filter(|three| three[0].text == "std" && three[1].text == "::")
        .map(|three| &three[2])
        .chain(
            tokens
                .iter()
                .filter(|token| ["libc", "nix"].contains(&token.text)),
        )
        .filter(|token| outside.contains(&token.text))
        .map(|token| format!("{}:{}: `{}`", source.path, token.line, token.text))
        .collect()
}

/// Fails with every violation on a line of its own.
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn every_module_imports_only_from_its_left() {
    let sources = sources();
    let (edges, violations) = imports(&sources);
    assert_none(&violations);
    assert_none(&mutual(&edges));
    // The check has read what is there: these two are known to lean on each other's left.
    assert!(edges.contains(&("cli".to_owned(), "harness".to_owned())));
    assert!(edges.contains(&("bin/subject".to_owned(), "subject".to_owned())));
}

#[test]
fn what_is_measured_with_is_one_package_and_ends_with_the_subject() {
    let sources = sources();
    let (measurement, rest): (Vec<&Source>, Vec<&Source>) = sources
        .iter()
        .partition(|source| source.path.starts_with(MEASUREMENT));
    let last = step(SUBJECT_REACHES).unwrap();
    let expected = LAYERS[..=last].iter().flat_map(|step| step.iter());
    let expected: BTreeSet<String> = expected.map(ToString::to_string).collect();
    let modules = |sources: &[&Source]| -> BTreeSet<String> {
        let modules = sources.iter().map(|source| source.module().to_owned());
        modules.filter(|module| module != "lib").collect()
    };
    assert_eq!(modules(&measurement), expected);
    assert!(modules(&rest).is_disjoint(&expected));
}

#[test]
fn only_the_command_line_prints() {
    assert_none(&printing(&sources()));
}

#[test]
fn unsafe_stays_in_its_rooms() {
    assert_none(&unsafe_outside(&sources(), &UNSAFE_EXCEPTIONS));
}

#[test]
fn statistics_do_no_input_or_output() {
    let sources = sources();
    let statistics: Vec<&Source> = sources
        .iter()
        .filter(|source| source.module() == "statistics")
        .collect();
    assert!(!statistics.is_empty());
    let violations: Vec<String> = statistics
        .iter()
        .flat_map(|source| reaches_out(source))
        .collect();
    assert_none(&violations);
}
