//! Why a command ends without what was asked for: a code for programs, words for people, and what to do next.

use std::fmt;
use std::process::ExitCode;

use guildhall_client::{ClientError, UserError, UserErrorCode};

use crate::words::told;

/// The exit codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something else went wrong
  2  the command line is wrong
  3  not signed in
  4  not found, or not visible to you
  5  forbidden
  6  the input was refused, or conflicts with what is there
  7  the server can't be reached
  8  the job ended without success
  130  interrupted; a job that was followed goes on";

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Failure = 1,
    Usage = 2,
    NotSignedIn = 3,
    NotFound = 4,
    Forbidden = 5,
    Refused = 6,
    Unreachable = 7,
    JobFailed = 8,
    /// As shells tell of a program that Ctrl-C ended.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What is said before a command ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// For programs: a code of the API, or of this module's `code`.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The next step, if there is one to name.
    pub(crate) hint: Option<String>,
    /// Nobody reads the output any more (`guildhall … | head`): end without a word.
    pub(crate) silent: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let code = match exit {
            Exit::Failure => "FAILURE",
            Exit::Usage => "USAGE",
            Exit::NotSignedIn => "UNAUTHENTICATED",
            Exit::NotFound => "NOT_FOUND",
            Exit::Forbidden => "FORBIDDEN",
            Exit::Refused => "BAD_USER_INPUT",
            Exit::Unreachable => "UNREACHABLE",
            Exit::JobFailed => "JOB_FAILED",
            Exit::Interrupted => "INTERRUPTED",
        };
        Self { exit, code: code.to_owned(), message: message.into(), hint: None, silent: false }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn code(mut self, code: &str) -> Self {
        code.clone_into(&mut self.code);
        self
    }

    /// A local file, folder or terminal that does not do what it should; `doing` completes "could not …".
    pub(crate) fn local(doing: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::new(Exit::Failure, format!("could not {doing}: {error}"))
    }

    /// Writing the result failed.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        let silent = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self { silent, ..Self::local("write the output", error) }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(errors) => refused(&errors),
            ClientError::NotFound { kind, .. } => {
                let failure = Self::new(Exit::NotFound, error.to_string());
                match listing(kind) {
                    Some(command) => failure.hint(format!("`guildhall {command}` lists those you can see")),
                    None => failure,
                }
            }
            ClientError::GraphQl(_) => graphql(&error),
            ClientError::Unreachable { .. } => Self::new(Exit::Unreachable, error.to_string())
                .hint("start a server with `guildhall server`, or name another one with --url"),
            ClientError::InvalidUrl { .. } => Self::usage(error.to_string()),
            ClientError::Unexpected { status, .. } => {
                let exit = if matches!(status, 502..=504) { Exit::Unreachable } else { Exit::Failure };
                Self::new(exit, error.to_string()).hint("check that --url names a Guildhall server")
            }
            ClientError::Incomplete | ClientError::TooLarge { .. } | ClientError::Io { .. } => {
                Self::new(Exit::Failure, error.to_string())
            }
        }
    }
}

fn refused(errors: &[UserError]) -> Failure {
    let missing = errors.iter().all(|error| *error.code() == UserErrorCode::NotFound);
    let exit = if missing { Exit::NotFound } else { Exit::Refused };
    let failure = Failure::new(exit, lines(errors));
    match errors.first().map(UserError::code) {
        Some(UserErrorCode::Other(code)) => failure.code(code),
        Some(UserErrorCode::NotFound) | None => failure,
    }
}

fn graphql(error: &ClientError) -> Failure {
    let code = error.code().unwrap_or_default();
    let failure = Failure::new(exit_of(code), told(&error.to_string())).code(code);
    match code {
        "UNAUTHENTICATED" => failure.hint(
            "sign in with `guildhall login`; a token of --token, --token-file or the environment must be replaced by another",
        ),
        // Which administrator depends on whether it is held in an organization or on the site.
        "FORBIDDEN" => failure.hint(
            "ask an administrator for a role that grants it; `guildhall roles permissions` lists what there is",
        ),
        "RATE_LIMITED" => failure.hint("wait a minute, then try again"),
        _ => failure,
    }
}

