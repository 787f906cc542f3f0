//! Configuration: flag over `GUILDHALL_*` environment over TOML file over default. The only reader of the environment.

mod check;
mod file;
mod limits;
mod observing;
mod origin;
mod settled;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::BoolishValueParser;
use guildhall_front::{Limits, ManifestError, PersistedDocuments, PersistedMode};
use secrecy::{ExposeSecret, SecretString};

use crate::db;
pub use check::check;
pub use file::{File, Problem};
pub use observing::{LogFormat, Observing};
pub use origin::{Origin, Shown, shown};
pub use settled::Settled;

/// The hidden option that the table of limits of the file becomes.
const LIMITS_OF_THE_FILE: &str = "limits-of-the-file";

/// Where the server keeps its data and which database it uses.
#[derive(Debug, Clone, Args)]
pub struct Storage {
    /// A TOML file with the options below, by their long names, e.g. `address = "0.0.0.0:8080"`
    #[arg(long, env = "GUILDHALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Folder for the database, keys and the provisioners' work; made when missing
    #[arg(long, env = "GUILDHALL_DATA_DIR", value_name = "DIR", default_value_os_t = default_data_dir())]
    pub data_dir: PathBuf,

    /// postgres://user:password@host/name, or sqlite:FILE [default: sqlite:guildhall.db in the data folder]
    #[arg(long, env = "GUILDHALL_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// A file that holds the database URL; not read where the URL is given
    #[arg(long, env = "GUILDHALL_DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,

    /// postgres://… of the database itself, where the database URL is a pooler's: servers hear of each other there
    #[arg(long, env = "GUILDHALL_DATABASE_LISTEN_URL", value_name = "URL", hide_env_values = true)]
    pub database_listen_url: Option<SecretString>,

    /// Connections for reading
    #[arg(long, env = "GUILDHALL_DATABASE_READERS", value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_readers: u32,

    /// Connections for writing, on PostgreSQL; SQLite has one
    #[arg(long, env = "GUILDHALL_DATABASE_WRITERS", value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_writers: u32,
}

/// What states and sensitive values are sealed with.
#[derive(Debug, Clone, Args)]
pub struct Sealing {
    /// A file with the keys that states and sensitive values are sealed with, newest first, 64 hexadecimal digits a line
    /// [default: sealing.key in the data folder, made when missing]
    #[arg(long, env = "GUILDHALL_SEALING_KEY_FILE", value_name = "FILE")]
    pub sealing_key_file: Option<PathBuf>,
}

/// How the server serves.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Where it keeps its data.
    #[command(flatten)]
    pub storage: Storage,

    /// What it seals with.
    #[command(flatten)]
    pub sealing: Sealing,

    /// Address and port to listen on
    #[arg(long, env = "GUILDHALL_ADDRESS", value_name = "IP:PORT", default_value = "127.0.0.1:8080",
          value_parser = address)]
    pub address: SocketAddr,

    /// The URL under which people reach it, e.g. `https://guildhall.example.com` [default: http:// and the address]
    #[arg(long, env = "GUILDHALL_ACCESS_URL", value_name = "URL", value_parser = site)]
    pub access_url: Option<String>,

    /// Provisioners inside the server, for the default organization alone
    #[arg(long, env = "GUILDHALL_BUILTIN_PROVISIONERS", value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u16).range(0..=64))]
    pub builtin_provisioners: u16,

    /// The terraform or tofu of the built-in provisioners; default: the first one on the PATH, echo where there is none
    #[arg(long, env = "GUILDHALL_TERRAFORM_PATH", value_name = "FILE")]
    pub terraform_path: Option<PathBuf>,

    /// Fill an empty database with something to look at, by default in a data folder of its own (guildhall-demo beside
    /// the usual one); on a loopback address only
    #[arg(long, env = "GUILDHALL_DEMO", value_parser = BoolishValueParser::new())]
    pub demo: bool,

    /// Cost points a minute that one user, or one address without a user, may spend; 0 for no limit
    #[arg(long, env = "GUILDHALL_RATE_POINTS", value_name = "N", default_value_t = 5000)]
    pub rate_points: u64,

    /// Days for which entries of the audit log are kept; 0 keeps them for ever
    #[arg(long, env = "GUILDHALL_AUDIT_RETENTION_DAYS", value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub audit_retention_days: u32,

    /// Days for which events are kept, so that a subscription can go on from its cursor; 0 keeps them for ever
    #[arg(long, env = "GUILDHALL_EVENT_RETENTION_DAYS", value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub event_retention_days: u32,

    /// Sign-ins a minute, for an account and for an address; 0 for no limit
    #[arg(long, env = "GUILDHALL_SIGN_INS_PER_MINUTE", value_name = "N", default_value_t = 10)]
    pub sign_ins_per_minute: u32,

    /// A limit of the API, e.g. `depth=12`; repeatable, and in the file the table `limits`. docs/OPERATIONS.md lists them
    #[arg(long = "limit", env = "GUILDHALL_LIMITS", value_name = "NAME=VALUE", value_delimiter = ',')]
    pub limits: Vec<String>,

    /// The table `limits` of the file
    #[arg(long = LIMITS_OF_THE_FILE, hide = true, value_delimiter = ',')]
    limits_of_the_file: Vec<String>,

    /// What the manifests of persisted documents are for: off, observe (log what they do not name) or enforce (refuse it);
    /// they need not name what Guildhall's own command line and provisioners of this version send
    #[arg(long, env = "GUILDHALL_PERSISTED_DOCUMENTS", value_name = "MODE", default_value = "off")]
    pub persisted_documents: Persisted,

    /// A manifest of persisted documents, as GraphQL Code Generator, Relay's compiler or Apollo write it; repeatable
    #[arg(long, env = "GUILDHALL_PERSISTED_MANIFEST", value_name = "FILE", value_delimiter = ',')]
    pub persisted_manifest: Vec<PathBuf>,

    /// What it tells of itself.
    #[command(flatten)]
    pub observing: Observing,
}

