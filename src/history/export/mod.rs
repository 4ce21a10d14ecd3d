//! The store in the formats of other programs. docs/FORMATS.md says what each holds.

mod otava;
#[cfg(feature = "parquet")]
mod parquet;

use super::error::StoreError;
use super::selection::Selection;
use super::store::Store;
use crate::export::Export;

/// A foreign format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table with a row for each trial and phase.
    Parquet,
    /// A file of results for each series, and the configuration that names them.
    Otava,
}

/// Why a store could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum HistoryExportError {
    /// The format is behind a cargo feature that is off.
    #[error(
        "this forkbench was built without parquet; build one that has it, with `cargo install --path . --features parquet` in forkbench's source, or take `--format otava`"
    )]
    NotBuilt,
    /// The format's library refused.
    #[error(
        "the history could not be put into parquet: {problem}; `--format otava` takes no such library"
    )]
    Refused {
        /// What the library said.
        problem: String,
    },
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Format {
    /// Whether it is several files in a folder, or one document.
    pub fn is_several(self) -> bool {
        self == Self::Otava
    }

    /// What of a store is selected, in this format.
    ///
    /// # Errors
    /// Where nothing is selected, the store can't be read, or this forkbench was built without the format.
    pub fn export(
        self,
        store: &Store,
        selection: &Selection,
    ) -> Result<Export, HistoryExportError> {
        let export = match self {
            Self::Otava => otava::export(&store.series(selection)?),
            Self::Parquet => parquet(store, selection)?,
        };
        match export.documents.is_empty() {
            true => Err(StoreError::NothingSelected.into()),
            false => Ok(export),
        }
    }
}

#[cfg(feature = "parquet")]
fn parquet(store: &Store, selection: &Selection) -> Result<Export, HistoryExportError> {
    parquet::export(store, selection)
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Store, _: &Selection) -> Result<Export, HistoryExportError> {
    Err(HistoryExportError::NotBuilt)
}
