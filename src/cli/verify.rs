//! `forkbench verify`.

use clap::Args;

use super::Exit;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Mechanisms to prove
    mechanisms: Vec<String>,
}

impl Verify {
    pub(super) fn run(&self, _json: bool) -> anyhow::Result<Exit> {
        Ok(Exit::Refused)
    }
}
