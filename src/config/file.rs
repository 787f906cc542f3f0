//! The settings file: TOML, whose keys are the long names of the server's options.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Args as _, Command};
use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{LIMITS_OF_THE_FILE, Serving};

/// How much a name must look like another to be taken for a slip of it.
const ALIKE: f64 = 0.85;

/// A settings file.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    settings: Vec<Setting>,
}

/// A setting as it stands in the file.
#[derive(Debug)]
pub(super) struct Setting {
    /// The long name of its option.
    pub(super) option: String,
    pub(super) value: String,
    pub(super) line: usize,
}

/// Something that is wrong with a settings file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, where that is known.
    pub line: Option<usize>,
    /// A sentence for people.
    pub message: String,
}

impl Problem {
    pub(super) fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into() }
    }

    /// With its place, e.g. `/etc/guildhall.toml:3: …`.
    pub fn told(&self, path: &Path) -> String {
        let line = self.line.map(|line| format!("{line}:")).unwrap_or_default();
        format!("{}:{line} {}", path.display(), self.message)
    }
}

impl File {
    /// Reads a file; what is no setting comes apart.
    ///
    /// # Errors
    /// When it can't be read or is no TOML.
    pub(super) fn read(path: &Path) -> Result<(Self, Vec<Problem>), Problem> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problem { line: None, message: format!("can't be read: {error}") })?;
        let table = DeTable::parse(&text).map_err(|error| {
            let line = error.span().map(|span| line_of(&text, span.start));
            Problem { line, message: error.message().to_owned() }
        })?;
        let (mut settings, mut problems) = (Vec::new(), Vec::new());
        for (key, value) in table.get_ref() {
            let line = line_of(&text, key.span().start);
            if key.get_ref() == "limits"
                && let DeValue::Table(limits) = value.get_ref()
            {
                named("", limits, &text, &mut settings);
                continue;
            }
            match plain(value.get_ref()) {
                Some(value) => settings.push(Setting { option: key.get_ref().to_string(), value, line }),
                None => problems.push(Problem::at(
                    line,
                    format!("`{}` is text, a list of texts, a whole number, true or false", key.get_ref()),
                )),
            }
        }
        settings.sort_by_key(|setting| setting.line);
        Ok((Self { path: path.to_owned(), settings }, problems))
    }

    /// Reads a file that must be in order as far as its form goes.
    ///
    /// # Errors
    /// A sentence for people.
    pub(super) fn read_whole(path: &Path) -> Result<Self, String> {
        let (file, problems) = Self::read(path).map_err(|problem| problem.told(path))?;
        problems.first().map_or(Ok(file), |problem| Err(problem.told(path)))
    }

    /// Makes the values of the file the defaults of the server's commands.
    ///
    /// # Errors
    /// A sentence for people when the file names an unknown option.
    pub fn defaults(&self, mut command: Command) -> Result<Command, String> {
        for setting in &self.settings {
            if option(&setting.option).is_none() {
                return Err(Problem::at(setting.line, unknown(&setting.option)).told(&self.path));
            }
            // Each limit is a setting of its own; together they are the values of one option.
            let same = self.settings.iter().filter(|other| other.option == setting.option);
            let value = same.map(|setting| setting.value.as_str()).collect::<Vec<_>>().join(",");
            for path in [&["server"][..], &["migrate"], &["reseal"], &["doctor"], &["config", "show"]] {
                command = set_default(command, path, &setting.option, &value);
            }
        }
        Ok(command)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn settings(&self) -> &[Setting] {
        &self.settings
    }
}

/// Gives an option of the command below `path` a default, where it has that option.
fn set_default(command: Command, path: &[&str], option: &str, value: &str) -> Command {
    if let [name, rest @ ..] = path {
        if command.find_subcommand(name).is_none() {
            return command;
        }
        return command.mut_subcommand(name, |sub| set_default(sub, rest, option, value));
    }
    let id = id_of(option);
    if command.get_arguments().all(|argument| argument.get_id() != id.as_str()) {
        return command;
    }
    let value = value.to_owned();
    command.mut_arg(id, |argument| match argument.get_action() {
        ArgAction::SetTrue => argument.default_value(if value == "true" { "true" } else { "false" }),
        _ => argument.default_value(value),
    })
}

fn id_of(option: &str) -> String {
    option.replace('-', "_")
}

/// The options that a file may set, by their keys.
pub(super) fn options() -> Vec<(String, Arg)> {
    let command = Serving::augment_args(Command::new("server"));
    let settable = command.get_arguments().filter(|argument| argument.get_id() != "config");
    settable.map(|argument| (argument.get_id().as_str().replace('_', "-"), argument.clone())).collect()
}

/// The option that a key of the file sets.
pub(super) fn option(key: &str) -> Option<Arg> {
    options().into_iter().find(|(name, _)| name == key).map(|(_, argument)| argument)
}

/// What is said of a key that is no option, with the one that was probably meant.
pub(super) fn unknown(key: &str) -> String {
    let visible = options().into_iter().filter(|(name, _)| name != LIMITS_OF_THE_FILE);
    let alike = visible.map(|(name, _)| (strsim::jaro_winkler(&name, key), name));
    let nearest = alike.filter(|(how, _)| *how >= ALIKE).max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((_, name)) => format!("`{key}` is no option; did you mean `{name}`?"),
        None => format!("`{key}` is no option; see `guildhall server --help`"),
    }
}

/// A value as text, where it may be one.
fn plain(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Array(items) => {
            let text = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
            items.iter().map(text).collect::<Option<Vec<_>>>()?.join(",")
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}

/// A table of limits as `NAME=VALUE`, inner tables by their path.
fn named(prefix: &str, table: &DeTable<'_>, text: &str, settings: &mut Vec<Setting>) {
    for (name, value) in table {
        if let DeValue::Table(inner) = value.get_ref() {
            named(&format!("{prefix}{}.", name.get_ref()), inner, text, settings);
            continue;
        }
        // What is no number stays as it is written: the limit says what it takes.
        let value = plain(value.get_ref()).unwrap_or_else(|| text[value.span()].to_owned());
        settings.push(Setting {
            option: LIMITS_OF_THE_FILE.to_owned(),
            value: format!("{prefix}{}={value}", name.get_ref()),
            line: line_of(text, name.span().start),
        });
    }
}

/// The line of a place, from 1.
fn line_of(text: &str, place: usize) -> usize {
    text.as_bytes().iter().take(place).filter(|byte| **byte == b'\n').count() + 1
}
