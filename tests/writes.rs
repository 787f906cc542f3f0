//! Every mutation: what succeeds leaves exactly its entries in the audit log, and what fails at the entry or at the commit
//! leaves nothing at all, in no table. A mutation without a case here fails the test.

use std::collections::BTreeSet;

use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::access;
use crate::support::schema::Schema;
use crate::support::{Backend, PASSWORD, TestApp};

/// What daemons say is progress, not anybody's change: it leaves no entry (`audit.rs`).
const PROGRESS: &[&str] = &[
    "acquireProvisionerJob",
    "appendProvisionerJobLogs",
    "completeProvisionerJob",
    "failProvisionerJob",
    "heartbeatProvisionerDaemon",
    "planWorkspaceBuild",
    "registerProvisionerDaemon",
    // What somebody marks for themselves, and that they are there.
    "setWorkspaceFavorite",
    "touchWorkspace",
];

/// Where a transaction is made to fail.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// As the entry of the audit log is written.
    Entry,
    /// As the transaction commits, with everything written.
    Commit,
}

impl Fault {
    async fn arm(self, app: &TestApp) {
        let (sqlite, postgres) = match self {
            Self::Entry => (
                "create trigger fault before insert on audit_log begin select raise(abort, 'fault'); end",
                "create trigger fault before insert on audit_log for each row execute function fault()",
            ),
            Self::Commit => (
                "create trigger fault after insert on audit_log begin insert into fault values (1); end",
                "create constraint trigger fault after insert on audit_log deferrable initially deferred
                    for each row execute function fault()",
            ),
        };
        app.tables().execute_on(sqlite, postgres).await;
    }

    async fn disarm(app: &TestApp) {
        app.tables().execute_on("drop trigger fault", "drop trigger fault on audit_log").await;
    }

    /// What the triggers need.
    async fn prepare(app: &TestApp) {
        let sqlite = "create table fault_parent (id integer primary key);
            create table fault (parent integer references fault_parent (id) deferrable initially deferred)";
        let postgres = "create function fault() returns trigger language plpgsql as
            $$ begin raise exception 'fault'; end $$";
        app.tables().execute_on(sqlite, postgres).await;
    }
}

/// A valid use of a mutation.
struct Case {
    mutation: &'static str,
    token: Option<String>,
    /// None for the mutation that takes none.
    input: Option<Value>,
    /// How many entries it leaves.
    entries: usize,
}

impl Case {
    async fn send(&self, app: &TestApp) -> Value {
        match &self.input {
            Some(input) => app.call(self.token.as_deref(), self.mutation, "__typename", input.clone()).await,
            None => {
                let document = format!("mutation {{ {} {{ userErrors {{ message }} }} }}", self.mutation);
                app.graphql(self.token.as_deref(), &document, json!({})).await
            }
        }
    }

    /// Fails at each fault and leaves nothing, then succeeds and leaves its entries.
    async fn try_on(&self, app: &TestApp) {
        let name = self.mutation;
        let before = app.tables().dump().await;
        for fault in [Fault::Entry, Fault::Commit] {
            fault.arm(app).await;
            let body = self.send(app).await;
            Fault::disarm(app).await;
            let code = &body["errors"][0]["extensions"]["code"];
            assert_eq!(code, "INTERNAL_SERVER_ERROR", "{name} at {fault:?}: {body:#}");
            let after = app.tables().dump().await;
            // A try to sign in counts, whatever becomes of it.
            let counts = |row: &&String| row.starts_with("sign_in_attempt ");
            let left: Vec<_> = after.symmetric_difference(&before).filter(|row| !counts(row)).collect();
            assert!(left.is_empty(), "{name} at {fault:?} left {left:#?}");
        }
        let entries = app.tables().count("audit_log").await;
        let body = self.send(app).await;
        assert!(body.get("errors").is_none(), "{name}: {body:#}");
        assert_eq!(body["data"][name]["userErrors"], json!([]), "{name}: {body:#}");
        assert_eq!(app.tables().count("audit_log").await - entries, self.entries, "{name}");
    }
}