/// The exit that belongs to a code of the API.
pub(crate) fn exit_of(code: &str) -> Exit {
    match code {
        "UNAUTHENTICATED" => Exit::NotSignedIn,
        "FORBIDDEN" => Exit::Forbidden,
        "NOT_FOUND" => Exit::NotFound,
        "BAD_USER_INPUT" | "CONFLICT" => Exit::Refused,
        "UNAVAILABLE" => Exit::Unreachable,
        _ => Exit::Failure,
    }
}

fn listing(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "organization" => "organizations list",
        "user" => "users list",
        "group" => "groups list",
        "template" => "templates list",
        "template version" => "templates versions",
        "workspace" => "workspaces list",
        "provisioner key" => "provisioner keys list",
        "job" => "provisioner jobs",
        "role" => "roles list",
        "member" => "members list",
        "token" => "tokens list",
        "audit log entry" => "audit list",
        _ => return None,
    })
}

/// One error a line, in the words of the command line.
pub(crate) fn lines(errors: &[UserError]) -> String {
    errors.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(error: &UserError) -> String {
    let text = error.to_string();
    let Some(field) = error.field() else { return told(&text) };
    let message = text.strip_prefix(&format!("{field}: ")).unwrap_or(&text);
    match words_of(&field) {
        words if words.is_empty() => told(message),
        words => format!("{words}: {}", told(message)),
    }
}

/// What a field of the API is to whoever types commands: `members.0.siteRoles` → `site roles`.
fn words_of(field: &str) -> String {
    let last = field.split('.').rfind(|part| part.bytes().any(|letter| !letter.is_ascii_digit()));
    let last = last.unwrap_or_default();
    let last = last.strip_suffix("Ids").or_else(|| last.strip_suffix("Id")).unwrap_or(last);
    if last == "avatarUrl" {
        return "icon".to_owned();
    }
    let mut words = String::with_capacity(last.len() + 2);
    for letter in last.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use guildhall_client::GraphQlError;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("UNAUTHENTICATED", Exit::NotSignedIn)]
    #[case("FORBIDDEN", Exit::Forbidden)]
    #[case("NOT_FOUND", Exit::NotFound)]
    #[case("CONFLICT", Exit::Refused)]
    #[case("INTERNAL_SERVER_ERROR", Exit::Failure)]
    #[case("A_CODE_OF_TOMORROW", Exit::Failure)]
    fn codes_of_the_api_decide_the_exit(#[case] code: &str, #[case] exit: Exit) {
        let failure = Failure::from(ClientError::GraphQl(vec![GraphQlError {
            code: code.to_owned(),
            message: "no".to_owned(),
            path: None,
            requires: None,
            document: None,
            request_id: None,
        }]));
        assert_eq!((failure.exit, failure.code.as_str()), (exit, code));
    }

    #[rstest]
    #[case("siteRoles", "site roles")]
    #[case("organizationId", "organization")]
    #[case("members.0.userId", "user")]
    #[case("permissions.3", "permissions")]
    #[case("avatarUrl", "icon")]
    #[case("name", "name")]
    fn fields_have_the_words_of_the_command_line(#[case] field: &str, #[case] words: &str) {
        assert_eq!(words_of(field), words);
    }

    #[test]
    fn a_missing_thing_names_the_command_that_lists_its_kind() {
        let failure = Failure::from(ClientError::NotFound { kind: "template", name: "dev".to_owned() });
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(failure.message.contains("template `dev`"), "{}", failure.message);
        assert!(failure.hint.is_some_and(|hint| hint.contains("guildhall templates list")));
    }

    #[test]
    fn a_reader_that_has_gone_is_no_reason_to_complain() {
        assert!(Failure::output(&std::io::ErrorKind::BrokenPipe.into()).silent);
        assert!(!Failure::output(&std::io::ErrorKind::StorageFull.into()).silent);
    }

    #[test]
    fn every_exit_is_documented() {
        for exit in [
            Exit::Failure,
            Exit::Usage,
            Exit::NotSignedIn,
            Exit::NotFound,
            Exit::Forbidden,
            Exit::Refused,
            Exit::Unreachable,
            Exit::JobFailed,
            Exit::Interrupted,
        ] {
            assert!(EXIT_CODES.contains(&format!("\n  {}  ", exit as u8)), "{exit:?}");
        }
    }
}
