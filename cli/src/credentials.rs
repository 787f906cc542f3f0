//! The sign-ins of this user: one token for each server, one server that is current.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::failure::{Exit, Failure};

/// The content of `credentials.toml`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// URL of the server that is meant when none is named.
    pub(crate) current: Option<String>,
    #[serde(default)]
    servers: BTreeMap<String, SignIn>,
}

/// A sign-in to one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) username: String,
    #[serde(serialize_with = "expose")]
    pub(crate) token: SecretString,
}

/// Only the file, which nobody else can read, ever gets it.
fn expose<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose_secret())
}

impl Credentials {
    /// The file in `folder`, or in the user's configuration folder.
    pub(crate) fn path(folder: Option<&Path>) -> Result<PathBuf, Failure> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => etcetera::base_strategy::Xdg::new()
                .map_err(|error| {
                    Failure::local("find your home folder", error).hint("name one with --config-dir")
                })?
                .config_dir()
                .join("guildhall"),
        };
        Ok(folder.join("credentials.toml"))
    }

    /// Reads the file; a missing one holds nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::local(format!("read {}", path.display()), error)),
        };
        // The parser's own message would quote the line, and the line may hold a token.
        toml::from_str(&text).map_err(|_| {
            Failure::local(format!("read {}", path.display()), "it is damaged")
                .hint("remove the file, then sign in again with `guildhall login`")
        })
    }

    /// Replaces the file as a whole, so that no reader and no crash ever meets half of it. Mode 0600.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::local(format!("write {}", path.display()), error);
        let text = toml::to_string_pretty(self).map_err(|error| failed(&error))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        // A named temporary file is made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
        file.persist(path).map_err(|error| failed(&error))?;
        Ok(())
    }

    /// The sign-in to the server at `url`.
    pub(crate) fn of(&self, url: &str) -> Option<&SignIn> {
        self.servers.get(url)
    }

    /// What is said where there is no sign-in to the server at `url`: how to get one, and which there are.
    pub(crate) fn none_for(&self, url: &str) -> Failure {
        let login = format!("sign in with `guildhall login {url}`");
        let others = self.servers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        Failure::new(Exit::NotSignedIn, format!("you are not signed in to {url}")).hint(
            match others.as_str() {
                "" => login,
                others => format!("{login}, or choose with --url: you are signed in to {others}"),
            },
        )
    }

    /// Keeps a sign-in and makes its server the current one.
    pub(crate) fn keep(&mut self, url: &str, sign_in: SignIn) {
        self.current = Some(url.to_owned());
        self.servers.insert(url.to_owned(), sign_in);
    }

    /// Forgets a sign-in; another server becomes current only by signing in there. Answers whether there was one.
    pub(crate) fn forget(&mut self, url: &str) -> bool {
        if self.current.as_deref() == Some(url) {
            self.current = None;
        }
        self.servers.remove(url).is_some()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn sign_in(token: &str) -> SignIn {
        SignIn { username: "ana".to_owned(), token: token.into() }
    }

    #[test]
    fn several_servers_are_kept_and_the_last_is_current() {
        let folder = tempfile::tempdir().unwrap();
        let path = Credentials::path(Some(&folder.path().join("new"))).unwrap();
        let mut credentials = Credentials::read(&path).unwrap();
        credentials.keep("https://a.example/", sign_in("one"));
        credentials.keep("https://b.example/", sign_in("two"));
        credentials.write(&path).unwrap();

        let mut credentials = Credentials::read(&path).unwrap();
        assert_eq!(credentials.current.as_deref(), Some("https://b.example/"));
        assert_eq!(credentials.of("https://a.example/").unwrap().token.expose_secret(), "one");

        assert!(credentials.forget("https://b.example/"));
        assert!(!credentials.forget("https://b.example/"));
        assert_eq!(credentials.current, None);
        credentials.write(&path).unwrap();
        let credentials = Credentials::read(&path).unwrap();
        assert!(credentials.of("https://b.example/").is_none());
        assert!(credentials.of("https://a.example/").is_some());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_file_even_if_they_could_before() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut credentials = Credentials::default();
        credentials.keep("https://a.example/", sign_in("one"));
        credentials.write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_damaged_file_is_named_but_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        std::fs::write(&path, "[servers.x]\ntoken = \"secret\" oops").unwrap();
        let failure = Credentials::read(&path).unwrap_err();
        assert!(failure.message.contains("credentials.toml"), "{}", failure.message);
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }
}
