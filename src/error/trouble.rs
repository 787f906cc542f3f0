//! What it means when the database does not do what it was asked for.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// Whose trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The database gave a transaction up for another: a deadlock, or changes that can't both have come first. It is nobody's
    /// fault, and nothing of it was kept.
    Overtaken,
    /// It is away, on its way out, out of room, or too busy: the same may go well later.
    Away,
    /// What was asked for is wrong.
    Fault,
}

pub(super) fn of(error: &DbErr) -> Trouble {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error
    else {
        return Trouble::Fault;
    };
    let Some(refused) = source.as_database_error() else {
        return match **source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Trouble::Away,
            _ => Trouble::Fault,
        };
    };
    if let Some(postgres) = refused.try_downcast_ref::<PgDatabaseError>() {
        return of_postgres(postgres.code());
    }
    let sqlite = refused.try_downcast_ref::<SqliteError>().and_then(|_| refused.code());
    sqlite.and_then(|code| code.parse().ok()).map_or(Trouble::Fault, of_sqlite)
}

/// By SQLSTATE (PostgreSQL, appendix A).
fn of_postgres(code: &str) -> Trouble {
    match code {
        "40001" | "40P01" => Trouble::Overtaken,
        // A statement that took too long, or waited too long for a lock.
        "57014" | "55P03" => Trouble::Away,
        // Connection exceptions, want of resources (of disk, of memory, of connections), operator intervention.
        code if ["08", "53", "57P"].iter().any(|class| code.starts_with(class)) => Trouble::Away,
        // A standby, or a session that only reads: another server may be the primary in a moment.
        "25006" => Trouble::Away,
        _ => Trouble::Fault,
    }
}

/// By result code (SQLite, "Result and Error Codes"), whose last byte is the primary one.
fn of_sqlite(code: u32) -> Trouble {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const NOMEM: u32 = 7;
    const READONLY: u32 = 8;
    const IOERR: u32 = 10;
    const FULL: u32 = 13;
    const CANTOPEN: u32 = 14;
    match code & 0xff {
        BUSY | LOCKED | NOMEM | READONLY | IOERR | FULL | CANTOPEN => Trouble::Away,
        _ => Trouble::Fault,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::deadlock("40P01", Trouble::Overtaken)]
    #[case::statement_timeout("57014", Trouble::Away)]
    #[case::shutting_down("57P01", Trouble::Away)]
    #[case::full("53100", Trouble::Away)]
    #[case::unique("23505", Trouble::Fault)]
    #[case::syntax("42601", Trouble::Fault)]
    fn what_postgres_says(#[case] code: &str, #[case] trouble: Trouble) {
        assert_eq!(of_postgres(code), trouble);
    }

    #[rstest]
    #[case::full(13, Trouble::Away)]
    #[case::busy_snapshot(517, Trouble::Away)]
    #[case::read_only_moved(1032, Trouble::Away)]
    #[case::unique(2067, Trouble::Fault)]
    #[case::error(1, Trouble::Fault)]
    fn what_sqlite_says(#[case] code: u32, #[case] trouble: Trouble) {
        assert_eq!(of_sqlite(code), trouble);
    }
}
