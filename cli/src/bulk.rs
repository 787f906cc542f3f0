//! Commands about several things at once. Each is answered for itself, and as many go in one request as the API takes.

use std::fmt::Display;

use guildhall_client::group::{GroupFilter, GroupOrder};
use guildhall_client::template_version::{TemplateVersion, TemplateVersionFilter, TemplateVersionOrder};
use guildhall_client::{Client, ClientError, Id, UserError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Exit, Failure, lines};

/// How many the API takes in one request.
const MOST: usize = 100;

/// What came of one of them.
enum Answer<T> {
    Done(T),
    /// It was not found, so it was not asked for.
    Missing(Failure),
    /// A request before its own was not answered.
    Untried,
}

/// Does something to each of `names`: `find` makes inputs of names, `act` sends inputs and answers for each, in their
/// order. Says what came of each; fails when one was refused. `sentence` is what is said of one that was not.
pub(crate) async fn each<N: Display, I, T: Serialize>(
    context: &Context,
    names: &[N],
    find: impl AsyncFn(&[N]) -> Result<Vec<Result<I, Failure>>, Failure>,
    act: impl AsyncFn(Vec<I>) -> Result<Vec<T>, ClientError>,
    user_errors: impl Fn(&T) -> &[UserError],
    sentence: impl Fn(&N, &T) -> String,
) -> Result<(), Failure> {
    let mut answers: Vec<Answer<T>> = names.iter().map(|_| Answer::Untried).collect();
    let mut inputs = Vec::with_capacity(names.len());
    for (chunk, some) in names.chunks(MOST).enumerate() {
        for (place, found) in (chunk * MOST..).zip(find(some).await?) {
            match found {
                Ok(input) => inputs.push((place, input)),
                // The others may well be there.
                Err(failure) if failure.exit == Exit::NotFound && names.len() > 1 => {
                    answers[place] = Answer::Missing(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    let mut broken = None;
    let mut inputs = inputs.into_iter().peekable();
    while inputs.peek().is_some() {
        let (places, some): (Vec<usize>, Vec<I>) = inputs.by_ref().take(MOST).unzip();
        match act(some).await {
            Ok(results) if results.len() == places.len() => {
                for (place, result) in places.into_iter().zip(results) {
                    answers[place] = Answer::Done(result);
                }
            }
            other => {
                broken = Some(Failure::from(other.err().unwrap_or(ClientError::Incomplete)));
                break;
            }
        }
    }
    let any = answers.iter().any(|answer| matches!(answer, Answer::Done(_)));
    match broken {
        Some(failure) if !any => Err(failure),
        broken => report(context, names, &answers, broken, user_errors, sentence),
    }
}

/// The users of these names, looked up at once.
pub(crate) async fn users<T>(
    client: &Client,
    usernames: &[impl AsRef<str>],
    make: impl Fn(Id) -> T,
) -> Result<Vec<Result<T, Failure>>, Failure> {
    let ask = async |names: Vec<String>| client.users_called(&names).await;
    found("user", usernames, ask, |user| &user.username, |user| make(user.id.clone())).await
}

/// The groups of an organization of these names, looked up at once.
pub(crate) async fn groups<T>(
    client: &Client,
    organization: &Id,
    names: &[impl AsRef<str>],
    make: impl Fn(Id) -> T,
) -> Result<Vec<Result<T, Failure>>, Failure> {
    let ask = async |names| {
        let filter = GroupFilter::any_of(names);
        Ok(client.groups(organization, &filter, GroupOrder::NameAsc, None).await?.nodes)
    };
    found("group", names, ask, |group| &group.name, |group| make(group.id.clone())).await
}

/// The versions of a template of these names, looked up at once.
pub(crate) async fn versions<T>(
    client: &Client,
    template: &Id,
    names: &[impl AsRef<str>],
    make: impl Fn(&TemplateVersion) -> T,
) -> Result<Vec<Result<T, Failure>>, Failure> {
    let ask = async |names| {
        let filter = TemplateVersionFilter::any_of(names);
        let page = client.template_versions(template, &filter, TemplateVersionOrder::CreatedAtDesc, None);
        Ok(page.await?.nodes)
    };
    found("template version", names, ask, |version| &version.name, make).await
}

/// What `ask` knows of these names, in their order.
async fn found<S, T>(
    kind: &'static str,
    names: &[impl AsRef<str>],
    ask: impl AsyncFnOnce(Vec<String>) -> Result<Vec<S>, ClientError>,
    name_of: impl Fn(&S) -> &String,
    make: impl Fn(&S) -> T,
) -> Result<Vec<Result<T, Failure>>, Failure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
    let seen = ask(asked.clone()).await?;
    let found = |name: String| match seen.iter().find(|thing| name_of(thing).eq_ignore_ascii_case(&name)) {
        Some(thing) => Ok(make(thing)),
        None => Err(ClientError::NotFound { kind, name }.into()),
    };
    Ok(asked.into_iter().map(found).collect())
}

fn report<N: Display, T: Serialize>(
    context: &Context,
    names: &[N],
    answers: &[Answer<T>],
    broken: Option<Failure>,
    user_errors: impl Fn(&T) -> &[UserError],
    sentence: impl Fn(&N, &T) -> String,
) -> Result<(), Failure> {
    let asked = || names.iter().zip(answers);
    if context.output.is_json() {
        context.output.json(&asked().map(|(name, answer)| shape(name, answer)).collect::<Vec<_>>())?;
    }
    let mut refused = Vec::new();
    let mut untried = 0;
    for (name, answer) in asked() {
        match answer {
            Answer::Done(result) if user_errors(result).is_empty() => {
                if !context.output.is_json() {
                    context.output.say(&sentence(name, result))?;
                }
            }
            Answer::Done(result) => refused.push(format!("{name}: {}", lines(user_errors(result)))),
            Answer::Missing(failure) => refused.push(format!("{name}: {}", failure.message)),
            Answer::Untried => untried += 1,
        }
    }
    if names.len() > 1 && !refused.is_empty() {
        refused.insert(0, format!("{} of {} failed:", refused.len(), names.len()));
    }
    match broken {
        Some(failure) => {
            refused.push(format!("{untried} were not tried, since {}", failure.message));
            Err(Failure { message: refused.join("\n"), ..failure })
        }
        None if refused.is_empty() => Ok(()),
        None => Err(Failure::new(Exit::Refused, refused.join("\n"))),
    }
}

/// An answer in the shape of the API; of what was not asked for, the part of it that there is.
fn shape<T: Serialize>(name: &impl Display, answer: &Answer<T>) -> Value {
    let error = |code: &str, message: &str| json!({ "name": name.to_string(), "userErrors": [{ "message": message, "code": code, "field": null }] });
    match answer {
        Answer::Done(result) => json!(result),
        Answer::Missing(failure) => error(&failure.code, &failure.message),
        Answer::Untried => error("NOT_TRIED", "a request before it was not answered"),
    }
}
