//! Why a database can't be used, in a sentence that says what to do.

use std::path::PathBuf;

use sea_orm::DbErr;

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is no URL of PostgreSQL's.
    #[error("the database URL does not parse; it is postgres://user:password@host/name")]
    Url,
    /// Nobody answers, or not to us.
    #[error(
        "PostgreSQL does not answer: {0}; check that it runs, and host, name, user and password of the database URL"
    )]
    Unreachable(sqlx::Error),
    /// The file is not there and can't be made, or is no database.
    #[error("the SQLite database {} can't be used: {reason}; name another, or put it back from the backup", path.display())]
    File {
        /// Where it is, or should be.
        path: PathBuf,
        /// What SQLite says.
        reason: sqlx::Error,
    },
    /// SQLite tells other processes nothing: what one server does, the clients of another would not hear of.
    #[error("another server uses {}: end that one, or give this one a data folder of its own with --data-dir", .0.display())]
    Served(PathBuf),
    /// The file that says that a server uses it can't be made.
    #[error("can't make {}: {reason}; make its folder for the user of the server, or name another database", path.display())]
    Lock {
        /// That file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Its tables are not those of this program.
    #[error(
        "a newer version of this program made {} in the database: use that version, or put back a backup from before it",
        .0.join(", ")
    )]
    Newer(Vec<String>),
    /// A statement of a migration failed.
    #[error("can't bring the database up to date: {0}")]
    Migration(DbErr),
}

impl From<DbErr> for Unusable {
    fn from(error: DbErr) -> Self {
        Self::Migration(error)
    }
}
