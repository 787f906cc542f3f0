//! The one place that writes: results to the output stream, everything else to the error stream.

mod table;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use guildhall_client::{DateTime, Id};
use serde::Serialize;

use crate::failure::Failure;
use crate::globals::Format;
use crate::untrusted;

/// Somewhere to write to.
type Sink = Arc<Mutex<dyn Write + Send>>;

/// Where and how a command writes.
pub(crate) struct Output {
    results: Sink,
    notes: Sink,
    format: Format,
    /// Columns of the terminal that the output stream is, if it is one: tables fit them.
    width: Option<u16>,
    colour: bool,
    now: DateTime,
}

/// A cell of a table.
pub(crate) enum Value {
    Text(String),
    /// A word of an enumeration, coloured by what it means.
    State(String),
    /// An id, or several: none is ever broken, because they are copied.
    Ids(String),
    Time(Option<DateTime>),
    /// Several texts, with commas between them.
    List(Vec<String>),
}

/// What is said where a list is empty.
pub(crate) struct Nothing<'a> {
    /// What it would hold, one of it.
    what: &'a str,
    /// Whether some were left out because of what was asked.
    narrowed: bool,
    /// What to do then, or what it means.
    hint: String,
}

impl<'a> Nothing<'a> {
    pub(crate) fn of(what: &'a str) -> Self {
        Self { what, narrowed: false, hint: String::new() }
    }

    /// Says how to get some, where none were left out.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// Where some were left out, none needs to be made.
    pub(crate) fn narrowed(self, narrowed: bool) -> Self {
        Self { narrowed, ..self }
    }

    fn words(&self) -> String {
        match (self.narrowed, self.hint.as_str()) {
            (true, _) => format!("No {} matches what you asked for.", self.what),
            (false, "") => format!("No {} that you can see.", self.what),
            (false, hint) => hint.to_owned(),
        }
    }
}

/// How wide a list of words gets before it goes on below.
const WIDTH: usize = 80;

/// `words` with commas between them, on lines of a width that can be read.
pub(crate) fn wrapped(words: &[String]) -> String {
    let mut lines = vec![String::new()];
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 == words.len() { "" } else { "," };
        let new = lines.last().is_some_and(|line| !line.is_empty() && line.len() + word.len() + 2 > WIDTH);
        if new {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(&format!("{space}{word}{comma}"));
        }
    }
    lines.join("\n")
}

/// A number of things, e.g. `1 member`, `2 members`.
pub(crate) fn counted(number: impl Into<i64>, one: &str) -> String {
    match number.into() {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

/// Whether something is so, where it is asked of one thing.
pub(crate) fn yes_or_no(is: bool) -> Value {
    if is { "yes" } else { "no" }.into()
}

/// The same in a list, where those stand out that are.
pub(crate) fn mark(is: bool) -> Value {
    if is { "yes" } else { "" }.into()
}

impl From<&Id> for Value {
    fn from(id: &Id) -> Self {
        Self::Ids(id.inner().to_owned())
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts)
    }
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
        let terminal = console::Term::stdout();
        let colour = terminal.is_term() && console::colors_enabled();
        let width = terminal.is_term().then(|| terminal.size().1);
        let (results, notes) =
            (Arc::new(Mutex::new(std::io::stdout())), Arc::new(Mutex::new(std::io::stderr())));
        Self { results, notes, format, width, colour, now: chrono::Utc::now() }
    }

    /// Writes to `results` and `notes`, neither of which is a terminal.
    #[cfg(test)]
    pub(crate) fn to(results: Sink, notes: Sink, format: Format, now: DateTime) -> Self {
        Self { results, notes, format, width: None, colour: false, now }
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
        nothing: &Nothing<'_>,
    ) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(&items);
        }
        if items.is_empty() {
            self.note(&nothing.words());
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
        if self.is_json() { self.json(object) } else { self.say(sentence) }
    }

    /// Says what became of something whose secret is not to be had again. Its place in the results stays empty: whoever
    /// keeps them in a file takes what is there for the secret.
    pub(crate) fn shown_before<T: Serialize>(&self, object: &T, sentence: &str) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(object);
        }
        self.note(&untrusted::lines(sentence));
        Ok(())
    }

    /// Writes a sentence, which may name what others have named.
    pub(crate) fn say(&self, sentence: &str) -> Result<(), Failure> {
        self.line(&untrusted::lines(sentence))
    }

    /// Writes pretty-printed JSON.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(value).map_err(|error| Failure::local("write JSON", error))?;
        self.line(&untrusted::json(&text))
    }

    /// Writes JSON on one line, for results that come bit by bit.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::local("write JSON", error))?;
        self.line(&untrusted::json(&text))
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
            return self.note(&untrusted::json(&error.to_string()));
        }
        let prefix = console::style("error:").for_stderr().red().bold();
        self.note(&format!("{prefix} {}", untrusted::lines(&failure.message).replace('\n', "\n       ")));
        if let Some(hint) = &failure.hint {
            let prefix = console::style(" next:").for_stderr().bold();
            self.note(&format!("{prefix} {}", untrusted::lines(hint)));
        }
    }
}

fn write_line(sink: &Sink, text: &str) -> std::io::Result<()> {
    // A writer that panicked has left at most a part of a line behind.
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(sink, "{text}")?;
    sink.flush()
}

#[cfg(test)]
mod tests {
    use guildhall_client::provisioner_job::{ProvisionerJobState, ProvisionerJobType};

    use super::*;

    #[test]
    fn a_long_list_goes_on_below() {
        let words = (0..30).map(|number| format!("word-{number}")).collect::<Vec<_>>();
        let text = wrapped(&words);
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.replace('\n', " "), words.join(", "));
        assert_eq!((wrapped(&[]), wrapped(&["one".to_owned()])), (String::new(), "one".to_owned()));
    }

    #[test]
    fn numbers_agree_with_their_things() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "group")), ["0 groups", "1 group", "2 groups"]);
    }

    #[test]
    fn an_empty_list_says_what_to_do_only_where_nothing_was_left_out() {
        let nothing = || Nothing::of("group").hint("Create one.");
        assert_eq!(nothing().words(), "Create one.");
        assert_eq!(nothing().narrowed(true).words(), "No group matches what you asked for.");
    }

    #[test]
    fn enumerations_become_words_even_unknown_ones() {
        assert_eq!(word(&ProvisionerJobType::TemplateImport), "template import");
        assert_eq!(word(&ProvisionerJobState::Other("ON_HOLD".to_owned())), "on hold");
    }
}
