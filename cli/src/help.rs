//! What people meet of the parser: each command with its own options, and the global ones in a line at its end.

use clap::Command;

/// `command`, the binary's whole parser, as it is used and explained.
///
/// The global options are explained by the program itself and only named below: forty lines of them would push out what
/// somebody asked for, and what the environment sets of them would stand in every message about wrong usage.
#[must_use]
pub fn dressed(command: Command) -> Command {
    let hidden = command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .map(|argument| argument.clone().hide(true))
        .collect::<Vec<_>>();
    let names = command.get_arguments().filter(|argument| argument.is_global_set());
    let names = names.filter_map(|argument| argument.get_long()).map(|name| format!("--{name}"));
    let line = format!(
        "Global options: {}; `{} --help` explains them",
        names.collect::<Vec<_>>().join(", "),
        command.get_name()
    );
    // What is propagated from above does not replace what a command has.
    command.mut_subcommands(|one| {
        let own = one.get_arguments().map(|argument| argument.get_id().clone()).collect::<Vec<_>>();
        let missing = hidden.iter().filter(|argument| !own.contains(argument.get_id()));
        below(one.args(missing), &line)
    })
}

fn below(command: Command, line: &str) -> Command {
    let after = match command.get_after_help() {
        Some(text) => format!("{text}\n\n{line}"),
        None => line.to_owned(),
    };
    command
        .after_help(after)
        // `-5` is a number that may be refused, and never an option.
        .mut_args(|argument| match argument.get_action().takes_values() {
            true => argument.allow_negative_numbers(true),
            false => argument,
        })
        .mut_subcommands(|one| below(one, line))
}
