//! `guildhall doctor` and `guildhall config`, as somebody at the server's machine runs them.

use guildhall::db::Settings;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::process::{Server, Terminal};
use crate::support::{Backend, TestApp};

/// What was found, `status code` by what was looked at.
fn found(json: &str) -> Vec<String> {
    let findings: Vec<Value> = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let line = |finding: &Value| {
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        format!("{} {} {}", text("check"), text("status"), text("code"))
    };
    // What is installed, and how much room there is, is the machine's.
    let ours = findings
        .iter()
        .filter(|finding| !["terraform", "disk space"].contains(&finding["check"].as_str().unwrap()));
    ours.map(line).collect()
}

#[rstest]
#[tokio::test]
async fn a_server_is_looked_at_before_while_and_after_it_runs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut server) = Server::start(backend, 0).await else { return };
    let olga = server.terminal("olga");
    let address = server.url.trim_start_matches("http://").to_owned();
    let options = server.options();
    let look = async |more: &[&str]| {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let words = [
            &["doctor", "-o", "json", "--builtin-provisioners", "0", "--address", &address],
            &options[..],
            more,
        ];
        olga.run(&words.concat()).await
    };
    let healthy = [
        "configuration ok OK",
        "data folder ok OK",
        "database ok OK",
        "migrations ok OK",
        "keys ok OK",
        "keys ok OK",
        "keys ok OK",
        "clock ok OK",
        "address ok OK",
    ];
    let said = look(&[]).await;
    assert_eq!((said.code, found(&said.out)), (0, healthy.map(str::to_owned).to_vec()), "{}", said.err);
    assert!(said.out.contains(&format!("a server answers at {address}")), "{}", said.out);

    server.program.terminate();
    server.program.ended().await;
    let said = look(&[]).await;
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains(&format!("{address} is free")), "{}", said.out);

    // What a careless hand does.
    let sealing = server.data_dir().join("sealing.key");
    std::fs::rename(&sealing, server.data_dir().join("elsewhere")).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(server.data_dir(), open).unwrap();
    server.tables().execute("delete from seaql_migrations where version = 'm0001_people'").await;
    let said = look(&["--limit", "depth=x"]).await;
    assert_eq!(said.code, 1, "{}", said.out);
    let mut ill = healthy.map(str::to_owned).to_vec();
    ill[0] = "configuration fail CONFIGURATION_INVALID".to_owned();
    ill[1] = "data folder warn DATA_DIR_OPEN".to_owned();
    ill[3] = "migrations warn MIGRATIONS_PENDING".to_owned();
    ill[4] = "keys fail SEALING_KEY_MISSING".to_owned();
    assert_eq!(found(&said.out), ill);
}

/// PostgreSQL without its extension for texts: searches find the same, only slower, and whoever asks what is wrong is told.
#[tokio::test]
async fn a_missing_extension_is_told_of() {
    let Some(app) = TestApp::start(Backend::Postgres).await else { return };
    let Settings::Postgres { url, .. } = &app.settings else { panic!("{:?}", app.settings) };
    let owner = app.owner().await;
    let machine = Machine::new();
    let (url, data) = (url.expose_secret().to_owned(), machine.path("data"));
    let place = ["--data-dir", &data, "--database-url", &url];
    let searches = async || {
        let said = machine.olga.run(&[&["doctor", "-o", "json"][..], &place].concat()).await;
        found(&said.out).into_iter().find(|line| line.starts_with("searches"))
    };
    let query = "query($text: String) { users(filter: { query: $text }) { totalCount nodes { username } } }";
    let users = async |text: &str| app.ok(&owner, query, json!({ "text": text })).await["users"].clone();
    let piece = &owner.username[1..];
    let before = users(piece).await;
    assert_eq!((searches().await, &before["totalCount"]), (None, &json!(1)));

    app.tables().execute("drop extension pg_trgm cascade").await;
    assert_eq!(searches().await.as_deref(), Some("searches warn SEARCHES_SLOW"));
    assert_eq!((users(piece).await, &users("zyzzyva").await["totalCount"]), (before, &json!(0)));

    machine.olga.ok(&[&["migrate"][..], &place].concat()).await;
    assert_eq!(searches().await, None);
}

