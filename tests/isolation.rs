//! Nothing of one organization is visible, usable or guessable from another: two
//! organizations full of everything, and everybody of the one asking for everything of the other.

mod alike;
mod ask;
mod change;
mod probe;
mod random;
mod read;
mod streams;
mod worlds;

pub(crate) use ask::{every_node, every_root, everything_from};

use serde_json::{Value, json};

use crate::support::schema::Schema;
use crate::support::world::World;
use crate::support::{Backend, Org, Person, TestApp};

/// Somebody who must not know of `alpha`.
struct Viewer {
    who: &'static str,
    token: Option<String>,
}

/// The deployment of these tests. `alpha` is what must stay hidden; somebody and the deployment's owner belong to both.
struct Deployment {
    app: TestApp,
    owner: Person,
    shared: Person,
    beta: World,
    stranger: Person,
    alpha: Org,
    schema: Schema,
}

impl Deployment {
    /// `beta` is full, `alpha` still empty.
    async fn start(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let shared = app.user(&owner, "wanda-of-both", &[]).await;
        let stranger = app.user(&owner, "sam-of-none", &[]).await;
        let beta = app.organization(&owner, "beta").await;
        let beta = app.fill(&owner, beta, "beta", &shared).await;
        let alpha = app.organization(&owner, "alpha").await;
        Some(Self { app, owner, shared, beta, stranger, alpha, schema: Schema::committed() })
    }

    async fn fill_alpha(&self) -> World {
        self.app.fill(&self.owner, self.alpha.clone(), "alpha", &self.shared).await
    }

    fn viewers(&self) -> Vec<Viewer> {
        let viewer = |who, token: &str| Viewer { who, token: Some(token.to_owned()) };
        vec![
            viewer("member", &self.beta.member.token),
            viewer("organization-admin", &self.beta.admin.token),
            viewer("organization-template-admin", &self.beta.template_admin.token),
            viewer("stranger", &self.stranger.token),
            viewer("daemon", &self.beta.key.secret),
            Viewer { who: "anonymous", token: None },
        ]
    }

    /// Asks, and answers what came back without what differs from request to request. Faults fail the test.
    async fn ask(&self, viewer: &Viewer, document: &str, variables: Value) -> Value {
        let mut body = self.app.graphql(viewer.token.as_deref(), document, variables).await;
        without_what_passes(&mut body);
        for error in body["errors"].as_array().into_iter().flatten() {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            assert!(
                ["FORBIDDEN", "NOT_FOUND", "UNAUTHENTICATED", "CONFLICT", "BAD_USER_INPUT"].contains(&code),
                "{}: {document}\n{body:#}",
                viewer.who
            );
        }
        body
    }
}

/// Takes out what is another at every request: its id, and of the cursor of now all but its length. What it says, it says
/// sealed, and never twice the same: see `tests/live/cursors.rs`.
fn without_what_passes(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| name != "requestId");
            if let Some(Value::String(cursor)) = fields.get_mut("eventCursor") {
                *cursor = "*".repeat(cursor.len());
            }
            fields.values_mut().for_each(without_what_passes);
        }
        Value::Array(items) => items.iter_mut().for_each(without_what_passes),
        _ => {}
    }
}

/// An id of the same type that nothing ever had: the test's clock counts, and never that far.
fn missing(id: &str) -> String {
    format!("{}zzzz", &id[..id.len() - 4])
}

/// The answer with what was asked for blotted out, so that answers about two things can be compared byte by byte.
fn blotted(answer: &Value, asked: &[&str]) -> String {
    asked.iter().fold(answer.to_string(), |text, asked| text.replace(asked, "«asked»"))
}

/// No text, id or cursor of an answer is of `alpha`.
fn assert_nothing_of(alpha: &World, answer: &Value, context: &str) {
    use base64::Engine as _;
    let suffixes: Vec<&str> = alpha.nodes.iter().filter_map(|(_, id)| Some(id.split_once('_')?.1)).collect();
    let check = |text: &str| {
        let folded = text.to_lowercase();
        assert!(!folded.contains(alpha.mark), "`{text}` is of {}: {context}\n{answer:#}", alpha.mark);
        let found = suffixes.iter().find(|suffix| folded.contains(*suffix));
        assert!(found.is_none(), "{found:?} is of {}: {context}\n{answer:#}", alpha.mark);
    };
    each_text(answer, &mut |text| {
        check(text);
        if let Ok(bytes) = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text) {
            check(&String::from_utf8_lossy(&bytes));
        }
    });
}

fn each_text(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| each_text(field, visit)),
        _ => {}
    }
}

/// What stands for an id or a name in an input or filter field of this name; `None` where the field names nothing.
fn named(world: &World, field: &str) -> Option<Value> {
    Some(match field {
        "organizationId" => json!(world.org.id),
        "organizationIds" => json!([world.org.id]),
        "organization" => json!(world.org.name),
        "userId" | "ownerId" | "actorId" | "initiatorId" => json!(world.member.id),
        "transferToUserId" => json!(world.admin.id),
        "userIds" => json!([world.member.id]),
        "username" | "login" => json!(world.member.username),
        "usernames" => json!([world.member.username]),
        "groupId" => json!(world.group),
        "roleId" => json!(world.role),
        "fileId" => json!(world.file),
        "templateId" => json!(world.template.id),
        "templateVersionId" => json!(world.template.version),
        "templateVersionIds" => json!([world.template.version]),
        "workspaceId" | "resourceId" => json!(world.workspace),
        "sessionId" => json!(world.session),
        "apiTokenId" => json!(world.api_token),
        "provisionerKeyId" => json!(world.key.id),
        "provisionerDaemonId" | "daemonId" => json!(world.daemon.id),
        "provisionerJobId" | "jobId" => json!(world.job),
        "buildId" => {
            let build = world.nodes.iter().find(|(ty, _)| *ty == "WorkspaceBuild");
            json!(build.map(|(_, id)| id))
        }
        "runningJobIds" => json!([world.job]),
        _ => return None,
    })
}

/// The same for something that never existed.
fn named_missing(world: &World, field: &str) -> Option<Value> {
    let gone = |text: &str| match text.strip_prefix(world.mark) {
        Some(rest) => format!("omega{rest}"),
        None => missing(text),
    };
    Some(match named(world, field)? {
        Value::Array(ids) => ids.iter().map(|id| json!(gone(id.as_str().unwrap_or_default()))).collect(),
        id => json!(gone(id.as_str().unwrap_or_default())),
    })
}
