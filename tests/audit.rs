//! The audit log: one row for each change, in its transaction; one for what was denied; none for what was refused; and
//! no secrets.

mod denied;
mod export;
mod reading;

use std::sync::Arc;

use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::daemon::{plain_build, plain_import};
use crate::support::{Backend, PASSWORD, Person, TestApp};

/// What the log has gained since the last look, e.g. `CREATE GROUP admins`.
struct Log<'a> {
    app: &'a TestApp,
    seen: usize,
}

impl Log<'_> {
    async fn news(&mut self) -> Vec<String> {
        let query = "select action || ' ' || resource || ' ' || resource_name
            || case status when 'SUCCESS' then '' else status end from audit_log order by id";
        let mut rows = Box::pin(self.app.tables().texts(query)).await;
        let news = rows.split_off(self.seen);
        self.seen += news.len();
        news
    }

    /// Does something that must leave exactly these rows.
    async fn leaves(
        &mut self,
        person: &Person,
        mutation: &str,
        selection: &str,
        input: Value,
        rows: &[&str],
    ) -> Value {
        // On the heap: the test asks so much that its stack would not hold it all.
        let payload = Box::pin(self.app.done(&person.token, mutation, selection, input)).await;
        assert_eq!(self.news().await, rows, "{mutation}");
        payload
    }

    /// Does something that is denied, and must leave this row.
    async fn leaves_denial(&mut self, person: &Person, mutation: &str, input: Value, row: &str) {
        assert_eq!(Box::pin(self.app.denied(Some(&person.token), mutation, input)).await, "FORBIDDEN");
        assert_eq!(self.news().await, [row], "{mutation}");
    }

    /// Does something that is refused, and must leave no row.
    async fn leaves_nothing(&mut self, person: &Person, mutation: &str, input: Value) {
        let body = Box::pin(self.app.call(Some(&person.token), mutation, "__typename", input)).await;
        let refused = body.get("errors").is_some() || body["data"][mutation]["userErrors"] != json!([]);
        assert!(refused, "{mutation} was not refused: {body:#}");
        assert_eq!(self.news().await, Vec::<String>::new(), "{mutation}");
    }
}

