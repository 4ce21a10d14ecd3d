//! `forkbench history` in a forkbench that was built without it.

use std::ffi::OsString;

use clap::Args;

use super::Exit;

#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "Example:\n  cargo install --path . --features history"
)]
pub(super) struct History {
    /// Whatever it is asked
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<OsString>,
}

impl History {
    pub(super) fn run(&self, _json: bool) -> anyhow::Result<Exit> {
        let asked: Vec<_> = self
            .words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        anyhow::bail!(
            "this forkbench was built without `history {}`; build one that has it, with `cargo install --path . \
             --features history` in forkbench's source",
            asked.join(" ")
        )
    }
}