/// A terminal on a machine where nothing of a server is yet.
struct Machine {
    home: tempfile::TempDir,
    olga: Terminal,
}

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let olga = Terminal::at(home.path(), "http://127.0.0.1:9");
        Self { home, olga }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    /// What was said, without what is this machine's.
    fn plain(&self, text: &str) -> String {
        let text = text.replace(self.home.path().to_str().unwrap(), "[home]");
        let clock = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC").unwrap();
        // Columns are as wide as the machine's paths are long.
        let gap = regex::Regex::new(r"(\S) {2,}").unwrap();
        let text = clock.replace_all(&text, "[now]").into_owned();
        let text = gap.replace_all(&text, "$1  ").into_owned();
        let ours = text.lines().filter(|line| !line.contains("disk space") && !line.contains("make room"));
        ours.map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn an_empty_machine_is_told_what_will_be_made() {
    let machine = Machine::new();
    let terraform = machine.path("no-terraform");
    let data = machine.path("data");
    let words = ["doctor", "--data-dir", &data, "--address", "192.0.2.1:80", "--terraform-path", &terraform];
    let said = machine.olga.run(&words).await;
    assert_eq!(said.code, 1, "{}", said.out);
    insta::assert_snapshot!(machine.plain(&said.out));
    assert!(!std::path::Path::new(&data).exists(), "nothing is made");
}

#[tokio::test]
async fn a_file_is_checked_and_shown() {
    let machine = Machine::new();
    let file = machine.path("guildhall.toml");
    std::fs::write(&file, "adress = \"x\"\nlog-format = \"xml\"\n\n[limits]\ndepth = \"deep\"\n").unwrap();
    for words in [&["config", "check", &file][..], &["config", "check", &file, "-o", "json"]] {
        let said = machine.olga.run(words).await;
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        insta::assert_snapshot!(machine.plain(&said.out));
    }
    // It stops whatever would use it.
    let said = machine.olga.run(&["config", "show", "--config", &file]).await;
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains(":1: `adress` is no option; did you mean `address`?"), "{}", said.err);

    let data = machine.path("data");
    let good = format!(
        "rate-points = 7\ndata-dir = \"{data}\"\ndatabase-url = \"postgres://u:p4ss@h/db\"\n\n[limits]\ndepth = 9\n"
    );
    std::fs::write(&file, good).unwrap();
    machine.olga.ok(&["config", "check", &file]).await;
    let said = machine
        .olga
        .ok(&[
            "config",
            "show",
            "--origin",
            "--config",
            &file,
            "--address",
            "127.0.0.1:1",
            "--limit",
            "fields=6",
        ])
        .await;
    assert!(!said.out.contains("p4ss"), "{}", said.out);
    insta::assert_snapshot!(machine.plain(&said.out));
    let shown = machine.olga.json(&["config", "show", "--config", &file]).await;
    let depth = shown.as_array().unwrap().iter().find(|one| one["name"] == "limits.depth").unwrap();
    assert_eq!((&depth["value"], &depth["origin"]), (&"9".into(), &"file".into()));
}

