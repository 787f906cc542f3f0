//! Every command that takes something has examples, and every example is one.

use clap::Command;

use super::Line;

/// The examples of a command: lines of a shell.
fn examples(command: &Command) -> Vec<String> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let after = after.replace("\\\n", " ");
    let paragraphs = after.split("\n\n").filter_map(|paragraph| paragraph.strip_prefix("Examples:\n"));
    paragraphs.flat_map(str::lines).map(|line| line.trim().to_owned()).collect()
}

/// The words of a line that are the program's: without the settings in front of it and where its streams go.
fn words(line: &str) -> Vec<String> {
    let words = shlex::split(line).unwrap_or_else(|| panic!("no line of a shell: {line}"));
    let own = words.into_iter().skip_while(|word| word != "guildhall");
    own.take_while(|word| !["|", ">", "<", "#"].contains(&word.as_str())).collect()
}

/// Calls `look` with the path of every command that can be seen, and the command.
fn every(path: &str, command: &Command, look: &mut impl FnMut(&str, &Command)) {
    look(path, command);
    for below in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        every(&format!("{path} {}", below.get_name()), below, look);
    }
}

#[test]
fn every_command_that_takes_something_has_an_example() {
    every("guildhall", &Line::parser(), &mut |path, command| {
        let is_leaf = !command.has_subcommands();
        let takes = command.get_arguments().any(|argument| !argument.is_hide_set());
        let own = examples(command).iter().any(|line| words(line).join(" ").starts_with(path));
        assert!(own || !is_leaf || !takes, "{path} has no example");
    });
}

#[test]
fn every_example_is_understood() {
    let mut seen = 0;
    every("guildhall", &Line::parser(), &mut |path, command| {
        for line in examples(command) {
            let words = words(&line);
            assert!(!words.is_empty(), "{path}: {line}");
            if let Err(error) = Line::read(&words) {
                panic!("{path}: {line}\n{error}");
            }
            seen += 1;
        }
    });
    assert!(seen > 120, "only {seen} examples were found");
}

/// Forty lines of options that every command has would push out its own.
#[test]
fn help_is_about_the_command_and_ends_with_examples() {
    let mut parser = Line::parser();
    parser.build();
    let members = parser.find_subcommand_mut("members").unwrap();
    let help = members.find_subcommand_mut("remove").unwrap().render_long_help().to_string();
    assert!(!help.contains("--config-dir <DIR>"), "{help}");
    let (_, end) = help.split_once("Examples:\n").unwrap();
    assert!(end.contains("Global options: --url, --token"), "{help}");
    // The program itself explains them.
    assert!(parser.render_long_help().to_string().contains("--config-dir <DIR>"));
}

/// A name for people that holds the same words everywhere.
#[test]
fn changes_have_one_verb() {
    let mut nouns = Vec::new();
    every("guildhall", &Line::parser(), &mut |path, command| {
        let name = command.get_name();
        if name == "edit" {
            assert!(command.get_visible_aliases().any(|alias| alias == "update"), "{path}");
            nouns.push(path.to_owned());
        }
        // `workspaces update` is no change of settings: it moves to another version.
        assert!(name != "update" || path.ends_with("workspaces update"), "{path}");
    });
    assert_eq!(nouns.len(), 6, "{nouns:?}");
}
