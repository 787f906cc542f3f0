//! The tables of a test's database, past the server: what is really kept.

use std::collections::{BTreeMap, BTreeSet};

use guildhall::db::Settings;
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use super::TestApp;

/// What is kept with workspaces, where it is not as their newest builds, the jobs of those and templates say.
const FALSE_STANDINGS: &str = "select w.name || ' is kept as ' || w.status || case when w.outdated then ', outdated' else '' end
        || '; its build ' || cast(b.number as text) || ' is ' || b.transition || ' ' || j.state
    from workspace w join template t on t.id = w.template_id
    left join workspace_build b on b.workspace_id = w.id
        and b.number = (select max(newest.number) from workspace_build newest where newest.workspace_id = w.id)
    left join provisioner_job j on j.id = b.provisioner_job_id
    where b.id is null or w.latest_build_id is null or w.latest_build_id <> b.id
        or case when j.state in ('RUNNING', 'SUCCEEDED') then j.state || ' ' || b.transition || ' ' || w.status not in
            ('RUNNING START STARTING', 'RUNNING STOP STOPPING', 'RUNNING DELETE DELETING', 'SUCCEEDED START RUNNING',
             'SUCCEEDED STOP STOPPED', 'SUCCEEDED DELETE DELETED') else w.status <> j.state end
        or (w.deleted_at is null
            and w.outdated <> coalesce(t.active_version_id <> b.template_version_id, false))";

/// Everything in a database, as text.
pub(crate) struct Tables {
    settings: Settings,
}

impl TestApp {
    /// The tables of its database.
    pub(crate) fn tables(&self) -> Tables {
        Tables::of(&self.settings)
    }
}

impl Tables {
    /// The tables of a database.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { settings: settings.clone() }
    }

    /// Runs a query of one column of text; `sqlite` and `postgres` may differ.
    pub(crate) async fn texts_of(&self, sqlite: &str, postgres: &str) -> Vec<String> {
        match &self.settings {
            Settings::Sqlite { path, .. } => {
                let url = format!("sqlite:{}", path.display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                let query = sqlx::query_scalar(AssertSqlSafe(sqlite.to_owned()));
                query.fetch_all(&mut connection).await.unwrap()
            }
            Settings::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                let query = sqlx::query_scalar(AssertSqlSafe(postgres.to_owned()));
                query.fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Runs a query of one column of text that both databases understand.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        self.texts_of(query, query).await
    }

    /// Workspaces that are not kept as they stand: at no time are there any.
    pub(crate) async fn false_standings(&self) -> Vec<String> {
        self.texts(FALSE_STANDINGS).await
    }

    async fn attempt(&self, statement: &str) -> Result<(), sqlx::Error> {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.settings {
            Settings::Sqlite { path, .. } => {
                let url = format!("sqlite:{}", path.display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.map(drop)
            }
            Settings::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.map(drop)
            }
        }
    }

    /// Runs a statement that both databases understand.
    pub(crate) async fn execute(&self, statement: &str) {
        self.attempt(statement).await.unwrap();
    }

    /// Runs a statement that both databases understand and refuse; answers why.
    pub(crate) async fn refusal(&self, statement: &str) -> String {
        self.attempt(statement).await.unwrap_err().to_string()
    }

    /// Runs a statement; `sqlite` and `postgres` may differ.
    pub(crate) async fn execute_on(&self, sqlite: &str, postgres: &str) {
        let statement = if matches!(self.settings, Settings::Sqlite { .. }) { sqlite } else { postgres };
        self.execute(statement).await;
    }

    /// Does something while a transaction of somebody else's has done this and does not end yet; it ends a little later.
    pub(crate) async fn during<T>(&self, sqlite: &str, postgres: &str, work: impl Future<Output = T>) -> T {
        let later = async || tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let run = |statement: &str| sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match &self.settings {
            Settings::Sqlite { path, .. } => {
                let url = format!("sqlite:{}", path.display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                run(&format!("begin immediate; {sqlite}")).execute(&mut connection).await.unwrap();
                let end = async {
                    later().await;
                    run("commit").execute(&mut connection).await.unwrap();
                };
                tokio::join!(work, end).0
            }
            Settings::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                run(&format!("begin; {postgres}")).execute(&mut connection).await.unwrap();
                let end = async {
                    later().await;
                    run("commit").execute(&mut connection).await.unwrap();
                };
                tokio::join!(work, end).0
            }
        }
    }

    /// Waits until the outbox has come to rest, which it does by itself.
    async fn rest(&self) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.count("event_pending").await > 0 {
            assert!(tokio::time::Instant::now() < deadline, "the outbox does not come to rest");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Every row of every table, as text, but for those of tests' own tables; once the outbox has come to rest, which it does
    /// by itself.
    pub(crate) async fn dump(&self) -> BTreeSet<String> {
        self.rest().await;
        // All in one statement: tests look often.
        let names = self.names().await;
        let names = names.iter().filter(|name| !name.starts_with("fault"));
        let columns = self
            .texts_of(
                "select t.name || ' quote(\"' || c.name || '\")' from sqlite_master t, pragma_table_info(t.name) c
                 where t.type = 'table' order by t.name, c.cid",
                "select 'all'",
            )
            .await;
        let (mut sqlite, mut postgres) = (Vec::new(), Vec::new());
        for table in names {
            let of_table = |column: &String| Some(column.strip_prefix(table)?.strip_prefix(' ')?.to_owned());
            let row = columns.iter().filter_map(of_table).collect::<Vec<_>>().join(" || ' ' || ");
            sqlite.push(format!("select '{table} ' || {row} from \"{table}\""));
            postgres.push(format!("select '{table} ' || t::text from \"{table}\" t"));
        }
        let rows = self.texts_of(&sqlite.join(" union all "), &postgres.join(" union all ")).await;
        rows.into_iter().collect()
    }

    /// The names of all tables, but for what SQLite keeps of texts by itself.
    pub(crate) async fn names(&self) -> Vec<String> {
        self.texts_of(
            "select name from pragma_table_list where schema = 'main' and type = 'table'
                and name not like 'sqlite_%' order by name",
            "select table_name::text from information_schema.tables where table_schema = 'public' order by 1",
        )
        .await
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> usize {
        self.texts(&format!("select cast(count(*) as text) from \"{table}\"")).await[0].parse().unwrap()
    }

    /// How many rows each table has, without those in which nothing is changed: signs of life.
    pub(crate) async fn counts(&self) -> BTreeMap<String, usize> {
        self.rest().await;
        let mut counts = BTreeMap::new();
        for table in self.names().await {
            let rows = self.count(&table).await;
            counts.insert(table, rows);
        }
        counts
    }

    /// Where in the database this text stands, in the clear or as bytes: the names of tables or files.
    pub(crate) async fn holding(&self, text: &str) -> Vec<String> {
        let mut places = Vec::new();
        match &self.settings {
            Settings::Sqlite { path, .. } => {
                // The database and its journals, whatever table or freed page it may be in.
                for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
                    let file = file.unwrap();
                    let name = file.file_name().into_string().unwrap();
                    let bytes = std::fs::read(file.path()).unwrap_or_default();
                    let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                    if found && name.starts_with("guildhall.db") {
                        places.push(name);
                    }
                }
            }
            Settings::Postgres { .. } => {
                // Bytes are printed in hexadecimal.
                let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                for table in self.names().await {
                    let row = format!(
                        "select '{table}'::text from \"{table}\" t where position('{text}' in t::text) > 0"
                    );
                    places.extend(self.texts(&format!("{row} or position('{hex}' in t::text) > 0")).await);
                }
            }
        }
        places
    }
}