impl Serving {
    /// The data folder, from the root on: with `--demo` one of its own, unless one was named, so that trying it out stays
    /// apart from what one keeps.
    pub fn data_dir(&self) -> PathBuf {
        let folder = &self.storage.data_dir;
        let folder = if self.demo && *folder == default_data_dir() {
            folder.with_file_name("guildhall-demo")
        } else {
            folder.clone()
        };
        std::path::absolute(&folder).unwrap_or(folder)
    }

    /// The limits of the API.
    ///
    /// # Errors
    /// A sentence for people that names the setting.
    pub fn limits(&self) -> Result<Limits, String> {
        let limits = limits::limits(self.limits_of_the_file.iter().chain(&self.limits))?;
        Ok(Limits { rate_points_per_minute: self.rate_points, ..limits })
    }

    /// The persisted documents, read from their manifests, and those of Guildhall's own command line and provisioners.
    ///
    /// # Errors
    /// When a manifest can't be used; names the file.
    pub fn documents(&self, limits: &Limits) -> Result<PersistedDocuments, ManifestError> {
        let mode = match self.persisted_documents {
            Persisted::Off => PersistedMode::Off,
            Persisted::Observe => PersistedMode::Observe,
            Persisted::Enforce => PersistedMode::Enforce,
        };
        let mut documents = PersistedDocuments::new(mode, limits.cache_bytes / 4);
        if mode != PersistedMode::Off {
            guildhall_client::documents().into_iter().for_each(|text| documents.add(text));
        }
        if mode == PersistedMode::Enforce && self.persisted_manifest.is_empty() {
            tracing::warn!(
                "only Guildhall's own command line and provisioners can be served: --persisted-documents is `enforce`, and no \
                 --persisted-manifest names other documents"
            );
        }
        for manifest in &self.persisted_manifest {
            let count = documents.load(manifest)?;
            tracing::info!(count, manifest = %manifest.display(), "persisted documents");
        }
        Ok(documents)
    }
}

/// What persisted documents are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Persisted {
    /// Any document runs; those of the manifests may be named by id.
    Off,
    /// Any document runs; one that no manifest names is logged.
    Observe,
    /// Only documents of the manifests run.
    Enforce,
}

impl Storage {
    /// The database that the options name, by default a file in this data folder.
    ///
    /// # Errors
    /// A sentence for people when a file can't be read or the URL has another form.
    pub fn database(&self, data_dir: &Path) -> Result<db::Settings, String> {
        let url = match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(file)) => Some(SecretString::from(
                std::fs::read_to_string(file)
                    .map_err(|error| format!("can't read the database URL from {}: {error}", file.display()))?
                    .trim()
                    .to_owned(),
            )),
            (None, None) => None,
        };
        let readers = self.database_readers;
        let Some(url) = url else {
            return Ok(db::Settings::Sqlite { path: data_dir.join("guildhall.db"), readers });
        };
        let text = url.expose_secret();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let (writers, listen_url) = (self.database_writers, self.database_listen_url.clone());
            return Ok(db::Settings::Postgres { url, readers, writers, listen_url });
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.trim_start_matches('/').is_empty() => {
                let path = path.strip_prefix("//").unwrap_or(path);
                Ok(db::Settings::Sqlite { path: PathBuf::from(path), readers })
            }
            _ => Err("the database URL is postgres://user:password@host/name or sqlite:FILE".into()),
        }
    }
}

/// Where a server that listens at an address is found on its own machine.
pub fn local(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => return address,
    };
    SocketAddr::new(loopback, address.port())
}

/// An address to listen on.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|error| format!("{error}; it is an IP address and a port, e.g. 127.0.0.1:8080"))
}

/// The URL of a site, without a slash at its end.
fn site(text: &str) -> Result<String, String> {
    let form = "it is http:// or https:// and a host";
    let url = reqwest::Url::parse(text).map_err(|error| format!("{error}; {form}"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(form.to_owned())
    }
}

/// `$XDG_DATA_HOME/guildhall`, else `~/.local/share/guildhall`, else `./guildhall-data`.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn default_data_dir() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| PathBuf::from("guildhall-data"), |data| data.join("guildhall"))
}

/// The settings file that the arguments or the environment name, if any.
///
/// # Errors
/// A sentence for people when it can't be read or does not parse.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn named_file(arguments: &[std::ffi::OsString]) -> Result<Option<File>, String> {
    let path = named_in(arguments).or_else(|| std::env::var_os("GUILDHALL_CONFIG").map(PathBuf::from));
    path.map(|path| File::read_whole(&path)).transpose()
}

fn named_in(arguments: &[std::ffi::OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if text == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(PathBuf::from(path));
        }
    }
    None
}

#[cfg(test)]
mod tests;
