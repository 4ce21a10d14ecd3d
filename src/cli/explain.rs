//! `forkbench explain`.

use clap::Args;

use super::Exit;

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A mechanism or a cell
    cell: String,
}

impl Explain {
    pub(super) fn run(&self, _json: bool) -> anyhow::Result<Exit> {
        Ok(Exit::Refused)
    }
}
