//! `login`, `logout`, `whoami`.

use std::path::{Path, PathBuf};

use clap::Args;
use etcetera::BaseStrategy;
use guildhall_client::session::{FirstUser, Session};
use guildhall_client::{Client, ClientError};
use secrecy::SecretString;
use serde_json::json;

use crate::context::Context;
use crate::credentials::{Credentials, SignIn};
use crate::failure::{Exit, Failure};
use crate::globals::{secret, secret_or_file};
use crate::members::listed;
use crate::prompt::{self, Person};

/// The arguments of `guildhall login`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall login https://guildhall.example.com
  guildhall login --first-user                     # once, on the machine of a new server
  guildhall login --username ana --password-stdin < password.txt

The token is kept in $XDG_CONFIG_HOME/guildhall/credentials.toml, which only you can read.")]
pub struct Login {
    /// The server; default: --url, else the one signed in to last, else http://127.0.0.1:8080
    #[arg(value_name = "URL")]
    server: Option<String>,

    /// Username or email address; asked for when absent
    #[arg(long, env = "GUILDHALL_USERNAME", value_name = "NAME")]
    username: Option<String>,

    #[command(flatten)]
    password: Password,

    /// Create the first user of a new server, who becomes its owner
    #[arg(long)]
    first_user: bool,

    /// Email address of the first user; asked for when absent
    #[arg(long, value_name = "EMAIL", requires = "first_user")]
    email: Option<String>,

    /// Full name of the first user
    #[arg(long, value_name = "NAME", requires = "first_user")]
    name: Option<String>,

    /// Proof of access to a new server; default: read from its data folder
    #[arg(long, env = "GUILDHALL_SETUP_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = secret)]
    setup_token: Option<SecretString>,

    /// The new server's data folder, on the same machine; default: $XDG_DATA_HOME/guildhall
    #[arg(long, env = "GUILDHALL_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Where a password comes from when it is not asked for.
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// Read the password from the standard input
    #[arg(long)]
    password_stdin: bool,

    /// A file that holds the password; GUILDHALL_PASSWORD_FILE may name it as well
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,

    /// The same from the environment, which what is typed wins over instead of being refused beside it
    #[arg(
        long = "password-file-of-environment",
        env = "GUILDHALL_PASSWORD_FILE",
        value_name = "FILE",
        hide = true
    )]
    environment_file: Option<PathBuf>,

    /// From the environment alone: an option would show it to everybody on the machine
    #[arg(long, env = "GUILDHALL_PASSWORD", hide = true, hide_env_values = true, value_parser = secret)]
    password: Option<SecretString>,
}

const PASSWORD_INSTEAD: &str = "pass --password-stdin, or set GUILDHALL_PASSWORD or GUILDHALL_PASSWORD_FILE";

impl Password {
    /// The password, unless a person must be asked.
    pub(crate) fn given(&self) -> Result<Option<SecretString>, Failure> {
        if self.password_stdin {
            return prompt::secret_from_stdin().map(Some);
        }
        if let Some(file) = &self.password_file {
            return secret_or_file(None, Some(file));
        }
        secret_or_file(self.password.as_ref(), self.environment_file.as_deref())
    }

    /// The password of a new user: given, or asked for twice.
    pub(crate) fn new_one(&self, person: Person) -> Result<SecretString, Failure> {
        match self.given()? {
            Some(password) => Ok(password),
            None => person.new_secret("Password", PASSWORD_INSTEAD),
        }
    }
}

impl Login {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = match &self.server {
            Some(url) => Client::new(url)?,
            None => context.anonymous()?,
        };
        let setup_required = client.deployment().await?.setup_required;
        let session = match (self.first_user, setup_required) {
            (true, true) => self.create_first_user(&client, context.person).await?,
            (false, false) => self.sign_in(&client, context.person).await?,
            (true, false) => {
                return Err(Failure::new(
                    Exit::Refused,
                    format!("{} has its first user already", client.base_url()),
                )
                .hint(format!("sign in with `guildhall login {}`", client.base_url())));
            }
            (false, true) => {
                return Err(Failure::new(
                    Exit::NotSignedIn,
                    format!("{} has no users yet", client.base_url()),
                )
                .hint(format!(
                    "create the owner with `guildhall login {} --first-user` on the machine of the server",
                    client.base_url()
                )));
            }
        };
        keep(context, client.base_url().as_str(), session)
    }

    async fn sign_in(&self, client: &Client, person: Person) -> Result<Session, Failure> {
        let username = match &self.username {
            Some(username) => username.clone(),
            None => person.text("Username or email", "pass --username")?,
        };
        let password = match self.password.given()? {
            Some(password) => password,
            None => person.secret("Password", PASSWORD_INSTEAD)?,
        };
        Ok(client.sign_in(&username, &password).await?)
    }

    async fn create_first_user(&self, client: &Client, person: Person) -> Result<Session, Failure> {
        let setup_token = match &self.setup_token {
            Some(token) => token.clone(),
            None => setup_token(self.data_dir.as_deref())?,
        };
        let ask = |given: &Option<String>, question: &str, instead: &str| match given {
            Some(given) => Ok(given.clone()),
            None => person.text(question, instead),
        };
        let username = ask(&self.username, "Username", "pass --username")?;
        let email = ask(&self.email, "Email", "pass --email")?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None if person.is_there() => person.optional_text("Full name (optional)", "pass --name")?,
            None => String::new(),
        };
        let password = self.password.new_one(person)?;
        let user = FirstUser {
            setup_token: &setup_token,
            username: &username,
            email: &email,
            name: Some(name.as_str()).filter(|name| !name.is_empty()),
            password: &password,
        };
        Ok(client.create_first_user(&user).await?)
    }
}

