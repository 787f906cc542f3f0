//! Settings from everywhere.

use clap::{CommandFactory, FromArgMatches, Parser};

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Server(Serving),
}

fn parse(file: &str, arguments: &[&str]) -> Result<Serving, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("guildhall.toml");
    std::fs::write(&path, file).expect("a writable folder");
    let mut all = vec!["guildhall".into(), "server".into(), "--config".into(), path.into_os_string()];
    all.extend(arguments.iter().map(std::ffi::OsString::from));
    let file = named_file(&all)?.expect("one is named");
    let command = file.defaults(Cli::command())?;
    let matches = command.try_get_matches_from(all).map_err(|error| error.to_string())?;
    let Verb::Server(serving) = Cli::from_arg_matches(&matches).map_err(|error| error.to_string())?.verb;
    Ok(serving)
}

#[test]
fn the_file_gives_defaults_and_a_flag_wins() {
    let file = "address = \"127.0.0.1:9000\"\nbuiltin-provisioners = 1\ndemo = true\n";
    let serving = parse(file, &["--builtin-provisioners", "2"]).expect("it parses");
    assert_eq!(serving.address.port(), 9000);
    assert_eq!(serving.builtin_provisioners, 2);
    assert!(serving.demo);
    assert!(!parse("", &[]).expect("it parses").demo);
}

#[test]
fn limits_come_from_the_file_and_from_flags_and_flags_win() {
    let file = "rate-points = 7\npersisted-manifest = [\"a.json\", \"b.json\"]\n\
        [limits]\ndepth = 9\nfields = 8\n[limits.streams]\noperations = 3\n";
    let serving = parse(file, &["--limit", "fields=6"]).expect("it parses");
    let limits = serving.limits().expect("they can be used");
    assert_eq!((limits.depth, limits.fields, limits.streams.operations), (9, 6, 3));
    assert_eq!(limits.rate_points_per_minute, 7);
    assert_eq!(serving.persisted_manifest, [PathBuf::from("a.json"), PathBuf::from("b.json")]);
    let unknown = parse("[limits]\ndeepness = 9\n", &[]).expect("it parses").limits();
    assert!(unknown.expect_err("no such limit").contains("`deepness`"));
}

#[test]
fn mistakes_in_the_file_are_named() {
    let told = parse("\nadress = \"x\"", &[]).expect_err("no such option");
    assert!(told.ends_with("guildhall.toml:2: `adress` is no option; did you mean `address`?"), "{told}");
    assert!(parse("address = [1]", &[]).expect_err("no list").contains("`address`"));
    assert!(parse("address = \"nowhere\"", &[]).is_err());
    assert!(parse("address = ", &[]).is_err());
}

#[test]
fn every_mistake_of_a_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("guildhall.toml");
    let told = |text: &str| {
        std::fs::write(&path, text).expect("a writable folder");
        let problems = check(&path).into_iter();
        problems.map(|problem| (problem.line.unwrap_or(0), problem.message)).collect::<Vec<_>>()
    };
    let good = "address = \"0.0.0.0:80\"\ndemo = true\npersisted-manifest = [\"a\", \"b\"]\n\
        limits = { depth = 3, streams = { queue = 1 } }\ndatabase-url = \"sqlite:x.db\"\n";
    assert_eq!(told(good), []);
    let bad = "adress = \"x\"\nnothing-like-it = 1\naddress = \"nowhere\"\ndemo = \"maybe\"\n\
        builtin-provisioners = 65\nlog-format = \"xml\"\nlog = \"a=b=c\"\ndatabase-url = \"mysql://h/db\"\n\
        access-url = 1.5\n[limits]\ndepth = \"deep\"\n\nstreams.speed = 3\n";
    let problems = told(bad);
    let lines: Vec<_> = problems.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13], "{problems:#?}");
    for (at, part) in [
        (0, "did you mean `address`?"),
        (1, "`nothing-like-it` is no option; see `guildhall server --help`"),
        (2, "invalid socket address"),
        (3, "`demo` is true or false, not `maybe`"),
        (4, "65 is not in 0..=64"),
        (5, "[possible values: text, json]"),
        (6, "invalid value 'a=b=c'"),
        (7, "postgres://user:password@host/name or sqlite:FILE"),
        (8, "`access-url` is text"),
        (9, "`depth` is a whole number, not `deep`"),
        (10, "there is no limit `streams.speed`"),
    ] {
        assert!(problems[at].1.contains(part), "{part} in {}", problems[at].1);
    }
    assert_eq!(told("a = 1\nb = ")[0].0, 2);
    assert_eq!(check(&folder.path().join("none.toml"))[0].line, None);
}

#[test]
fn every_setting_says_where_it_comes_from() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("guildhall.toml");
    let text =
        "rate-points = 7\ndatabase-url = \"postgres://u:secret@h/db\"\n[limits]\ndepth = 9\nfields = 8\n";
    std::fs::write(&path, text).expect("a writable folder");
    let file = File::read_whole(&path).expect("it parses");
    let command = file.defaults(Cli::command()).expect("it fits");
    let endpoint = ["--otlp-endpoint", "https://user:secret@h/v1"];
    let words = ["guildhall", "server", "--address", "127.0.0.1:1", "--limit", "fields=6"];
    let words = [&words[..], &endpoint].concat();
    let matches = command.try_get_matches_from(words).expect("it parses");
    let all = shown(matches.subcommand_matches("server").expect("it is named"), Some(&file));
    let of = |name: &str| {
        let one = all.iter().find(|one| one.name == name).expect("it is a setting");
        (one.value.as_deref(), one.origin.to_string().replace(path.to_str().expect("text"), "FILE"))
    };
    assert_eq!(of("rate-points"), (Some("7"), "file FILE:1".to_owned()));
    assert_eq!(of("database-url"), (Some("(hidden)"), "file FILE:2".to_owned()));
    assert_eq!(of("address"), (Some("127.0.0.1:1"), "flag --address".to_owned()));
    assert_eq!(of("otlp-endpoint"), (Some("https://(hidden)@h/v1"), "flag --otlp-endpoint".to_owned()));
    assert_eq!(of("log-format"), (Some("text"), "default".to_owned()));
    assert_eq!(of("demo"), (Some("false"), "default".to_owned()));
    assert_eq!(of("access-url"), (None, "default".to_owned()));
    assert_eq!(of("limits.depth"), (Some("9"), "file FILE:4".to_owned()));
    assert_eq!(of("limits.fields"), (Some("6"), "flag --limit".to_owned()));
    assert_eq!(of("limits.streams.queue"), (Some("128"), "default".to_owned()));
    assert!(!format!("{all:?}").contains("secret"));
}

#[test]
fn database_urls() {
    let with = |url: &str| {
        parse("", &["--database-url", url]).expect("it parses").storage.database(Path::new("data"))
    };
    assert!(matches!(with("postgres://u:p@h/db"), Ok(db::Settings::Postgres { .. })));
    assert!(
        matches!(with("sqlite:/tmp/x.db"), Ok(db::Settings::Sqlite { path, .. }) if path == Path::new("/tmp/x.db"))
    );
    assert!(with("mysql://h/db").is_err());
    assert!(with("sqlite:").is_err());
}

#[test]
fn guildhalls_own_documents_run_where_documents_are_registered() {
    for mode in ["observe", "enforce"] {
        let serving = parse("", &["--persisted-documents", mode]).expect("it parses");
        let limits = serving.limits().expect("there are defaults");
        let documents = serving.documents(&limits).expect("there is no manifest");
        for text in guildhall_client::documents() {
            assert!(documents.knows(&text), "{text}");
        }
    }
}
