//! The step of `.github/actions/compare/action.yml`, run as GitHub runs it: inputs into the environment, the script
//! by bash, which ends at the first error.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::repository::{Repository, can_run};
use super::scratch::told;

/// What is read of the action, which is written plainly enough for it.
struct Action {
    folder: PathBuf,
    /// Inputs, with what they are by default.
    inputs: BTreeMap<String, String>,
    /// Variables, with the input they carry.
    variables: BTreeMap<String, String>,
    script: String,
}

impl Action {
    /// `None` in a published package, which carries none.
    fn read() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/actions/compare");
        let text = fs::read_to_string(folder.join("action.yml")).ok()?;
        let (_, step) = text.split_once("      env:\n").unwrap();
        let (environment, script) = step.split_once("      run: |\n").unwrap();
        let (_, inputs) = text.split_once("\ninputs:\n").unwrap();
        let (inputs, _) = inputs.split_once("\noutputs:\n").unwrap();
        let mut of = BTreeMap::new();
        let mut name = String::new();
        for line in inputs.lines() {
            match line.strip_prefix("    default: ") {
                Some(default) => {
                    of.insert(name.clone(), default.trim_matches('"').to_owned());
                }
                None if !line.starts_with("   ") => {
                    name = line.trim().trim_end_matches(':').to_owned()
                }
                None => {}
            }
        }
        let pairs = environment
            .lines()
            .map(|line| line.trim().split_once(": ").unwrap());
        let variables = pairs.map(|(variable, value)| {
            let input = value
                .strip_prefix("${{ inputs.")
                .and_then(|rest| rest.strip_suffix(" }}"));
            (variable.to_owned(), input.unwrap().to_owned())
        });
        Some(Self {
            folder,
            inputs: of,
            variables: variables.collect(),
            script: script.to_owned(),
        })
    }

    fn run(&self, repository: &Repository, with: &[(&str, &str)]) -> Output {
        fs::write(repository.scratch.path().join("step.sh"), &self.script).unwrap();
        let mut command = repository
            .scratch
            .shell("exec bash --noprofile --norc -e -o pipefail ../step.sh");
        command.current_dir(repository.path());
        let programs = Path::new(env!("CARGO_BIN_EXE_forkbench")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", programs.display()));
        command.env("GITHUB_ACTION_PATH", &self.folder);
        for (variable, input) in &self.variables {
            let given = with
                .iter()
                .find(|(name, _)| name == input)
                .map(|(_, value)| *value);
            command.env(variable, given.unwrap_or(&self.inputs[input]));
        }
        repository.settle(&mut command).output().unwrap()
    }
}

#[test]
fn no_input_is_part_of_a_script() {
    let Some(action) = Action::read() else { return };
    assert!(!action.script.contains("${{"), "{}", action.script);
    let mut carried: Vec<_> = action.variables.values().cloned().collect();
    carried.sort();
    assert_eq!(carried, action.inputs.keys().cloned().collect::<Vec<_>>());
    assert_eq!(carried.len(), 10);
    for variable in action.variables.keys() {
        assert!(
            action.script.contains(&format!("${variable}")),
            "{variable}"
        );
    }
}

#[test]
fn the_step_fails_where_a_commit_is_slower() {
    let Some(action) = Action::read() else { return };
    if !can_run() {
        return;
    }
    let repository = Repository::new();
    let usual = [
        ("build", "sh build"),
        ("subject", "target/subject"),
        ("threshold", "10%"),
        ("budget", "4s"),
    ];
    let with = |more: &[(&'static str, &'static str)]| {
        let output = action.run(&repository, &[more, &usual].concat());
        repository.assert_clean();
        output
    };
    // The tip is the slower commit, and `HEAD^` the one before it.
    let output = with(&[("filters", "fork/0")]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert_eq!(repository.output("verdict"), "regressed");
    assert!(repository.taken("summary").contains("`HEAD` ("));
    assert!(
        repository
            .path()
            .join("forkbench-compare/verdict.json")
            .is_file()
    );

    let output = with(&[
        ("filters", "fork/0"),
        ("fail-on", "never"),
        ("out", "else where"),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(repository.path().join("else where/comparison.md").is_file());

    // Text that would be shell, were it part of a script; and a glob, which no file of the folder answers.
    for (input, hostile, code, expected) in [
        (
            "base",
            "$(touch ../../pwned)`touch ../../pwned`\"; touch ../../pwned",
            2,
            "there is no commit",
        ),
        ("base", "--out", 2, "compare-commits"),
        ("subject", "$(touch ../../pwned)", 1, "has no program"),
        ("budget", "4s --out=/", 2, "4s --out=/"),
        ("filters", "$(touch ../../pwned)", 2, "$(touch"),
        ("filters", "s*", 2, "`s*`"),
        ("filters", "--out=/", 2, "--out=/"),
    ] {
        let output = with(&[(input, hostile)]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{input} {hostile}: {}",
            told(&output)
        );
        assert!(
            told(&output).contains(expected),
            "{input} {hostile}: {}",
            told(&output)
        );
        let folder = fs::read_dir(repository.scratch.path()).unwrap().flatten();
        assert!(
            folder.into_iter().all(|entry| entry.file_name() != "pwned"),
            "{hostile}"
        );
    }
}
