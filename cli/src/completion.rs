//! Completion scripts for shells. Run by the binary, which alone knows its whole parser.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall completion bash > ~/.local/share/bash-completion/completions/guildhall
  guildhall completion zsh > \"${fpath[1]}/_guildhall\"
  guildhall completion fish > ~/.config/fish/completions/guildhall.fish")]
pub struct Completion {
    /// Which shell
    shell: Shell,
}

impl Completion {
    /// Prints the script for `command`, the binary's whole parser, to the output stream.
    #[must_use]
    pub fn run(&self, mut command: clap::Command) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "guildhall", &mut script);
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(&script).and_then(|()| stdout.flush()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let failure = Failure::output(&error);
                if !failure.silent {
                    // Nobody is helped by a panic when it can't be said.
                    let _ = writeln!(std::io::stderr(), "error: {}", failure.message);
                }
                ExitCode::FAILURE
            }
        }
    }
}
