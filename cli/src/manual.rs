//! Manual pages, one for each command. Run by the binary, which alone knows its whole parser.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// Write the manual pages of all commands
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall man --dir ~/.local/share/man/man1

Then `man guildhall-members-remove` shows one of them.")]
pub struct Manual {
    /// The folder to write them to; made where it is missing
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// How the paragraphs after a command's options begin that have a section of their own, and what that is called.
const SECTIONS: [(&str, &str); 3] =
    [("Examples:", "EXAMPLES"), ("Exit codes:", "EXIT STATUS"), ("Global options: ", "GLOBAL OPTIONS")];

impl Manual {
    /// Writes a page for `command`, the binary's whole parser, and for each of its commands.
    #[must_use]
    pub fn run(&self, command: Command) -> ExitCode {
        match write(command, &self.dir) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&self.dir, &error),
        }
    }
}

fn write(command: Command, dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    pages(&command, "guildhall", None, dir)
}

/// The page of a command and those of the commands below it.
fn pages(command: &Command, name: &str, above: Option<&str>, dir: &Path) -> std::io::Result<()> {
    fs::write(dir.join(format!("{name}.1")), page(command, name, above)?)?;
    for below in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        pages(below, &format!("{name}-{}", below.get_name()), Some(name), dir)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str, above: Option<&str>) -> std::io::Result<Vec<u8>> {
    // Of the same order, they are sorted by their names.
    let sorted = command.clone().mut_args(|argument| argument.display_order(0));
    let man = Man::new(sorted).title(name);
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.get_subcommands().any(|one| !one.is_hide_set()) {
        man.render_subcommands_section(&mut out)?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut roff = Roff::default();
    notes(&mut roff, &after);
    for (beginning, heading) in SECTIONS {
        for paragraph in after.split("\n\n").filter_map(|paragraph| paragraph.strip_prefix(beginning)) {
            roff.control("SH", [heading]);
            as_it_stands(&mut roff, paragraph.trim_start_matches('\n'));
        }
    }
    if let Some(above) = above {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold(above), roman("(1)")]);
    }
    roff.to_writer(&mut out)?;
    Ok(out)
}

/// What has no section of its own.
fn notes(roff: &mut Roff, after: &str) {
    let is_note = |paragraph: &&str| !SECTIONS.iter().any(|(start, _)| paragraph.starts_with(start));
    let mut notes = after.split("\n\n").filter(is_note).filter(|paragraph| !paragraph.is_empty()).peekable();
    if notes.peek().is_some() {
        roff.control("SH", ["NOTES"]);
    }
    for (place, paragraph) in notes.enumerate() {
        if place > 0 {
            roff.control("PP", []);
        }
        as_it_stands(roff, paragraph);
    }
}

/// Lines that must not be filled up.
fn as_it_stands(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn failed(dir: &Path, error: &std::io::Error) -> ExitCode {
    // Nobody is helped by a panic when it can't be said.
    let _ = writeln!(std::io::stderr(), "error: could not write to {}: {error}", dir.display());
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;
    use crate::tests::Line;

    #[test]
    fn every_command_has_a_page_that_teaches() {
        let folder = tempfile::tempdir().unwrap();
        write(Line::parser(), folder.path()).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let root = read("guildhall.1");
        assert!(root.contains("EXIT STATUS") && root.contains("\\-\\-token\\-file"), "{root}");
        let page = read("guildhall-members-remove.1");
        for part in [
            "\\-\\-transfer\\-to",
            ".SH EXAMPLES",
            "guildhall members remove ben",
            ".SH NOTES",
            ".SH \"GLOBAL OPTIONS\"",
            "\\fBguildhall\\-members\\fR(1)",
        ] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
        assert!(!page.contains("EXTRA"), "{page}");
        // Sorted, whatever the order of their declarations.
        let synopsis = page.split(".SH").find(|part| part.contains("SYNOPSIS")).unwrap();
        let options = synopsis.split("\\-\\-").skip(1).map(|part| part.split('\\').next().unwrap());
        assert!(options.is_sorted_by_key(|name| name.to_owned()), "{synopsis}");
        // Every command that the parser knows, however deep; and a page of all that take arguments has examples.
        let mut open = vec![("guildhall".to_owned(), Line::parser())];
        while let Some((name, command)) = open.pop() {
            let page = read(&format!("{name}.1"));
            let own = |argument: &&clap::Arg| !argument.is_hide_set() && argument.get_id() != "help";
            let takes = command.get_arguments().any(|argument| own(&argument));
            assert!(page.contains(".SH EXAMPLES") || !takes || name == "guildhall", "{name}");
            let visible = command.get_subcommands().filter(|one| !one.is_hide_set());
            open.extend(visible.map(|one| (format!("{name}-{}", one.get_name()), one.clone())));
        }
    }
}
