//! Manual pages, one for each command. Run by the binary, which alone knows its whole parser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

/// Write the manual pages of all commands
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall man --dir ~/.local/share/man/man1
  man guildhall-members-remove")]
pub struct Manual {
    /// The folder to write them to; made where it is missing
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

impl Manual {
    /// Writes a page for `command`, the binary's whole parser, and for each of its commands.
    #[must_use]
    pub fn run(&self, command: clap::Command) -> ExitCode {
        match write(command, &self.dir) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&self.dir, &error),
        }
    }
}

fn write(command: clap::Command, dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command.disable_help_subcommand(true), dir)
}

#[expect(clippy::print_stderr, reason = "the command's error")]
fn failed(dir: &Path, error: &std::io::Error) -> ExitCode {
    eprintln!("error: could not write to {}: {error}", dir.display());
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use clap::CommandFactory as _;

    use super::*;
    use crate::tests::Line;

    #[test]
    fn every_command_has_a_page_that_teaches() {
        let folder = tempfile::tempdir().unwrap();
        write(Line::command(), folder.path()).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(read("guildhall.1").contains("Exit codes"), "{}", read("guildhall.1"));
        let page = read("guildhall-members-remove.1");
        for part in ["\\-\\-transfer\\-to", "Examples:", "guildhall members remove ben"] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
        // Every command that the parser knows, however deep.
        let mut open = vec![("guildhall".to_owned(), Line::command())];
        while let Some((name, command)) = open.pop() {
            assert!(folder.path().join(format!("{name}.1")).exists(), "{name}");
            let visible = command.get_subcommands().filter(|one| !one.is_hide_set());
            open.extend(visible.map(|one| (format!("{name}-{}", one.get_name()), one.clone())));
        }
    }
}
