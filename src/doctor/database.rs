//! The database: whether it answers, is new enough and was migrated, and whether its clock and ours agree.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::Finding;
use super::folder::writes;
use crate::db::Settings;
use crate::db::inspect::{self, Inspection};

/// How far two clocks may be apart before anybody could notice.
const APART: TimeDelta = TimeDelta::seconds(5);
/// And before leases, sessions and offline daemons are judged wrongly.
const FAR_APART: TimeDelta = TimeDelta::seconds(60);
const CHECK: &str = "database";

/// What the database tells of itself, if it tells anything, and what is to be said of that.
pub(super) async fn database(settings: &Settings, data_dir: &Path) -> (Option<Inspection>, Vec<Finding>) {
    let inspection = match inspect::inspect(settings).await {
        Ok(Some(inspection)) => inspection,
        Ok(None) => {
            let Settings::Sqlite { path, .. } = settings else { return (None, Vec::new()) };
            return (None, vec![to_be_made(path, data_dir)]);
        }
        Err(error) => return (None, vec![unreachable(settings, &error)]),
    };
    let reached = match settings {
        Settings::Sqlite { path, .. } => format!("{}, {}", inspection.version, path.display()),
        Settings::Postgres { .. } => format!("{} answers", inspection.version),
    };
    let reached = if inspection.supported {
        Finding::ok(CHECK, reached)
    } else {
        Finding::fail(CHECK, "DATABASE_TOO_OLD", reached).next("use PostgreSQL 15 or later")
    };
    let mut found = vec![reached, migrations(&inspection)];
    found.extend(searches(&inspection));
    (Some(inspection), found)
}

/// A SQLite database that is not there: a start makes it, where the folder of a file is there or is the data folder.
fn to_be_made(path: &Path, data_dir: &Path) -> Finding {
    let place = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder == data_dir || writes(folder).is_ok() {
        return Finding::ok(CHECK, format!("SQLite, {place} is made at the first start"));
    }
    Finding::fail(CHECK, "DATABASE_UNUSABLE", format!("{place} can't be made")).next(format!(
        "make the folder {} for the user of the server, or name another database",
        folder.display()
    ))
}

fn unreachable(settings: &Settings, error: &sqlx::Error) -> Finding {
    match settings {
        Settings::Sqlite { path, .. } => {
            let message = format!("{} can't be used: {error}", path.display());
            Finding::fail(CHECK, "DATABASE_UNUSABLE", message)
                .next("name a SQLite database, or put it back from the backup")
        }
        Settings::Postgres { .. } => {
            let message = format!("PostgreSQL does not answer: {error}");
            Finding::fail(CHECK, "DATABASE_UNREACHABLE", message)
                .next("check that it runs, and host, name, user and password of the database URL")
        }
    }
}

fn migrations(inspection: &Inspection) -> Finding {
    const CHECK: &str = "migrations";
    let (pending, unknown) = (inspection.pending(), inspection.unknown());
    if !unknown.is_empty() {
        let message = format!("a newer version of this program made {}", unknown.join(", "));
        return Finding::fail(CHECK, "DATABASE_NEWER", message)
            .next("use that version, or put back a backup from before it");
    }
    if pending.is_empty() {
        return Finding::ok(CHECK, format!("all {} are there", inspection.applied.len()));
    }
    if !inspection.writable {
        let message = format!("{} are to be made, but this user may make no tables", pending.len());
        return Finding::fail(CHECK, "DATABASE_NOT_OWNED", message)
            .next("let the user of the database URL own the database");
    }
    if inspection.applied.is_empty() {
        return Finding::ok(CHECK, "the database is empty: the first start fills it");
    }
    Finding::warn(CHECK, "MIGRATIONS_PENDING", format!("{} are to be made", pending.len()))
        .next("back up; then `guildhall migrate`, or the next start, makes them")
}

/// What is to be said of how texts are searched for, once all is there but for what migrations may go without.
fn searches(inspection: &Inspection) -> Option<Finding> {
    if inspection.texts_indexed || !inspection.pending().is_empty() {
        return None;
    }
    let message = "names are looked through one by one: the database has no extension pg_trgm";
    let next = "install PostgreSQL's contrib package, if it is not there; let a superuser `create extension pg_trgm` in the \
        database, or give the user of the database URL the right to create in it; then `guildhall migrate`";
    Some(Finding::warn("searches", "SEARCHES_SLOW", message).next(next))
}

