//! A listing: records in, text out, in one of the formats. Streams; only boxes hold rows.

use std::borrow::Cow;
use std::io::{self, Write};

use kickout_shared::value::Value;

use super::boxed::Boxed;
use super::escape::escaped;
use super::{Format, Record, Terminal, csv, json, table, text, yaml};

/// A listing that is being written. `--quiet` does not concern it: data is never hidden.
///
/// Give every write the same writer, buffered. Each row is one `write_all`.
pub struct Listing {
    shape: Shape,
    columns: Vec<Column>,
    /// Whether stdout really is a terminal.
    tty: bool,
    /// The site's clock, in Unix seconds.
    now: i64,
    rows: u64,
    begun: bool,
    /// What the current row is built in.
    line: Vec<u8>,
}

struct Column {
    name: String,
    /// Some row had the field.
    found: bool,
    /// The name has not stood in an earlier column.
    first: bool,
}

/// How the rows become text.
enum Shape {
    /// A box. Taken when it is finished.
    Boxed(Option<Boxed>),
    Tabbed,
    Csv,
    Json,
    JsonLines,
    Yaml,
    Count,
    Ids,
    /// `--field`, one value a line.
    Values,
    /// `--field` as a JSON array, as JSON lines, and as a YAML list.
    JsonValues,
    JsonLineValues,
    YamlValues,
}

impl Listing {
    /// A listing with these columns. A `single_field` (`--field`) replaces them, and prints its
    /// values only. `now` is what ages are counted from.
    pub fn new(
        format: Format,
        fields: Vec<String>,
        single_field: Option<String>,
        terminal: &Terminal,
        now: i64,
    ) -> Self {
        let single = single_field.is_some();
        let names = single_field.map_or(fields, |field| vec![field.trim().to_owned()]);
        let shape = match format {
            Format::Json if single => Shape::JsonValues,
            Format::JsonLines if single => Shape::JsonLineValues,
            Format::Yaml if single => Shape::YamlValues,
            _ if single => Shape::Values,
            Format::Table if terminal.boxed => {
                let header = names
                    .iter()
                    .map(|name| table::cell(name.as_bytes()))
                    .collect();
                Shape::Boxed(Some(Boxed::new(header, terminal.width)))
            }
            Format::Table => Shape::Tabbed,
            Format::Csv => Shape::Csv,
            Format::Json => Shape::Json,
            Format::JsonLines => Shape::JsonLines,
            Format::Yaml => Shape::Yaml,
            Format::Count => Shape::Count,
            Format::Ids => Shape::Ids,
        };
        let mut columns: Vec<Column> = Vec::with_capacity(names.len());
        for name in names {
            let first = columns.iter().all(|column| column.name != name);
            columns.push(Column {
                name,
                found: false,
                first,
            });
        }
        let (tty, line) = (terminal.tty, Vec::new());
        Self {
            shape,
            columns,
            tty,
            now,
            rows: 0,
            begun: false,
            line,
        }
    }

    /// Writes one row.
    pub fn row(&mut self, record: &impl Record, out: &mut dyn Write) -> io::Result<()> {
        self.begin();
        let nth = self.rows;
        self.rows += 1;
        match self.shape {
            Shape::Count => return Ok(()),
            Shape::Ids => {
                if nth > 0 {
                    self.line.push(b' ');
                }
                self.line
                    .extend_from_slice(escaped(&record.id()).as_bytes());
            }
            _ => self.push_cells(nth, record),
        }
        self.flush(out)
    }

    /// Writes what is left, and returns the warnings that belong after it, without label.
    pub fn finish(mut self, out: &mut dyn Write) -> io::Result<Vec<String>> {
        self.begin();
        match &mut self.shape {
            Shape::Boxed(boxed) => {
                if let Some(boxed) = boxed.take() {
                    boxed.finish(&mut self.line);
                }
            }
            Shape::Json | Shape::JsonValues => self.line.extend_from_slice(b"]\n"),
            Shape::Count => self
                .line
                .extend_from_slice(format!("{}\n", self.rows).as_bytes()),
            Shape::Ids if self.rows > 0 => self.line.push(b'\n'),
            Shape::Tabbed
            | Shape::Csv
            | Shape::JsonLines
            | Shape::Yaml
            | Shape::Ids
            | Shape::Values
            | Shape::JsonLineValues
            | Shape::YamlValues => {}
        }
        self.flush(out)?;
        Ok(self.warnings())
    }

    /// What stands before the rows, once.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let names = || self.columns.iter().map(|column| column.name.as_bytes());
        match self.shape {
            Shape::Tabbed => {
                let cells: Vec<String> = names().map(table::cell).collect();
                table::push_row(&mut self.line, &cells);
            }
            Shape::Csv => {
                csv::push_record(&mut self.line, names().map(Cow::Borrowed), self.tty);
            }
            Shape::Json | Shape::JsonValues => self.line.push(b'['),
            Shape::Yaml | Shape::YamlValues => self.line.extend_from_slice(b"---\n"),
            Shape::Boxed(_)
            | Shape::JsonLines
            | Shape::Count
            | Shape::Ids
            | Shape::Values
            | Shape::JsonLineValues => {}
        }
    }

    fn push_cells(&mut self, nth: u64, record: &impl Record) {
        let mut cells = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let cell = record.cell(&column.name, self.now);
            column.found |= cell.is_some();
            cells.push(cell.unwrap_or(Cow::Owned(Value::Null)));
        }
        let line = &mut self.line;
        // A map has each key once. A table has a doubled column twice, where WP-CLI's is broken.
        let named = || {
            let named = self
                .columns
                .iter()
                .zip(&cells)
                .filter(|(column, _)| column.first);
            named.map(|(column, cell)| (column.name.as_str(), cell.as_ref()))
        };
        let table_cells = || {
            cells
                .iter()
                .map(|cell| table::cell(&text::plain(cell)))
                .collect::<Vec<_>>()
        };
        match &mut self.shape {
            Shape::Boxed(Some(boxed)) => boxed.push_row(line, table_cells()),
            Shape::Boxed(None) | Shape::Count | Shape::Ids => {}
            Shape::Tabbed => table::push_row(line, &table_cells()),
            Shape::Csv => {
                csv::push_record(line, cells.iter().map(|cell| text::plain(cell)), self.tty);
            }
            Shape::Json => {
                if nth > 0 {
                    line.push(b',');
                }
                json::push_object(line, named());
            }
            Shape::JsonLines => {
                json::push_object(line, named());
                line.push(b'\n');
            }
            Shape::Yaml => yaml::push_item(line, named()),
            Shape::Values => {
                for cell in &cells {
                    line.extend_from_slice(escaped(&text::plain(cell)).as_bytes());
                    line.push(b'\n');
                }
            }
            Shape::JsonValues => {
                for cell in &cells {
                    if nth > 0 {
                        line.push(b',');
                    }
                    json::push(line, cell);
                }
            }
            Shape::JsonLineValues => {
                for cell in &cells {
                    json::push(line, cell);
                    line.push(b'\n');
                }
            }
            Shape::YamlValues => cells.iter().for_each(|cell| yaml::push_value(line, cell)),
        }
    }

    fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    /// One warning for each field that no row had. Without rows nothing can be said.
    fn warnings(&self) -> Vec<String> {
        if self.rows == 0 || matches!(self.shape, Shape::Count | Shape::Ids) {
            return Vec::new();
        }
        let lost = self
            .columns
            .iter()
            .filter(|column| column.first && !column.found);
        lost.map(|column| format!("Field not found in any item: {}.", column.name))
            .collect()
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
