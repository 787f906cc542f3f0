//! Random questions of people of one organization, while another is empty and when it is full: never a mark of it in data,
//! counts, cursors or errors, and never another answer.

use rstest::rstest;
use serde_json::{Value, json};

use super::random::Random;
use super::{Deployment, Viewer, assert_nothing_of, missing, without_what_passes};
use crate::support::Backend;
use crate::support::seed::seed;
use crate::support::world::World;

/// Documents a phase; each is asked by every viewer.
const DOCUMENTS: usize = 200;
/// What stands in a document for the `n`th thing of `alpha`, or for a text with its mark.
fn placeholder(n: usize) -> String {
    format!("§{n:03}§")
}

const MARK: &str = "§mark§";

/// Texts that nobody types, and that databases take for more than text: at the bound of what may be searched for and beyond
/// it, patterns, quotes, ends of statements, letters that fold to others or to more, and what has no width or turns lines
/// around.
fn odd_texts() -> Vec<String> {
    let repeated = ["x", "%", "_", "\\", "Ä", "ß", "𝔛", "\u{301}"];
    let mut texts: Vec<String> =
        repeated.iter().flat_map(|text| [99, 100, 101].map(|times| text.repeat(times))).collect();
    texts.extend([1_000, 3_000].map(|times| "x".repeat(times)));
    texts.extend([97, 500].map(|times| format!("{MARK}{}", "%".repeat(times))));
    let odd = [
        "%%",
        "\\%",
        "[a-z]*",
        "?",
        "*",
        "\"",
        "\\",
        "''",
        "'; --",
        "$1",
        ":1",
        "{}",
        "[]",
        "null",
        "-1",
        "1e999",
        "\u{202e}",
        "\u{200b}",
        "\u{feff}",
        "\u{fffd}",
        "\u{1}",
        "\u{7f}",
        "\n",
        "\t",
        "İ",
        "ı",
        "ſ",
        "Σ",
        "ﬀ",
        "👩‍🚀",
        "a.b",
        "a\\b",
        "../..",
    ];
    texts.extend(odd.map(str::to_owned));
    texts.extend(odd.map(|odd| format!("{MARK}{odd}")));
    texts
}

/// Cursors that no list has handed out.
fn odd_cursors(seen: &[String]) -> Vec<String> {
    let mut odd: Vec<String> =
        ["", "x", "AAAA", "====", "\u{202e}", "null"].iter().map(|&text| text.to_owned()).collect();
    odd.extend(seen.iter().take(20).map(|cursor| cursor[..cursor.len() / 2].to_owned()));
    odd.extend(seen.iter().take(20).map(|cursor| cursor.chars().rev().collect()));
    odd.push("A".repeat(2_000));
    odd
}

/// A document about the real things of `alpha`, or about things that never were.
fn filled(document: &str, ids: &[String], mark: &str) -> String {
    let document = document.replace(MARK, mark);
    ids.iter().enumerate().fold(document, |document, (n, id)| document.replace(&placeholder(n), id))
}

/// An answer without what was asked for.
fn blotted(answer: &Value, ids: &[String], mark: &str) -> Value {
    let text =
        ids.iter().enumerate().fold(answer.to_string(), |text, (n, id)| text.replace(id, &placeholder(n)));
    serde_json::from_str(&text.replace(mark, MARK)).unwrap()
}

async fn ask(deployment: &Deployment, viewer: &Viewer, document: &str) -> Value {
    let mut body = deployment.app.graphql(viewer.token.as_deref(), document, json!({})).await;
    without_what_passes(&mut body);
    for error in body["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        let known = ["FORBIDDEN", "NOT_FOUND", "UNAUTHENTICATED", "BAD_USER_INPUT", "QUERY_TOO_COMPLEX"];
        assert!(known.contains(&code), "{}: {document}\n{body:#}", viewer.who);
    }
    body
}

/// An answer with its errors in the order of their fields.
fn sorted(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(errors) = answer["errors"].as_array_mut() {
        errors.sort_by_key(|error| error["path"].to_string());
    }
    answer
}

