//! A git repository with four commits, tagged `base`, `good`, `slow` and `broken`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::scratch::{Scratch, said, told};

/// Blanks are what paths break at.
const NAME: &str = "a repository";

const MAKE: &str = r#"
set -e
git init -q -b main 'a repository' && cd 'a repository'
commit() { git add -A && git commit -q -m "$1" && git tag "$1"; }
cat > build <<'END'
mkdir -p "$CARGO_TARGET_DIR" && cp subject.sh "$CARGO_TARGET_DIR/subject" && chmod +x "$CARGO_TARGET_DIR/subject"
END
printf '#!/bin/sh\n[ "$1" = keep ] && exec "%s" keep\n' "$SUBJECT" > head
cp head subject.sh && printf 'exec "%s"\n' "$SUBJECT" >> subject.sh
commit base
echo '# Nothing that is measured.' >> subject.sh
commit good
{
    cat head
    echo 'some=$(printf %0100000d 0)'
    echo 'for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do export "PADDING$n=$some"; done'
    printf 'exec "%s"\n' "$SUBJECT"
} > subject.sh
commit slow
echo 'exit 7' > build
commit broken
git reset -q --hard slow
"#;

/// Whether there is what the script needs.
pub fn can_run() -> bool {
    let there = |program: &str| {
        let asked = Command::new(program).arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    };
    let all = there("python3") && there("git");
    if !all {
        eprintln!("not tested here: there is no python3, or no git");
    }
    all
}

pub struct Repository {
    pub scratch: Scratch,
}

impl Repository {
    pub fn new() -> Self {
        let repository = Self {
            scratch: Scratch::new(),
        };
        repository.shell(MAKE);
        fs::create_dir(repository.temporary()).unwrap();
        repository
    }

    pub fn path(&self) -> PathBuf {
        self.scratch.path().join(NAME)
    }

    fn temporary(&self) -> PathBuf {
        self.scratch.path().join("temporary things")
    }

    /// What a script of shell says.
    fn shell(&self, script: &str) -> String {
        let mut command = self.scratch.shell(script);
        let output = self.settle(&mut command).output().unwrap();
        assert!(output.status.success(), "{script}: {}", told(&output));
        said(&output)
    }

    /// The same, in the repository.
    pub fn git(&self, script: &str) -> String {
        self.shell(&format!("cd '{NAME}' && {script}"))
    }

    /// Nothing of whoever runs the tests gets in, nor of the CI that does.
    pub fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "a")
                .env(format!("GIT_{who}_EMAIL"), "a@example.org");
        }
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("TMPDIR", self.temporary())
            .env("GITHUB_STEP_SUMMARY", self.scratch.path().join("summary"))
            .env("GITHUB_OUTPUT", self.scratch.path().join("output"))
    }

    /// The script with these words, before those for `forkbench ab`.
    pub fn compare(&self, words: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/compare-commits");
        let mut command = self.scratch.shell("exec python3 \"$@\"");
        command.arg("sh").arg(script).current_dir(self.path());
        command.args(["--build", "sh build", "--subject", "target/subject"]);
        command
            .args(["--forkbench", env!("CARGO_BIN_EXE_forkbench")])
            .args(words);
        self.settle(&mut command);
        command
    }

    /// What was written into a file that GitHub would read, which is empty from then on.
    pub fn taken(&self, name: &str) -> String {
        let path = self.scratch.path().join(name);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        text
    }

    /// The last value of an output of the step.
    pub fn output(&self, name: &str) -> String {
        let text = fs::read_to_string(self.scratch.path().join("output")).unwrap_or_default();
        let mut lines = text.lines().rev();
        let value = lines.find_map(|line| line.strip_prefix(&format!("{name}=")));
        value.unwrap_or_default().to_owned()
    }

    /// No worktree, no temporary file and no process is left.
    pub fn assert_clean(&self) {
        self.scratch.assert_nothing_left();
        assert_eq!(
            self.git("git worktree list --porcelain | grep -c ^worktree"),
            "1\n"
        );
        assert_eq!(fs::read_dir(self.temporary()).unwrap().count(), 0);
    }
}