#[rstest]
#[tokio::test]
async fn a_write_is_whole_or_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    Fault::prepare(&app).await;
    let mut seen: BTreeSet<&str> = PROGRESS.iter().copied().collect();
    let setup_token = app.app.setup_token().unwrap().expose_secret().to_owned();
    let first = json!({ "setupToken": setup_token, "username": "flo", "email": "f@example.com", "password": PASSWORD });
    let first = Case { mutation: "createFirstUser", token: None, input: Some(first), entries: 3 };
    first.try_on(&app).await;
    seen.insert(first.mutation);

    let owner = app.sign_in("flo").await;
    let org = app.organization(&owner, "alpha").await;
    let spare = app.provisioner_key(&owner, &org, "spare", &[]).await;
    let lost = app.daemon(&spare, &org, "lost").await;
    // Long enough for it to be offline.
    app.clock.advance(chrono::TimeDelta::seconds(91));
    let leaver = app.user(&owner, "lea", &[]).await;
    let nora = app.user(&owner, "nora", &[]).await;
    let gone = app.user(&owner, "gone", &[]).await;
    let session = app.session(&app.sign_in("lea").await).await;
    let (token, _) = app.api_token(&owner, json!({ "name": "spare" })).await;
    let empty = app.organization(&owner, "empty").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "daemon").await;
    let group = app.group(&owner, &org, "crew", &[]).await;
    app.join(&owner, &org, &gone, &[]).await;
    let role = app.role(&owner, &org, "clerk", &["GROUP_CREATE"]).await;
    app.member_of(&owner, &org, "holder", &["clerk"]).await;
    let other_group = app.group(&owner, &org, "other", &[]).await;
    let template = app.template(&owner, &org, "dev").await;
    app.work(&daemon).await;
    let version = app.push(&owner, &template, json!({ "promote": false })).await.id;
    let unused = app.template(&owner, &org, "unused").await;
    app.work(&daemon).await;
    let file = app.upload(&owner).await;
    let built = app.workspace(&owner, &template, "built", "").await.workspace;
    app.work(&daemon).await;
    let leaving = app.member_of(&owner, &org, "lou", &[]).await;
    app.workspace(&leaving, &template, "left", "").await;
    app.work(&daemon).await;
    let lent = app.workspace(&owner, &template, "lent", "").await.workspace;
    let asleep = app.workspace(&owner, &template, "asleep", "").await.workspace;
    let stray = app.workspace(&owner, &template, "stray", "").await.workspace;
    app.work(&daemon).await;
    app.tables().execute("update workspace set deadline = created_at where name = 'built'").await;
    app.tables().execute("update workspace set dormant_at = created_at where name = 'asleep'").await;
    app.join(&owner, &org, &leaver, &[]).await;
    let waiting = app.workspace(&owner, &template, "waiting", "").await.job;

    let case = |mutation, input: Value, entries| Case {
        mutation,
        token: Some(owner.token.clone()),
        input: Some(input),
        entries,
    };
    let elsewhere = app.organization(&owner, "elsewhere").await;
    let mut cast = access::Cast::of(&app, &owner, &org, &elsewhere).await;
    cast.add("listed ADMIN", &access::listed(&app, &owner, &org, &[&template, &unused]).await.token);
    cast.add("daemon", &key.secret);
    let mut access = access::Writes::new(cast);
    access.try_on(&app, first.mutation, first.input.as_ref()).await;
    let (team, org) = (&org, org.id.as_str());
    let cases = [
        case("cancelProvisionerJob", json!({ "provisionerJobId": waiting }), 1),
        case("createOrganization", json!({ "name": "beta" }), 2),
        case("updateOrganization", json!({ "organizationId": org, "displayName": "Alpha" }), 1),
        case("deleteOrganization", json!({ "organizationId": empty.id }), 1),
        case(
            "createUser",
            json!({ "username": "mia", "email": "m@example.com", "organizationIds": [org] }),
            2,
        ),
        case("addMembers", json!({ "organizationId": org, "members": [{ "userId": nora.id }] }), 1),
        case(
            "setMemberRoles",
            json!({ "organizationId": org, "userId": nora.id, "roles": ["organization-auditor"] }),
            1,
        ),
        case("updateUser", json!({ "userId": nora.id, "name": "Nora", "email": "nora@example.org" }), 1),
        case("setUserSiteRoles", json!({ "userId": nora.id, "siteRoles": ["auditor"] }), 1),
        case("suspendUser", json!({ "userId": nora.id }), 1),
        case("activateUser", json!({ "userId": nora.id }), 1),
        case("resetPassword", json!({ "userId": nora.id, "password": "another battery" }), 1),
        case("changePassword", json!({ "currentPassword": PASSWORD, "newPassword": "a horse of mine" }), 1),
        case("deleteUser", json!({ "userId": gone.id }), 2),
        case("createApiToken", json!({ "name": "fresh" }), 1),
        case("revokeApiToken", json!({ "apiTokenId": token }), 1),
        case("revokeSession", json!({ "sessionId": session }), 1),
        case("revokeAllSessions", json!({ "userId": nora.id }), 1),
        case(
            "createRole",
            json!({ "organizationId": org, "name": "fresh", "permissions": ["GROUP_CREATE"] }),
            1,
        ),
        case("updateRole", json!({ "roleId": role, "permissions": ["GROUP_CREATE", "GROUP_UPDATE"] }), 1),
        // One for the role, one for whoever held it.
        case("deleteRole", json!({ "roleId": role }), 2),
        case("createGroup", json!({ "organizationId": org, "name": "staff" }), 1),
        case("addGroupMembers", json!({ "groupId": group, "userIds": [nora.id] }), 1),
        case("updateGroup", json!({ "groupId": group, "displayName": "The crew", "quotaAllowance": 9 }), 2),
        case("removeGroupMembers", json!({ "groupId": group, "userIds": [nora.id] }), 1),
        case("deleteGroup", json!({ "groupId": group }), 1),
        case(
            "setMembersRoles",
            json!({ "organizationId": org, "members": [{ "userId": nora.id, "roles": [] }] }),
            1,
        ),
        case("setGroupQuota", json!({ "groupId": other_group, "allowance": 7 }), 1),
        case("setOrganizationQuota", json!({ "organizationId": org, "cap": 100 }), 1),
        case("removeMember", json!({ "organizationId": org, "userId": nora.id }), 1),
        case("createProvisionerKey", json!({ "organizationId": org, "name": "fresh" }), 1),
        case("updateProvisionerKey", json!({ "provisionerKeyId": spare.id, "name": "reserve" }), 1),
        case("rotateProvisionerKey", json!({ "provisionerKeyId": spare.id }), 1),
        case("disableProvisionerKey", json!({ "provisionerKeyId": spare.id }), 1),
        case("enableProvisionerKey", json!({ "provisionerKeyId": spare.id }), 1),
        case("deleteProvisionerDaemon", json!({ "provisionerDaemonId": lost.id }), 1),
        case("deleteProvisionerKey", json!({ "provisionerKeyId": spare.id }), 1),
        case(
            "createTemplate",
            json!({ "organizationId": org, "name": "fresh", "version": { "fileId": file } }),
            2,
        ),
        case(
            "setTemplateAccess",
            json!({ "templateId": template.id, "entries": [{ "groupId": other_group, "role": "ADMIN" }] }),
            1,
        ),
        case("createTemplateVersion", json!({ "templateId": template.id, "fileId": file }), 1),
        case("promoteTemplateVersion", json!({ "templateVersionId": version }), 1),
        case("updateTemplateVersion", json!({ "templateVersionId": version, "message": "new" }), 1),
        case(
            "archiveTemplateVersions",
            json!({ "templateId": template.id, "templateVersionIds": [template.version] }),
            1,
        ),
        case("unarchiveTemplateVersion", json!({ "templateVersionId": template.version }), 1),
        case("createTemplateVersionDryRun", json!({ "templateVersionId": version }), 1),
        case("updateTemplate", json!({ "templateId": template.id, "defaultTtlSeconds": 3600 }), 1),
        case("deleteTemplate", json!({ "templateId": unused.id }), 1),
        case("createWorkspace", json!({ "templateId": template.id, "name": "fresh" }), 1),
        case("updateWorkspace", json!({ "workspaceId": built, "ttlSeconds": 3600 }), 1),
        case(
            "extendWorkspaceDeadline",
            json!({ "workspaceId": built, "deadline": "2026-11-24T12:00:00Z" }),
            1,
        ),
        case("activateWorkspace", json!({ "workspaceId": asleep }), 1),
        case("transferWorkspace", json!({ "workspaceId": lent, "ownerId": leaver.id }), 1),
        case("deleteWorkspace", json!({ "workspaceId": stray, "orphan": true }), 1),
        case("restartWorkspace", json!({ "workspaceId": built }), 1),
        case("updateWorkspaceVersion", json!({ "workspaceId": built }), 1),
        case("stopWorkspace", json!({ "workspaceId": built }), 1),
        case("startWorkspace", json!({ "workspaceId": built }), 1),
        case("deleteWorkspace", json!({ "workspaceId": built }), 1),
        Case { token: None, ..case("signIn", json!({ "login": "nora", "password": "another battery" }), 1) },
        // The membership and the workspace that is stopped with it.
        case(
            "removeMembers",
            json!({ "organizationId": org, "userIds": [leaving.id], "workspaces": "STOP" }),
            2,
        ),
        Case { mutation: "signOut", token: Some(leaver.token), input: None, entries: 1 },
    ];
    for case in &cases {
        Fault::Entry.arm(&app).await;
        access.try_on(&app, case.mutation, case.input.as_ref()).await;
        Fault::disarm(&app).await;
        case.try_on(&app).await;
        seen.insert(case.mutation);
        app.work(&daemon).await;
    }
    access.try_on_progress(&app, &owner, team, &daemon, &template).await;
    let mutations = Schema::committed().fields("Mutation");
    let missing: Vec<_> =
        mutations.iter().map(|field| field.name.as_str()).filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "give these a valid input above: {missing:?}");
    access.assert();
}
