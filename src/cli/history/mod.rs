//! `forkbench history`: one file per verb.

mod add;
mod check;
mod export;
mod import;
mod judging;
mod labelling;
mod list;
mod outcomes;
mod prune;
mod selecting;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Exit;
use super::output::{quoted, repeated_command};
use crate::history::{Store, default_path};

#[derive(Debug, Args)]
#[command(
    after_help = "The history is one SQLite file: FORKBENCH_STORE, or forkbench/history.sqlite below XDG_DATA_HOME \
                  (~/.local/share). Several processes may use it at once.\n\nExamples:\n  \
                  forkbench run --quick && forkbench history add latest\n  \
                  forkbench history check --branch main\n  \
                  forkbench history show --out trend.html\n  \
                  forkbench history list --branch main --since 30d\n  \
                  forkbench history --store ci.sqlite import artifacts/"
)]
pub(super) struct History {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    place: Place,
}

impl History {
    pub(super) fn run(&self, json: bool) -> anyhow::Result<Exit> {
        self.verb.run(&self.place, json)
    }
}

/// The verbs, each with the module that has it.
macro_rules! verbs {
    ($($(#[$about:meta])+ $verb:ident($module:ident),)+) => {
        #[derive(Debug, Subcommand)]
        enum Verb {
            $($(#[$about])+ $verb($module::$verb),)+
        }

        impl Verb {
            fn run(&self, place: &Place, json: bool) -> anyhow::Result<Exit> {
                match self {
                    $(Self::$verb(verb) => verb.run(place, json),)+
                }
            }
        }
    };
}

verbs! {
    /// Add runs; a run that is there already is left as it is
    Add(add),
    /// List the runs that are there, or the hosts
    List(list),
    /// Show levels over time, and draw the trend page
    Show(show),
    /// Say where levels have changed, and whether the newest is worse
    Check(check),
    /// Take old runs away
    Prune(prune),
    /// Write the history in the format of another program
    Export(export),
    /// Add all runs below folders, and what Criterion left in target/criterion
    Import(import),
}

/// Which store.
#[derive(Debug, Args)]
struct Place {
    /// The history's file [default: FORKBENCH_STORE, or forkbench/history.sqlite in the user's data directory]
    // Behind all that is a verb's own.
    #[arg(long, global = true, value_name = "FILE", display_order = 900)]
    store: Option<PathBuf>,
}

impl Place {
    fn path(&self) -> anyhow::Result<PathBuf> {
        match &self.store {
            Some(path) => Ok(path.clone()),
            None => Ok(default_path()?),
        }
    }

    /// The command that repeats this one in another shell: a store that the surroundings name is named in it.
    fn repeated_command(&self) -> String {
        match std::env::var("FORKBENCH_STORE") {
            Ok(named) if self.store.is_none() && !named.is_empty() => {
                format!("FORKBENCH_STORE={} {}", quoted(named), repeated_command())
            }
            _ => repeated_command(),
        }
    }

    /// The store, which has to be there.
    fn open(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.path()?)?)
    }

    /// The store to add to.
    fn growing(&self) -> anyhow::Result<Growing> {
        let path = self.path()?;
        let store = match path.exists() {
            true => Some(Store::create(&path)?),
            false => None,
        };
        Ok(Growing { path, store })
    }
}

/// A store that is made once there is something to put into it: nothing makes no empty file.
struct Growing {
    path: PathBuf,
    store: Option<Store>,
}

impl Growing {
    /// The store, made if need be.
    fn store(&mut self) -> anyhow::Result<&Store> {
        match &mut self.store {
            Some(store) => Ok(store),
            none => Ok(none.insert(Store::create(&self.path)?)),
        }
    }
}
