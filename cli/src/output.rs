//! The one place that writes: results to the output stream, everything else to the error stream.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use guildhall_client::DateTime;
use serde::Serialize;

use crate::failure::Failure;
use crate::globals::Format;
use crate::time::relative;

/// Somewhere to write to.
type Sink = Arc<Mutex<dyn Write + Send>>;

/// Where and how a command writes.
pub(crate) struct Output {
    results: Sink,
    notes: Sink,
    format: Format,
    /// The output stream is a terminal: tables fit its width.
    terminal: bool,
    colour: bool,
    now: DateTime,
}

/// A cell of a table.
pub(crate) enum Value {
    Text(String),
    /// A word of an enumeration, coloured by what it means.
    State(String),
    Time(Option<DateTime>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<DateTime> for Value {
    fn from(time: DateTime) -> Self {
        Self::Time(Some(time))
    }
}

impl From<Option<DateTime>> for Value {
    fn from(time: Option<DateTime>) -> Self {
        Self::Time(time)
    }
}

/// A value of an enumeration of the API in lower case, as people read it: `TEMPLATE_IMPORT` → `template import`.
pub(crate) fn state(value: &impl Serialize) -> Value {
    Value::State(word(value))
}

/// As [`state`], as text.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name.to_lowercase().replace('_', " "),
        _ => "unknown".to_owned(),
    }
}

impl Output {
    /// The streams of this process. Colours only on a terminal, and not where `NO_COLOR` is set.
    pub(crate) fn of_process(format: Format) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let colour = terminal && console::colors_enabled();
        let (results, notes) =
            (Arc::new(Mutex::new(std::io::stdout())), Arc::new(Mutex::new(std::io::stderr())));
        Self { results, notes, format, terminal, colour, now: chrono::Utc::now() }
    }

    /// Writes to `results` and `notes`, neither of which is a terminal.
    #[cfg(test)]
    pub(crate) fn to(results: Sink, notes: Sink, format: Format, now: DateTime) -> Self {
        Self { results, notes, format, terminal: false, colour: false, now }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes a list: JSON array, or table, or what to do when there is nothing.
    pub(crate) fn list<T: Serialize>(
        &self,
        items: &[T],
        header: &[&str],
        row: impl Fn(&T) -> Vec<Value>,
        empty: &str,
    ) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(&items);
        }
        if items.is_empty() {
            self.note(empty);
            return Ok(());
        }
        self.line(&self.table(header, items.iter().map(row)))
    }

    /// Writes one object: JSON, or its rows of name and value.
    pub(crate) fn object<T: Serialize>(&self, object: &T, rows: Vec<(&str, Value)>) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(object);
        }
        let rows = rows.into_iter().map(|(name, value)| vec![format!("{name}:").into(), value]);
        self.line(&self.table(&[], rows))
    }

    /// Writes what happened: the object as JSON, or a sentence.
    pub(crate) fn done<T: Serialize>(&self, object: &T, sentence: &str) -> Result<(), Failure> {
        if self.is_json() { self.json(object) } else { self.line(sentence) }
    }

    /// Writes pretty-printed JSON.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(value).map_err(|error| Failure::local("write JSON", error))?;
        self.line(&text)
    }

    /// Writes JSON on one line, for results that come bit by bit.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::local("write JSON", error))?;
        self.line(&text)
    }

    /// Writes a line of the result.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        write_line(&self.results, text).map_err(|error| Failure::output(&error))
    }

    /// Says something that is not the result. Nobody is helped by failing when it can't be said.
    pub(crate) fn note(&self, text: &str) {
        let _ = write_line(&self.notes, text);
    }

    /// Says why the command ends: words for people, an object for programs.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.silent {
            return;
        }
        if self.is_json() {
            let error = serde_json::json!({
                "error": {
                    "code": failure.code,
                    "message": failure.message,
                    "hint": failure.hint,
                    "exitCode": failure.exit as u8,
                }
            });
            return self.note(&error.to_string());
        }
        let prefix = console::style("error:").for_stderr().red().bold();
        self.note(&format!("{prefix} {}", printable(&failure.message).replace('\n', "\n       ")));
        if let Some(hint) = &failure.hint {
            self.note(&format!("{} {hint}", console::style(" next:").for_stderr().bold()));
        }
    }

    /// A table without lines, which is read as well as it is cut and searched.
    pub(crate) fn table(&self, header: &[&str], rows: impl Iterator<Item = Vec<Value>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if self.terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        if !header.is_empty() {
            table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
        }
        for row in rows {
            table.add_row(row.into_iter().map(|value| self.cell(value)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.trim_fmt()
    }

    fn cell(&self, value: Value) -> Cell {
        match value {
            // A control character in a name could move the cursor and rewrite what was shown.
            Value::Text(text) => Cell::new(printable(&text)),
            Value::State(word) => match colour_of(&word) {
                Some(colour) => Cell::new(printable(&word)).fg(colour),
                None => Cell::new(printable(&word)),
            },
            Value::Time(Some(time)) => Cell::new(relative(time, self.now)),
            Value::Time(None) => Cell::new("-"),
        }
    }
}

fn write_line(sink: &Sink, text: &str) -> std::io::Result<()> {
    // A writer that panicked has left at most a part of a line behind.
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(sink, "{text}")?;
    sink.flush()
}

/// `text` without control characters, apart from line ends and tabs; an empty one becomes a dash.
pub(crate) fn printable(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect()
}

fn colour_of(word: &str) -> Option<Color> {
    Some(match word {
        "running" | "succeeded" | "idle" | "active" => Color::Green,
        "pending" | "starting" | "stopping" | "deleting" | "canceling" | "busy" => Color::Yellow,
        "failed" | "suspended" => Color::Red,
        "stopped" | "offline" | "canceled" | "deleted" | "dormant" => Color::DarkGrey,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use guildhall_client::provisioner_job::{ProvisionerJobState, ProvisionerJobType};

    use super::*;

    fn plain() -> Output {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        let nowhere = || Arc::new(Mutex::new(std::io::sink()));
        Output::to(nowhere(), nowhere(), Format::Table, now)
    }

    #[test]
    fn a_table_is_aligned_and_has_no_colours_off_the_terminal() {
        let output = plain();
        let rows = [
            vec!["dev".into(), Value::State("running".into()), (output.now - TimeDelta::minutes(5)).into()],
            vec!["".into(), Value::State("failed".into()), None.into()],
        ];
        assert_eq!(
            output.table(&["NAME", "STATE", "AGE"], rows.into_iter()),
            "NAME  STATE    AGE\ndev   running  5m ago\n-     failed   -"
        );
    }

    #[test]
    fn colours_appear_where_they_are_wanted() {
        let output = Output { colour: true, ..plain() };
        let table = output.table(&[], std::iter::once(vec![Value::State("failed".into())]));
        assert!(table.contains("\u{1b}["), "{table:?}");
    }

    #[test]
    fn a_name_can_not_move_the_cursor() {
        let table = plain().table(&[], std::iter::once(vec!["a\u{1b}[2Jb".into()]));
        assert_eq!(table, "a[2Jb");
    }

    #[test]
    fn enumerations_become_words_even_unknown_ones() {
        assert_eq!(word(&ProvisionerJobType::TemplateImport), "template import");
        assert_eq!(word(&ProvisionerJobState::Other("ON_HOLD".to_owned())), "on hold");
    }
}