#[rstest]
#[tokio::test]
async fn every_change_leaves_one_row(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let mut log = Log { app: &app, seen: 0 };
    log.news().await;
    let setup_token = app.app.setup_token().unwrap().expose_secret().to_owned();
    let owner = app.owner().await;
    assert_eq!(
        log.news().await,
        ["CREATE USER olga-owner", "CREATE MEMBER olga-owner", "SIGN_IN TOKEN olga-owner"]
    );

    let org = json!({ "name": "data-platform" });
    let rows = ["CREATE ORGANIZATION data-platform", "CREATE MEMBER olga-owner"];
    let made = log.leaves(&owner, "createOrganization", "organization { id }", org.clone(), &rows).await;
    let org_id = made["organization"]["id"].as_str().unwrap().to_owned();
    log.leaves_nothing(&owner, "createOrganization", org).await;
    log.leaves_nothing(&owner, "createOrganization", json!({ "name": "no good" })).await;
    let rename = json!({ "organizationId": org_id, "displayName": "Data" });
    log.leaves(&owner, "updateOrganization", "", rename, &["UPDATE ORGANIZATION data-platform"]).await;
    let stale = json!({ "organizationId": org_id, "displayName": "x", "expectedVersion": 1 });
    log.leaves_nothing(&owner, "updateOrganization", stale).await;

    let user = |name: &str, roles: &[&str]| {
        let email = format!("{name}@example.com");
        json!({ "username": name, "email": email, "password": PASSWORD, "siteRoles": roles })
    };
    let mia = log.leaves(&owner, "createUser", "user { id }", user("mia", &[]), &["CREATE USER mia"]).await;
    let mia_id = mia["user"]["id"].clone();
    let mut joined = user("zoe", &[]);
    joined["organizationIds"] = json!([org_id]);
    log.leaves(&owner, "createUser", "", joined, &["CREATE USER zoe", "CREATE MEMBER zoe"]).await;
    log.leaves_nothing(&owner, "createUser", user("mia", &[])).await;
    log.leaves_nothing(&owner, "createUser", user("nemo", &["emperor"])).await;
    let mia = app.sign_in("mia").await;
    assert_eq!(log.news().await, ["SIGN_IN TOKEN mia"]);
    let query = "query($id: ID!) { auditLog(filter: { actorId: $id, action: SIGN_IN }) { totalCount } }";
    let signed_in = app.ok(&owner, query, json!({ "id": mia_id })).await;
    assert_eq!(signed_in["auditLog"]["totalCount"], 1, "who signs in acts themselves");
    let wrong = json!({ "login": "mia", "password": "not the password" });
    app.refused(&mia.token, "signIn", wrong.clone()).await;
    assert_eq!(log.news().await, ["SIGN_IN USER miaFAILURE"]);
    log.leaves_nothing(&mia, "signIn", wrong).await;
    log.leaves_nothing(&mia, "signIn", json!({ "login": "not the password", "password": "x" })).await;

    // Of several, each for itself.
    let members = json!([{ "userId": mia_id }, { "username": "nobody" }, { "username": "zoe" }]);
    let add = json!({ "organizationId": org_id, "members": members });
    log.leaves(&owner, "addMembers", "", add, &["CREATE MEMBER mia"]).await;
    let roles = |roles: &[&str]| json!({ "organizationId": org_id, "userId": mia_id, "roles": roles });
    let admin = roles(&["organization-template-admin"]);
    log.leaves(&owner, "setMemberRoles", "", admin, &["UPDATE MEMBER mia"]).await;
    log.leaves_nothing(&owner, "setMemberRoles", roles(&["emperor"])).await;
    let power = roles(&["organization-admin"]);
    log.leaves_denial(&mia, "setMemberRoles", power, "UPDATE MEMBER miaDENIED").await;
    let group = json!({ "organizationId": org_id, "name": "g" });
    log.leaves_denial(&mia, "createGroup", group, "CREATE GROUP DENIED").await;
    let group = json!({ "organizationId": org_id, "name": "crew" });
    let group = log.leaves(&owner, "createGroup", "group { id }", group, &["CREATE GROUP crew"]).await;
    let crew = json!({ "groupId": group["group"]["id"], "userIds": [mia_id, mia_id] });
    log.leaves(&owner, "addGroupMembers", "", crew.clone(), &["UPDATE GROUP crew"]).await;
    let again = app.done(&owner.token, "addGroupMembers", "results { userErrors { code } }", crew).await;
    assert_eq!(again["results"][0]["userErrors"][0]["code"], "CONFLICT");
    assert_eq!(log.news().await, Vec::<String>::new());

    let key = json!({ "organizationId": org_id, "name": "cluster" });
    let rows = ["CREATE PROVISIONER_KEY cluster"];
    let key = log.leaves(&owner, "createProvisionerKey", "provisionerKey { id } secret", key, &rows).await;
    let secret = key["secret"].as_str().unwrap().to_owned();
    let key = crate::support::daemon::ProvisionerKey {
        id: key["provisionerKey"]["id"].as_str().unwrap().to_owned(),
        secret,
    };
    let org = crate::support::Org { id: org_id.clone(), name: "data-platform".into() };
    let daemon = app.daemon(&key, &org, "cluster").await;

    let file = app.upload(&mia).await;
    assert_eq!(log.news().await.len(), 1);
    app.upload(&mia).await;
    assert_eq!(log.news().await, Vec::<String>::new(), "it is there already");
    let template = json!({ "organizationId": org_id, "name": "dev", "version": { "fileId": file } });
    let rows = ["CREATE TEMPLATE dev", "CREATE TEMPLATE dev/v1"];
    let made = log.leaves(&mia, "createTemplate", "template { id }", template.clone(), &rows).await;
    log.leaves_nothing(&mia, "createTemplate", template).await;
    let template = made["template"]["id"].clone();
    let version = json!({ "templateId": template, "fileId": file, "promote": false });
    let made = log
        .leaves(&mia, "createTemplateVersion", "templateVersion { id }", version, &["CREATE TEMPLATE dev/v2"])
        .await;
    let promote = json!({ "templateVersionId": made["templateVersion"]["id"] });
    log.leaves_nothing(&mia, "promoteTemplateVersion", promote.clone()).await;
    // What daemons do is progress, not a change of anybody's; but the first version that can be used becomes the active one.
    let job = app.acquire(&daemon).await.unwrap();
    app.append_logs(&daemon, &job, 1, &["a line"]).await;
    let token = json!({
        "name": "token", "type": "string", "description": "", "required": false, "default": "",
        "sensitive": true, "nullable": true, "ephemeral": false, "validations": [],
    });
    app.complete(&daemon, &job, json!({ "templateImport": { "readme": "", "variables": [token] } })).await;
    assert_eq!(log.news().await, ["UPDATE TEMPLATE dev"]);
    let job = app.acquire(&daemon).await.unwrap();
    app.complete(&daemon, &job, plain_import()).await;
    assert_eq!(log.news().await, Vec::<String>::new());

    let workspace = json!({
        "templateId": template, "name": "box", "parameters": [{ "name": "token", "value": "the-sensitive-value" }],
    });
    let selection = "workspace { id latestBuild { job { id } } }";
    let made =
        log.leaves(&mia, "createWorkspace", selection, workspace.clone(), &["CREATE WORKSPACE box"]).await;
    log.leaves_nothing(&mia, "createWorkspace", workspace).await;
    let id = json!({ "workspaceId": made["workspace"]["id"] });
    log.leaves_nothing(&mia, "stopWorkspace", id.clone()).await;
    let job = app.acquire(&daemon).await.unwrap();
    app.complete(&daemon, &job, plain_build()).await;
    log.leaves(&mia, "stopWorkspace", "", id.clone(), &["STOP WORKSPACE box"]).await;
    app.work(&daemon).await;
    let selection = "workspaceBuild { job { id } }";
    let started = log.leaves(&mia, "startWorkspace", selection, id.clone(), &["START WORKSPACE box"]).await;
    let job = json!({ "provisionerJobId": started["workspaceBuild"]["job"]["id"] });
    log.leaves(&mia, "cancelProvisionerJob", "", job.clone(), &["CANCEL PROVISIONER_JOB WORKSPACE_BUILD"])
        .await;
    log.leaves_nothing(&mia, "cancelProvisionerJob", job).await;
    log.leaves(&mia, "deleteWorkspace", "", id, &["DELETE WORKSPACE box"]).await;
    app.work(&daemon).await;
    assert_eq!(log.news().await, Vec::<String>::new());
    log.leaves(&mia, "promoteTemplateVersion", "", promote, &["UPDATE TEMPLATE dev"]).await;

    let token = json!({ "name": "ci" });
    let made = log
        .leaves(&mia, "createApiToken", "apiToken { id } secret", token.clone(), &["CREATE TOKEN ci"])
        .await;
    let api_token = made["secret"].as_str().unwrap().to_owned();
    log.leaves_nothing(&mia, "createApiToken", token).await;
    let revoke = json!({ "apiTokenId": made["apiToken"]["id"] });
    log.leaves(&mia, "revokeApiToken", "", revoke, &["DELETE TOKEN ci"]).await;
    let zoe = app.sign_in("zoe").await;
    log.news().await;
    let of_zoe = json!({ "userId": zoe.id });
    log.leaves_denial(&mia, "suspendUser", of_zoe.clone(), "UPDATE USER zoeDENIED").await;
    log.leaves(&owner, "suspendUser", "", of_zoe.clone(), &["UPDATE USER zoe"]).await;
    log.leaves_nothing(&owner, "suspendUser", of_zoe.clone()).await;
    log.leaves(&owner, "activateUser", "", of_zoe.clone(), &["UPDATE USER zoe"]).await;
    let reset = json!({ "userId": zoe.id, "password": "a password of zoe" });
    log.leaves(&owner, "resetPassword", "", reset, &["UPDATE USER zoe"]).await;
    let changed = json!({ "currentPassword": PASSWORD, "newPassword": "a password of mia" });
    log.leaves(&mia, "changePassword", "", changed, &["UPDATE USER mia"]).await;
    log.leaves(&owner, "revokeAllSessions", "", of_zoe.clone(), &["SIGN_OUT TOKEN zoe"]).await;
    log.leaves(&owner, "deleteUser", "", of_zoe, &["DELETE USER zoe", "DELETE MEMBER zoe"]).await;

    let removal = json!({ "organizationId": org_id, "userId": mia_id });
    log.leaves(&owner, "removeMember", "", removal.clone(), &["DELETE MEMBER mia"]).await;
    log.leaves_nothing(&owner, "removeMember", removal).await;
    let deletion = json!({ "provisionerKeyId": key.id });
    log.leaves(&owner, "deleteProvisionerKey", "", deletion.clone(), &["DELETE PROVISIONER_KEY cluster"])
        .await;
    log.leaves_nothing(&owner, "deleteProvisionerKey", deletion).await;
    app.ok(&mia, "mutation { signOut { userErrors { message } } }", json!({})).await;
    assert_eq!(log.news().await, ["SIGN_OUT TOKEN mia"]);

    // Who, where and with what outcome; and nothing that opens anything, here or in any other table.
    let tables = app.tables();
    let query = "select distinct actor_kind || ' ' || actor_name || ' ' || status from audit_log
        where action <> 'SIGN_IN' and organization_id is not null order by 1";
    assert_eq!(tables.texts(query).await.last().unwrap(), "USER olga-owner SUCCESS");
    let secrets = [
        PASSWORD,
        "the-sensitive-value",
        &setup_token,
        &owner.token,
        &mia.token,
        &key.secret,
        "not the password",
        &api_token,
        "a password of zoe",
        "a password of mia",
    ];
    for secret in secrets {
        assert_eq!(tables.holding(secret).await, Vec::<String>::new(), "{secret}");
    }
    assert!(!tables.holding("olga-owner").await.is_empty(), "a search that finds nothing proves nothing");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_rolled_back_leaves_no_row(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let app = Arc::new(app);
    let owner = app.owner().await;
    let mut creates = JoinSet::new();
    for _ in 0..6 {
        let (app, token) = (app.clone(), owner.token.clone());
        creates.spawn(async move {
            app.complaints(&token, "createOrganization", json!({ "name": "alpha" })).await
        });
    }
    let won = creates.join_all().await.iter().filter(|complaints| complaints.is_empty()).count();
    let rows =
        "select resource_name from audit_log where resource = 'ORGANIZATION' and resource_name = 'alpha'";
    assert_eq!((won, app.tables().texts(rows).await.len()), (1, 1));
}

/// Who reads the log sees what became of somebody's things, and things by their names.
#[rstest]
#[tokio::test]
async fn an_entry_is_read_without_looking_ids_up(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "data-platform").await;
    let mia = app.member_of(&owner, &org, "mia", &[]).await;
    let zoe = app.member_of(&owner, &org, "zoe", &[]).await;
    let crew = app.group(&owner, &org, "crew", &[&mia]).await;
    let last = async || {
        let query = "{ auditLog(first: 1) { nodes { resourceName changes { field before after } } } }";
        app.ok(&owner, query, json!({})).await["auditLog"]["nodes"][0].clone()
    };
    let change = |entry: &Value, field: &str| {
        let changes = entry["changes"].as_array().unwrap();
        let change = changes.iter().find(|change| change["field"] == field);
        change.map(|change| (change["before"].clone(), change["after"].clone())).unwrap_or_default()
    };
    let named = |name: &str, id: &str| json!(format!("{name} ({id})"));
    assert_eq!(change(&last().await, "member"), (Value::Null, named("mia", &mia.id)));
    let template = app.template(&owner, &org, "dev").await;
    assert_eq!(last().await["resourceName"], "dev/v1");
    assert_eq!(change(&last().await, "template").1, named("dev", &template.id));
    let entries = json!([{ "userId": zoe.id, "role": "ADMIN" }]);
    let access = json!({ "templateId": template.id, "entries": entries });
    app.done(&owner.token, "setTemplateAccess", "", access).await;
    let field = format!("access of zoe ({})", zoe.id);
    assert_eq!(change(&last().await, &field), (Value::Null, json!("ADMIN")));
    let removal = json!({
        "organizationId": org.id, "userId": mia.id, "workspaces": "TRANSFER", "transferToUserId": zoe.id,
    });
    app.done(&owner.token, "removeMember", "", removal).await;
    let entry = last().await;
    assert_eq!(change(&entry, "groups"), (json!(["crew"]), Value::Null));
    assert_eq!(change(&entry, "workspaces"), (Value::Null, json!("TRANSFER")));
    assert_eq!(change(&entry, "transferredTo"), (Value::Null, named("zoe", &zoe.id)));
    app.done(&owner.token, "deleteGroup", "", json!({ "groupId": crew })).await;
    let token = json!({ "name": "ci", "organizationId": org.id });
    let token = app.done(&owner.token, "createApiToken", "apiToken { id }", token).await;
    let bound = named("data-platform", &org.id);
    assert_eq!(change(&last().await, "organization"), (Value::Null, bound.clone()));
    app.done(&owner.token, "revokeApiToken", "", json!({ "apiTokenId": token["apiToken"]["id"] })).await;
    assert_eq!(change(&last().await, "organization"), (bound, Value::Null));
}

