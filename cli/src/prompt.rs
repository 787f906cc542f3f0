//! Questions to the person at the terminal. They go to the error stream: the output stream is for results.

use std::io::{BufRead, IsTerminal, Write};

use secrecy::{ExposeSecret, SecretString};

use crate::failure::{Exit, Failure};
use crate::hidden;

/// The person at the terminal, if there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    there: bool,
}

impl Person {
    /// Whoever sits at the terminal of this process.
    pub(crate) fn of_process() -> Self {
        Self { there: std::io::stdin().is_terminal() && std::io::stderr().is_terminal() }
    }

    /// Nobody: every question is an error.
    #[cfg(test)]
    pub(crate) fn absent() -> Self {
        Self { there: false }
    }

    pub(crate) fn is_there(self) -> bool {
        self.there
    }

    /// Asks until something is answered. `instead` says how to answer without a terminal.
    pub(crate) fn text(self, question: &str, instead: &str) -> Result<String, Failure> {
        loop {
            let answer = self.optional_text(question, instead)?;
            if !answer.is_empty() {
                return Ok(answer);
            }
        }
    }

    /// Asks once; the answer may be empty.
    pub(crate) fn optional_text(self, question: &str, instead: &str) -> Result<String, Failure> {
        self.require(question, instead)?;
        let failed = |error: std::io::Error| Failure::local("read from the terminal", error);
        let mut stderr = std::io::stderr().lock();
        write!(stderr, "{question}: ").and_then(|()| stderr.flush()).map_err(failed)?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).map_err(failed)? == 0 {
            return Err(Failure::usage(format!("no answer to \"{question}\"")));
        }
        Ok(line.trim().to_owned())
    }

    /// Asks for a secret, which is not shown.
    pub(crate) fn secret(self, question: &str, instead: &str) -> Result<SecretString, Failure> {
        self.require(question, instead)?;
        let answer = hidden::ask(&format!("{question}: "));
        match answer.map_err(|error| Failure::local("read from the terminal", error))? {
            Some(answer) => Ok(answer),
            None => Err(Failure::new(Exit::Interrupted, "interrupted: nothing has been done")),
        }
    }

    /// Asks for a new secret, twice.
    pub(crate) fn new_secret(self, question: &str, instead: &str) -> Result<SecretString, Failure> {
        let first = self.secret(question, instead)?;
        let second = self.secret(&format!("{question} (again)"), instead)?;
        if first.expose_secret() == second.expose_secret() {
            Ok(first)
        } else {
            Err(Failure::usage("the two passwords differ: nothing has been done"))
        }
    }

    /// Lets a destructive command go on only when the person types the name of what it destroys.
    pub(crate) fn confirm(self, what: &str, name: &str) -> Result<(), Failure> {
        let question = format!("This deletes {what}. Type its name ({name}) to go on");
        let answer = self.optional_text(&question, "pass --yes")?;
        if answer == name {
            Ok(())
        } else {
            Err(Failure::usage(format!("`{answer}` is not `{name}`: nothing has been deleted")))
        }
    }

    fn require(self, question: &str, instead: &str) -> Result<(), Failure> {
        if self.there {
            return Ok(());
        }
        Err(Failure::usage(format!("there is no terminal to ask \"{question}\"")).hint(instead))
    }
}

/// Reads one line from the standard input that is a secret.
pub(crate) fn secret_from_stdin() -> Result<SecretString, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::local("read the standard input", error))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::usage("the standard input holds no password")),
        line => Ok(SecretString::from(line)),
    }
}
