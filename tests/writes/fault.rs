//! Where a transaction is made to fail.

use crate::support::TestApp;

/// Where a transaction is made to fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// At one of its writes, counted from 1: of rows on SQLite, of statements on PostgreSQL.
    Write(usize),
    /// As the entry of the audit log is written.
    Entry,
    /// As the transaction commits, with everything written.
    Commit,
}

/// What the pump of events moves on by itself, at any time.
const MOVED: &[&str] = &["event", "outbox", "lease"];
/// What it takes away, when somebody else has put it there.
const TAKEN: &str = "event_pending";

impl Fault {
    pub(super) async fn arm(self, app: &TestApp) {
        match self {
            Self::Write(at) => {
                let sqlite = format!("update fault_write set remaining = {at}");
                let postgres =
                    format!("alter sequence fault_writes restart; update fault_write set remaining = {at}");
                app.tables().execute_on(&sqlite, &postgres).await;
            }
            Self::Entry => {
                let sqlite =
                    "create trigger fault before insert on audit_log begin select raise(abort, 'fault'); end";
                let postgres =
                    "create trigger fault before insert on audit_log for each row execute function fault()";
                app.tables().execute_on(sqlite, postgres).await;
            }
            Self::Commit => {
                let sqlite =
                    "create trigger fault after insert on audit_log begin insert into fault values (1); end";
                let postgres = "create constraint trigger fault after insert on audit_log
                    deferrable initially deferred for each row execute function fault()";
                app.tables().execute_on(sqlite, postgres).await;
            }
        }
    }

    pub(super) async fn disarm(self, app: &TestApp) {
        match self {
            Self::Write(_) => app.tables().execute("update fault_write set remaining = null").await,
            Self::Entry | Self::Commit => {
                app.tables().execute_on("drop trigger fault", "drop trigger fault on audit_log").await;
            }
        }
    }

    /// What the triggers need, and those that count writes.
    pub(super) async fn prepare(app: &TestApp) {
        let sqlite = "create table fault_parent (id integer primary key);
            create table fault (parent integer references fault_parent (id) deferrable initially deferred);
            create table fault_write (remaining integer);
            insert into fault_write values (null)";
        let postgres = "create function fault() returns trigger language plpgsql as
            $$ begin raise exception 'fault'; end $$;
            create table fault_write (remaining bigint);
            insert into fault_write values (null);
            create sequence fault_writes;
            create function fault_write() returns trigger language plpgsql as $$ begin
                if nextval('fault_writes') = (select remaining from fault_write) then raise exception 'fault'; end if;
                return null;
            end $$";
        app.tables().execute_on(sqlite, postgres).await;
        for table in app.tables().names().await {
            if table.starts_with("fault") || MOVED.contains(&table.as_str()) {
                continue;
            }
            let writes: &[&str] = if table == TAKEN { &["insert"] } else { &["insert", "update", "delete"] };
            let trigger = |write: &&str| {
                format!(
                    "create trigger fault_{write}_{table} before {write} on \"{table}\"
                     when (select remaining from fault_write) is not null begin
                       update fault_write set remaining = remaining - 1;
                       select raise(abort, 'fault') from fault_write where remaining = 0;
                     end"
                )
            };
            let sqlite: Vec<String> = writes.iter().map(trigger).collect();
            let postgres = format!(
                "create trigger fault_write before {} on \"{table}\" for each statement execute function fault_write()",
                writes.join(" or ")
            );
            app.tables().execute_on(&sqlite.join("; "), &postgres).await;
        }
    }
}