/// Every cursor in an answer.
fn cursors(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| cursors(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(cursor) if name.to_lowercase().ends_with("cursor") => {
                        found.push(cursor.clone());
                    }
                    _ => cursors(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The cursors that whoever may see all of `alpha` is given.
async fn foreign_cursors(deployment: &Deployment, alpha: &World) -> Vec<String> {
    let admin = Viewer { who: "admin of alpha", token: Some(alpha.admin.token.clone()) };
    let mut found = Vec::new();
    for document in super::ask::every_node(&deployment.schema, &alpha.nodes) {
        cursors(&ask(deployment, &admin, &document).await, &mut found);
    }
    assert!(found.len() > 20, "only {} cursors", found.len());
    found
}

#[rstest]
#[tokio::test]
async fn random_questions_learn_nothing_of_another_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let beta = &deployment.beta;
    let viewers = deployment.viewers();
    let gone: Vec<String> = beta.nodes.iter().map(|(_, id)| missing(id)).collect();

    let mut random = Random::new(&deployment.schema, seed());
    random.ids =
        (0..gone.len()).map(placeholder).chain(beta.nodes.iter().map(|(_, id)| id.clone())).collect();
    let nouns = ["", "-member", "-admin", "-group", "-key", "-template", "-workspace"];
    random.texts = ["beta", MARK].iter().flat_map(|mark| nouns.map(|noun| format!("{mark}{noun}"))).collect();
    random.texts.extend(["", "e", "%", "_", "'"].map(str::to_owned));
    random.odd_texts = odd_texts();
    let admin = viewers.iter().find(|viewer| viewer.who == "organization-admin").unwrap();
    for document in super::ask::every_node(&deployment.schema, &beta.nodes) {
        cursors(&ask(&deployment, admin, &document).await, &mut random.cursors);
    }
    random.odd_cursors = odd_cursors(&random.cursors);

    let documents: Vec<String> = (0..DOCUMENTS).map(|_| random.document()).collect();
    let mut before = Vec::new();
    for viewer in &viewers {
        for document in &documents {
            let answer = ask(&deployment, viewer, &filled(document, &gone, "omega")).await;
            before.push(blotted(&answer, &gone, "omega"));
        }
    }
    let answered = before.iter().filter(|answer| answer["data"].to_string().contains("beta")).count();
    assert!(answered > DOCUMENTS / 4, "only {answered} answers hold anything: nothing could leak");

    let alpha = deployment.fill_alpha().await;
    let kinds = |world: &World| world.nodes.iter().map(|(ty, _)| *ty).collect::<Vec<_>>();
    assert_eq!(kinds(&alpha), kinds(beta), "both are filled alike");
    let real: Vec<String> = alpha.nodes.iter().map(|(_, id)| id.clone()).collect();
    let mut before = before.iter();
    for viewer in &viewers {
        for document in &documents {
            let document = filled(document, &real, "alpha");
            let answer = blotted(&ask(&deployment, viewer, &document).await, &real, "alpha");
            assert_nothing_of(&alpha, &answer, &format!("{}: {document}", viewer.who));
            let before = before.next().unwrap();
            // Which of several errors takes all of the data with it is chance: fields are resolved at once.
            if !(before["data"].is_null() && answer["data"].is_null()) {
                assert_eq!(sorted(before), sorted(&answer), "{}: {document}", viewer.who);
            }
        }
    }

    // Some of one's own lists, some of the same lists elsewhere, some of neither.
    let foreign = foreign_cursors(&deployment, &alpha).await;
    random.odd_cursors.extend(odd_cursors(&foreign));
    random.cursors.extend(foreign);
    for _ in 0..DOCUMENTS {
        let document = filled(&random.document(), &real, "alpha");
        for viewer in &viewers {
            let answer = blotted(&ask(&deployment, viewer, &document).await, &real, "alpha");
            assert_nothing_of(&alpha, &answer, &format!("{}: {document}", viewer.who));
        }
    }
    println!("{} questions", 3 * DOCUMENTS * viewers.len());
}
