//! Apache Parquet: every trial, and every sample where samples were kept. Behind a cargo feature.

#[cfg(feature = "parquet")]
mod columns;
#[cfg(feature = "parquet")]
mod tables;

#[cfg(all(feature = "history", feature = "parquet"))]
pub(crate) use columns::Table;

use super::{Export, ExportError, Format, Source};

pub(super) const FORMAT: Format = Format {
    name: "parquet",
    what: "Parquet tables of all trials and of kept samples, for data frames and DuckDB",
    extension: "parquet",
    several: true,
    make,
};

#[cfg(feature = "parquet")]
fn make(source: &Source) -> Result<Export, ExportError> {
    tables::export(source)
}

#[cfg(not(feature = "parquet"))]
fn make(_: &Source) -> Result<Export, ExportError> {
    Err(ExportError::NotBuilt {
        format: FORMAT.name,
    })
}