/// A setting that can't be used is the caller's mistake, whatever kind of setting it is.
#[tokio::test]
async fn a_server_says_why_it_does_not_start() {
    let machine = Machine::new();
    let data = machine.path("data");
    let manifest = machine.path("none.json");
    let wrong = machine.path("wrong.json");
    let hash = "0".repeat(64);
    std::fs::write(&wrong, serde_json::json!({ hash.as_str(): "{ viewer { id } }" }).to_string()).unwrap();
    for (words, part) in [
        (&["server", "--limit", "depth=x"][..], "the limit `depth` is a whole number, not `x`"),
        (&["server", "--database-url", "mysql://h/db"], "postgres://user:password@host/name or sqlite:FILE"),
        (&["migrate", "--database-url", "mysql://h/db"], "postgres://user:password@host/name or sqlite:FILE"),
        (&["reseal", "--database-url", "mysql://h/db"], "postgres://user:password@host/name or sqlite:FILE"),
        (&["server", "--demo", "--address", "0.0.0.0:1"], "leave --demo out, or listen on 127.0.0.1"),
        (&["server", "--address", "127.0.0.1:1", "--metrics-address", "127.0.0.1:1"], "a port of their own"),
        (&["server", "--access-url", "guildhall.example.com"], "it is http:// or https:// and a host"),
        (&["server", "--otlp-endpoint", "ftp://collector"], "it is http:// or https:// and a host"),
        (&["server", "--address", "localhost:8080"], "e.g. 127.0.0.1:8080"),
        (&["server", "--log", "a=b=c"], "invalid value 'a=b=c'"),
        (&["server", "--persisted-manifest", &manifest], "none.json"),
        (&["server", "--persisted-manifest", &wrong], "wrong.json"),
        (&["server", "--persisted-manifest", &wrong], &hash),
    ] {
        let said = machine.olga.run(&[words, &["--data-dir", &data]].concat()).await;
        assert_eq!(said.code, 2, "{words:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(part), "{words:?}: {}", said.err);
    }
    assert!(!std::path::Path::new(&data).exists(), "nothing is made");
    let none = machine.path("none.key");
    for (words, part) in [
        (&["provisionerd", "start", "--org", "x"][..], "no provisioner key: pass --key-file"),
        (&["provisionerd", "start", "--org", "x", "--key-file", &none], "none.key"),
    ] {
        let said = machine.olga.run(words).await;
        assert_eq!(said.code, 2, "{words:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(part), "{words:?}: {}", said.err);
    }

    let nowhere = format!("sqlite:{}", machine.path("no-folder/guildhall.db"));
    for command in ["server", "migrate"] {
        let words = [command, "--data-dir", &data, "--database-url", &nowhere];
        let words = if command == "server" {
            [&words[..], &["--address", "127.0.0.1:0"]].concat()
        } else {
            words.to_vec()
        };
        let said = machine.olga.run(&words).await;
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(said.err.contains("no-folder/guildhall.db"), "{}", said.err);
    }
}

#[rstest]
#[tokio::test]
async fn a_newer_version_is_named_by_what_it_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut server) = Server::start(backend, 0).await else { return };
    let olga = server.terminal("olga");
    server.program.terminate();
    server.program.ended().await;
    server
        .tables()
        .execute("insert into seaql_migrations (version, applied_at) values ('m9999_tomorrow', 1)")
        .await;
    let options = server.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let said = olga.run(&[&["migrate"][..], &options].concat()).await;
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("a newer version of this program made m9999_tomorrow"), "{}", said.err);
}

#[tokio::test]
async fn a_sqlite_database_has_one_server() {
    let Some(server) = Server::start(Backend::Sqlite, 0).await else { return };
    let olga = server.terminal("olga");
    let options = server.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let said = olga.run(&[&["server", "--address", "127.0.0.1:0"][..], &options].concat()).await;
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("another server uses "), "{}", said.err);
    // What is no server may look and bring it up to date meanwhile.
    olga.ok(&[&["migrate"][..], &options].concat()).await;
}

#[tokio::test]
async fn a_folder_is_taken_from_where_one_stands() {
    let Some(server) = Server::start(Backend::Sqlite, 0).await else { return };
    let olga = server.terminal("olga");
    let said = olga.run(&["doctor", "-o", "json", "--data-dir", "not-there-yet"]).await;
    let lines = found(&said.out);
    assert!(lines.contains(&"data folder ok OK".to_owned()), "{lines:?} {}", said.err);
    assert!(said.out.contains("not-there-yet is made at the first start"), "{}", said.out);
}
