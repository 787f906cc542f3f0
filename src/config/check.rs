//! Checking a settings file without starting anything: every mistake, not only the first.

use std::path::Path;

use clap::{ArgAction, Args as _, Command, FromArgMatches as _};

use super::file::{self, File, Problem, Setting};
use super::{LIMITS_OF_THE_FILE, Serving, limits};

/// What is wrong with a file, in its order. Nothing is looked up but the file itself.
pub fn check(path: &Path) -> Vec<Problem> {
    let (file, mut problems) = match File::read(path) {
        Ok(read) => read,
        Err(problem) => return vec![problem],
    };
    let wrong =
        file.settings().iter().filter_map(|setting| Some(Problem::at(setting.line, judge(setting).err()?)));
    problems.extend(wrong);
    problems.sort_by_key(|problem| problem.line);
    problems
}

fn judge(setting: &Setting) -> Result<(), String> {
    let Setting { option, value, .. } = setting;
    let Some(argument) = file::option(option) else { return Err(file::unknown(option)) };
    if matches!(option.as_str(), LIMITS_OF_THE_FILE | "limits") {
        let each: Vec<String> = value.split(',').map(str::to_owned).collect();
        return limits::limits(&each).map(drop);
    }
    if matches!(argument.get_action(), ArgAction::SetTrue) {
        return match value.as_str() {
            "true" | "false" => Ok(()),
            other => Err(format!("`{option}` is true or false, not `{other}`")),
        };
    }
    // Alone, and whatever the environment says.
    let command = Serving::augment_args(Command::new("guildhall").no_binary_name(true))
        .mut_args(|argument| argument.env(None::<&'static str>));
    let long = argument.get_long().unwrap_or_default();
    let matches =
        command.try_get_matches_from([format!("--{long}={value}")]).map_err(|error| sentence(&error))?;
    let serving = Serving::from_arg_matches(&matches).map_err(|error| sentence(&error))?;
    match option.as_str() {
        "database-url" => serving.storage.database(Path::new("")).map(drop),
        _ => Ok(()),
    }
}

/// The first part of what the parser says, which is about the value.
fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let about = text.split("\n\n").next().unwrap_or_default();
    let about = about.strip_prefix("error: ").unwrap_or(about);
    about.split_whitespace().collect::<Vec<_>>().join(" ")
}
