//! Where each setting comes from.

use std::collections::HashMap;
use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Serialize;

use super::file::{File, Setting, option, options};
use super::{LIMITS_OF_THE_FILE, limits};

/// What stands in place of a secret.
const HIDDEN: &str = "(hidden)";

/// A setting in force.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its key in the file; a limit behind `limits.`.
    pub name: String,
    /// Its value, which is hidden where it is a secret. `None` where there is none.
    pub value: Option<String>,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", content = "place", rename_all = "lowercase")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file and the line.
    File(String),
    /// The variable of the environment.
    Environment(String),
    /// The flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(place) => write!(out, "file {place}"),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::Flag(name) => write!(out, "flag {name}"),
        }
    }
}

/// Every setting of the server, by name, as the arguments of a command that takes them were understood.
pub fn shown(matches: &ArgMatches, file: Option<&File>) -> Vec<Shown> {
    let mut all = Vec::new();
    for (key, argument) in options() {
        if matches!(key.as_str(), LIMITS_OF_THE_FILE | "limits") {
            continue;
        }
        let id = argument.get_id().as_str();
        let hidden = argument.is_hide_env_values_set();
        let value = value(matches, id).map(|value| if hidden { HIDDEN.to_owned() } else { public(value) });
        all.push(Shown { value, origin: origin(matches, file, &key), name: key });
    }
    all.extend(of_limits(matches, file));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn value(matches: &ArgMatches, id: &str) -> Option<String> {
    let values = matches.get_raw(id)?;
    let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// A value without what a URL may carry to sign in with.
fn public(value: String) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{HIDDEN}@{host}{path}"),
        None => value,
    }
}

fn origin(matches: &ArgMatches, file: Option<&File>, key: &str) -> Origin {
    let Some(argument) = option(key) else { return Origin::Default };
    match matches.value_source(argument.get_id().as_str()) {
        Some(ValueSource::CommandLine) => {
            Origin::Flag(format!("--{}", argument.get_long().unwrap_or_default()))
        }
        Some(ValueSource::EnvVariable) => Origin::Environment(
            argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        ),
        // What the file says is a default for the parser.
        _ => {
            let set = file.and_then(|file| {
                let setting = file.settings().iter().find(|setting| setting.option == key)?;
                Some(placed(file, setting))
            });
            set.unwrap_or(Origin::Default)
        }
    }
}

/// The place of a setting.
fn placed(file: &File, setting: &Setting) -> Origin {
    Origin::File(format!("{}:{}", file.path().display(), setting.line))
}

/// The limits, each by itself: those of the table of the file, over them those of the option.
fn of_limits(matches: &ArgMatches, file: Option<&File>) -> Vec<Shown> {
    let mut given = HashMap::new();
    if let Some(file) = file {
        for setting in file.settings().iter().filter(|setting| setting.option == LIMITS_OF_THE_FILE) {
            if let Some((name, value)) = setting.value.split_once('=') {
                given.insert(name.trim().to_owned(), (value.trim().to_owned(), placed(file, setting)));
            }
        }
    }
    let from = origin(matches, file, "limits");
    for setting in matches.get_many::<String>("limits").into_iter().flatten() {
        if let Some((name, value)) = setting.split_once('=') {
            given.insert(name.trim().to_owned(), (value.trim().to_owned(), from.clone()));
        }
    }
    let limit = |(name, default): (String, String)| {
        let (value, origin) = given.remove(&name).unwrap_or((default, Origin::Default));
        Shown { name: format!("limits.{name}"), value: Some(value), origin }
    };
    limits::defaults().into_iter().map(limit).collect()
}