/// Whose a workspace is and was is told by name, also once they are gone.
#[rstest]
#[tokio::test]
async fn an_entry_tells_whose_a_workspace_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "data-platform").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "daemon").await;
    let template = app.template(&owner, &org, "dev").await;
    app.work(&daemon).await;
    let [mia, zoe] =
        [app.member_of(&owner, &org, "mia", &[]).await, app.member_of(&owner, &org, "zoe", &[]).await];
    let owners = async || {
        let query = "{ auditLog(first: 1, filter: { resource: WORKSPACE }) {
            nodes { changes { field before after } } } }";
        let data = app.ok(&owner, query, json!({})).await;
        let changes = data["auditLog"]["nodes"][0]["changes"].as_array().unwrap().clone();
        let change = changes.into_iter().find(|change| change["field"] == "owner").unwrap();
        (change["before"].clone(), change["after"].clone())
    };
    let named = |person: &Person, name: &str| json!(format!("{name} ({})", person.id));
    let [of_mia, of_zoe] = [named(&mia, "mia"), named(&zoe, "zoe")];
    let workspace = app.workspace(&mia, &template, "box", "").await.workspace;
    app.work(&daemon).await;
    assert_eq!(owners().await, (Value::Null, of_mia.clone()));
    app.done(&mia.token, "stopWorkspace", "", json!({ "workspaceId": workspace })).await;
    app.work(&daemon).await;
    let query = "{ auditLog(first: 1, filter: { action: STOP }) { nodes { changes { field after } } } }";
    let data = app.ok(&owner, query, json!({})).await;
    let version = json!({ "field": "templateVersion", "after": format!("v1 ({})", template.version) });
    let changes = &data["auditLog"]["nodes"][0]["changes"];
    assert!(changes.as_array().unwrap().contains(&version), "{changes:#}");
    let transfer = json!({ "workspaceId": workspace, "ownerId": zoe.id });
    app.done(&owner.token, "transferWorkspace", "", transfer).await;
    assert_eq!(owners().await, (of_mia.clone(), of_zoe.clone()));
    let removal = json!({
        "organizationId": org.id, "userId": zoe.id, "workspaces": "TRANSFER", "transferToUserId": mia.id,
    });
    app.done(&owner.token, "removeMember", "", removal).await;
    assert_eq!(owners().await, (of_zoe, of_mia.clone()));
    let removal = json!({ "organizationId": org.id, "userId": mia.id, "workspaces": "KEEP" });
    app.done(&owner.token, "removeMember", "", removal).await;
    let forgotten = json!({ "workspaceId": workspace, "orphan": true });
    app.done(&owner.token, "deleteWorkspace", "", forgotten).await;
    assert_eq!(owners().await, (of_mia, Value::Null));
}
