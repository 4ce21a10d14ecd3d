//! Rows of named values as the columns of a Parquet file.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::export::field::{Field, Value};

/// Rows in memory before they are written as a row group.
const GROUP: usize = 1 << 17;

/// A Parquet file in the making. Its columns are those of the first row.
#[derive(Default)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Column)>,
    rows: usize,
    writer: Option<SerializedFileWriter<Vec<u8>>>,
}

/// The values of a column since the last row group.
enum Column {
    Text(Vec<Option<ByteArray>>),
    /// Unsigned, in the bits of a signed number: the column is annotated so.
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Truth(Vec<Option<bool>>),
}

impl Table {
    /// Adds a row. All rows of a table have the same columns.
    pub(crate) fn push(&mut self, row: Vec<Field>) -> Result<()> {
        if self.columns.is_empty() {
            let columns = row.iter().map(|(name, value)| (*name, Column::of(value)));
            self.columns = columns.collect();
        }
        for ((_, column), (_, value)) in self.columns.iter_mut().zip(row) {
            column.push(value);
        }
        self.rows += 1;
        if self.rows == GROUP {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// The file, or none where there was no row.
    pub(crate) fn finish(mut self) -> Result<Option<Vec<u8>>> {
        self.flush()?;
        self.writer
            .map(SerializedFileWriter::into_inner)
            .transpose()
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(open(&self.columns)?),
        };
        let mut group = writer.next_row_group()?;
        for (_, column) in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

fn open(columns: &[(&str, Column)]) -> Result<SerializedFileWriter<Vec<u8>>> {
    let fields: String = columns
        .iter()
        .map(|(name, column)| match column {
            Column::Text(_) => format!("optional byte_array {name} (UTF8);"),
            Column::Whole(_) => format!("optional int64 {name} (INTEGER(64,false));"),
            Column::Real(_) => format!("optional double {name};"),
            Column::Truth(_) => format!("optional boolean {name};"),
        })
        .collect();
    let schema = parse_message_type(&format!("message forkbench {{ {fields} }}"))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(Default::default()))
        .set_created_by(concat!("forkbench version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))
}

impl Column {
    /// An empty column of a value's kind.
    fn of(value: &Value) -> Self {
        match value {
            Value::Text(_) => Self::Text(Vec::new()),
            Value::Whole(_) => Self::Whole(Vec::new()),
            Value::Real(_) => Self::Real(Vec::new()),
            Value::Truth(_) => Self::Truth(Vec::new()),
        }
    }

    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Text(all), Value::Text(value)) => {
                all.push(value.map(|value| ByteArray::from(value.into_bytes())));
            }
            (Self::Whole(all), Value::Whole(value)) => {
                all.push(value.map(|value| value as i64));
            }
            (Self::Real(all), Value::Real(value)) => all.push(value),
            (Self::Truth(all), Value::Truth(value)) => all.push(value),
            _ => unreachable!("a column's kind is that of its name in every row"),
        }
    }

    fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<()> {
        match self {
            Self::Text(values) => write::<ByteArrayType>(group, values),
            Self::Whole(values) => write::<Int64Type>(group, values),
            Self::Real(values) => write::<DoubleType>(group, values),
            Self::Truth(values) => write::<BoolType>(group, values),
        }
    }
}

/// Writes a column's values as the next chunk, and empties it.
fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &mut Vec<Option<T::T>>,
) -> Result<()> {
    let there: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
    let present: Vec<T::T> = values.drain(..).flatten().collect();
    if let Some(mut column) = group.next_column()? {
        column
            .typed::<T>()
            .write_batch(&present, Some(&there), None)?;
        column.close()?;
    }
    Ok(())
}