/// Whether our time can be right.
pub(super) fn clock(inspection: Option<&Inspection>, now: DateTime<Utc>) -> Finding {
    const CHECK: &str = "clock";
    const NEXT: &str = "let both machines set their clocks by NTP";
    let migrated_at = inspection.and_then(|inspection| inspection.migrated_at);
    if let Some(then) = migrated_at.filter(|then| *then > now + APART) {
        let message = format!("it is before {}, when the database was migrated", then.format("%F %T UTC"));
        return Finding::fail(CHECK, "CLOCK_BEHIND", message).next("let the machine set its clock by NTP");
    }
    let Some(theirs) = inspection.and_then(|inspection| inspection.now) else {
        return Finding::ok(CHECK, now.format("%F %T UTC").to_string());
    };
    let apart = (theirs - now).abs();
    let message = format!("{} s from that of the database", apart.num_seconds());
    if apart > FAR_APART {
        Finding::fail(CHECK, "CLOCK_WRONG", message).next(NEXT)
    } else if apart > APART {
        Finding::warn(CHECK, "CLOCK_APART", message).next(NEXT)
    } else {
        Finding::ok(CHECK, message)
    }
}

/// Whether the database answers past its pooler, where servers listen for each other.
pub(super) async fn listening(url: &SecretString) -> Finding {
    const CHECK: &str = "listening";
    match inspect::answers(url).await {
        Ok(()) => Finding::ok(CHECK, "the database itself answers"),
        Err(error) => {
            let message = format!("the database itself does not answer: {error}");
            Finding::warn(CHECK, "LISTEN_UNREACHABLE", message)
                .next("check --database-listen-url; without it servers look every two seconds")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    fn inspection() -> Inspection {
        Inspection {
            version: "PostgreSQL 17".into(),
            supported: true,
            now: Some(now()),
            writable: true,
            texts_indexed: true,
            applied: std::collections::BTreeSet::new(),
            migrated_at: None,
        }
    }

    #[test]
    fn a_file_is_made_where_there_is_a_folder_for_it() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let judged = |path: &str, data_dir: &str| {
            let found = to_be_made(&home.path().join(path), &home.path().join(data_dir));
            (found.status, found.code)
        };
        assert_eq!(judged("data/guildhall.db", "data"), (Status::Ok, "OK"), "with the data folder");
        assert_eq!(judged("other.db", "data"), (Status::Ok, "OK"));
        assert_eq!(judged("nowhere/other.db", "data"), (Status::Fail, "DATABASE_UNUSABLE"));
    }

    #[test]
    fn migrations_are_all_there_or_a_reason_to_act() {
        let mut database = inspection();
        let judged = |database: &Inspection| {
            let found = migrations(database);
            (found.status, found.code)
        };
        assert_eq!(judged(&database), (Status::Ok, "OK"), "an empty one is filled");
        let all = database.pending();
        database.applied = all.iter().cloned().collect();
        assert_eq!(judged(&database), (Status::Ok, "OK"));
        database.applied = all.iter().skip(1).cloned().collect();
        assert_eq!(judged(&database), (Status::Warn, "MIGRATIONS_PENDING"));
        database.writable = false;
        assert_eq!(judged(&database), (Status::Fail, "DATABASE_NOT_OWNED"));
        database.applied.insert("m9999_tomorrow".into());
        assert_eq!(judged(&database), (Status::Fail, "DATABASE_NEWER"));
    }

    #[test]
    fn searches_without_an_index_are_told_of_once_it_is_their_turn() {
        let mut database = inspection();
        database.texts_indexed = false;
        assert_eq!(searches(&database), None, "the migrations come first");
        database.applied = database.pending().into_iter().collect();
        let found = searches(&database).expect("something to say");
        assert_eq!((found.status, found.code), (Status::Warn, "SEARCHES_SLOW"));
        database.texts_indexed = true;
        assert_eq!(searches(&database), None);
    }

    #[test]
    fn a_clock_is_held_against_the_database() {
        let mut database = inspection();
        let judged = |database: &Inspection, seconds: i64| {
            let found = clock(Some(database), now() + TimeDelta::seconds(seconds));
            (found.status, found.code)
        };
        assert_eq!(judged(&database, 3), (Status::Ok, "OK"));
        assert_eq!(judged(&database, -30), (Status::Warn, "CLOCK_APART"));
        assert_eq!(judged(&database, 300), (Status::Fail, "CLOCK_WRONG"));
        database.migrated_at = Some(now() + TimeDelta::days(1));
        assert_eq!(judged(&database, 0), (Status::Fail, "CLOCK_BEHIND"));
        assert_eq!(clock(None, now()).status, Status::Ok);
    }
}