fn setup_token(data_dir: Option<&Path>) -> Result<SecretString, Failure> {
    let folder = match data_dir {
        Some(folder) => folder.to_owned(),
        None => etcetera::base_strategy::Xdg::new()
            .map_err(|error| Failure::local("find your home folder", error).hint("name one with --data-dir"))?
            .data_dir()
            .join("guildhall"),
    };
    let path = folder.join("setup-token");
    let token = secret_or_file(None, Some(&path)).map_err(|failure| {
        failure.hint(
            "run this on the machine of the server, with its --data-dir if it has one, \
             or pass the token that the server printed with --setup-token",
        )
    })?;
    token.ok_or_else(|| Failure::usage("no setup token").hint("pass --setup-token"))
}

fn keep(context: &Context, url: &str, session: Session) -> Result<(), Failure> {
    let path = context.credentials_path()?;
    let mut credentials = Credentials::read(&path)?;
    let username = session.user.username.clone();
    credentials.keep(url, SignIn { username: username.clone(), token: session.token });
    credentials.write(&path)?;
    let kept = json!({ "url": url, "user": session.user, "expiresAt": session.expires_at });
    context.output.done(&kept, &format!("Signed in to {url} as {username}."))
}

/// The arguments of `guildhall logout`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall logout
  guildhall logout https://guildhall.example.com --everywhere")]
pub struct Logout {
    /// The server; default: --url, else the one signed in to last
    #[arg(value_name = "URL")]
    server: Option<String>,
    /// End all your sessions with the server, on every machine; API tokens stay
    #[arg(long)]
    everywhere: bool,
}

impl Logout {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        // It may be anybody's, and ending another session in its place would surprise two people.
        if context.given_token()?.is_some() {
            let message =
                "a token was given, and `logout` ends only the session that `guildhall login` stored";
            return Err(Failure::usage(message).hint(
                "unset GUILDHALL_TOKEN and GUILDHALL_TOKEN_FILE and leave out --token and --token-file; \
                 `guildhall tokens revoke NAME` ends an API token",
            ));
        }
        let client = match &self.server {
            Some(url) => Client::new(url)?,
            None => context.anonymous()?,
        };
        let url = client.base_url().to_string();
        let path = context.credentials_path()?;
        let mut credentials = Credentials::read(&path)?;
        let Some(sign_in) = credentials.of(&url).cloned() else {
            return Err(credentials.none_for(&url));
        };
        let client = client.with_token(sign_in.token);
        let ended = match self.everywhere {
            true => client.revoke_all_sessions(None, false).await.map(|_| ()),
            false => client.sign_out().await,
        };
        // Forgotten whatever the server says: a token that can't be revoked now must not lie around for that.
        credentials.forget(&url);
        credentials.write(&path)?;
        match ended {
            Err(error) if error.code() != Some("UNAUTHENTICATED") => {
                let failure = Failure::from(error);
                let message =
                    format!("the sign-in is forgotten, but its session goes on: {}", failure.message);
                Err(Failure { message, ..failure })
            }
            Ok(()) | Err(ClientError::GraphQl(_)) => {
                let place = if self.everywhere { ", everywhere" } else { "" };
                context.output.done(&json!({ "url": url }), &format!("Signed out of {url}{place}."))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The arguments of `guildhall whoami`: none.
#[derive(Debug, Args)]
pub struct Whoami {}

impl Whoami {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let Some(viewer) = client.viewer().await? else {
            return Err(Failure::new(
                Exit::Failure,
                "the token is a provisioner key, which belongs to no user",
            ));
        };
        let organizations = viewer.organizations.nodes.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        let rows = vec![
            ("Server", client.base_url().to_string().into()),
            ("Username", viewer.username.clone().into()),
            ("Name", viewer.name.clone().into()),
            ("Email", viewer.email.clone().unwrap_or_default().into()),
            ("Roles", listed(viewer.site_roles.as_deref())),
            ("Organizations", organizations.into()),
        ];
        context.output.object(&viewer, rows)
    }
}
