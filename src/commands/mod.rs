//! The server's own commands that look and change nothing: `config` and `doctor`. What they print; what is found, `config/`
//! and `doctor/` know.

pub mod config;
pub mod doctor;

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;
use guildhall_cli::Format;
use serde::Serialize;

/// Writes what was found: JSON, or lines.
fn print<T: Serialize>(format: Format, found: &[T], lines: impl FnOnce() -> String) -> anyhow::Result<()> {
    match format {
        Format::Json => say(&serde_json::to_string_pretty(found)?),
        Format::Table => say(&lines()),
    }
}

/// Writes a command's result. Who reads only its beginning has what they wanted.
///
/// # Errors
/// When it can't be written, as on a full disk.
pub fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("could not write the output"),
    }
}

/// Lines of cells below each other.
fn aligned(rows: &[Vec<String>]) -> String {
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column).unwrap_or_default();
            format!("{cell:<width$}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
