//! What every command needs: the options of all commands, the streams, and the server.

use std::path::PathBuf;

use guildhall_client::Client;
use secrecy::SecretString;

use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::globals::{Globals, secret_or_file};
use crate::output::Output;
use crate::prompt::Person;

/// Where a server listens that was started without options.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) output: Output,
    pub(crate) person: Person,
}

impl Context {
    pub(crate) fn new(globals: Globals) -> Self {
        let output = Output::of_process(globals.output);
        Self { globals, output, person: Person::of_process() }
    }

    /// Where the sign-ins are kept.
    pub(crate) fn credentials_path(&self) -> Result<PathBuf, Failure> {
        Credentials::path(self.globals.config_dir.as_deref())
    }

    /// The server to talk to, without a token: the one named, else the current one, else one on this machine.
    pub(crate) fn anonymous(&self) -> Result<Client, Failure> {
        let url = match &self.globals.url {
            Some(url) => url.clone(),
            None => Credentials::read(&self.credentials_path()?)?.current.unwrap_or(DEFAULT_URL.to_owned()),
        };
        Ok(Client::new(&url)?)
    }

    /// The token that is to be used instead of a stored one.
    pub(crate) fn given_token(&self) -> Result<Option<SecretString>, Failure> {
        secret_or_file(self.globals.token.as_ref(), self.globals.token_file.as_deref())
    }

    /// The server to talk to, as the signed-in user.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client = self.anonymous()?;
        if let Some(token) = self.given_token()? {
            return Ok(client.with_token(token));
        }
        let credentials = Credentials::read(&self.credentials_path()?)?;
        match credentials.of(client.base_url().as_str()) {
            Some(sign_in) => Ok(client.with_token(sign_in.token.clone())),
            None => Err(credentials.none_for(client.base_url().as_str())),
        }
    }

    /// Lets a destructive command go on only with `--yes` or when the person types the name.
    pub(crate) fn confirm(&self, what: &str, name: &str) -> Result<(), Failure> {
        if self.globals.yes { Ok(()) } else { self.person.confirm(what, name) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;
    use crate::credentials::SignIn;
    use crate::failure::Exit;
    use crate::globals::Format;

    fn context(folder: &std::path::Path, url: Option<&str>, token: Option<&str>) -> Context {
        Context::new(Globals {
            url: url.map(Into::into),
            token: token.map(Into::into),
            token_file: None,
            output: Format::Table,
            yes: false,
            config_dir: Some(folder.to_owned()),
        })
    }

    #[test]
    fn the_current_server_is_meant_when_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let url = |url| context(folder.path(), url, None).anonymous().unwrap().base_url().to_string();
        assert_eq!(url(None), "http://127.0.0.1:8080/");

        let mut credentials = Credentials::default();
        credentials.keep("https://a.example/", SignIn { username: "ana".to_owned(), token: "t".into() });
        credentials.write(&Credentials::path(Some(folder.path())).unwrap()).unwrap();
        assert_eq!(url(None), "https://a.example/");
        assert_eq!(url(Some("b.example")), "https://b.example/");
    }

    #[test]
    fn a_token_is_sent_only_to_the_server_that_gave_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::default();
        credentials.keep("https://a.example/", SignIn { username: "ana".to_owned(), token: "t".into() });
        credentials.write(&Credentials::path(Some(folder.path())).unwrap()).unwrap();

        assert!(context(folder.path(), Some("https://a.example"), None).client().is_ok());
        let failure = context(folder.path(), Some("https://b.example"), None).client().unwrap_err();
        assert_eq!(failure.exit, Exit::NotSignedIn);
        let hint = failure.hint.unwrap();
        assert!(hint.contains("guildhall login https://b.example/"), "{hint}");
        assert!(hint.contains("signed in to https://a.example/"), "{hint}");
        assert!(context(folder.path(), Some("https://b.example"), Some("mine")).client().is_ok());
    }
}
