//! Every mutation: what succeeds leaves exactly its entries in the audit log, and what fails at any of its writes or at its
//! commit leaves nothing at all, in no table: of a bulk mutation, nothing of the item that failed. A mutation without a case
//! here fails the test.

mod case;
mod fault;

use std::collections::BTreeSet;

use guildhall::db;
use rstest::rstest;
use sea_orm::ConnectionTrait as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use self::case::Case;
use self::fault::Fault;
use crate::access::{self, ONESELF};
use crate::support::daemon::{Daemon, plain_build};
use crate::support::schema::Schema;
use crate::support::upload::Template;
use crate::support::{Backend, Org, PASSWORD, Person, TestApp, start_of_time};

/// SQLite gives up the transaction that finds no room, and what comes after it is kept again: nothing is said to be done that is
/// a part of what was given up.
#[tokio::test]
async fn a_full_disk_is_told_and_forgotten() {
    let Some(app) = TestApp::start(Backend::Sqlite).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let writer = db::migration_connection(app.app.db());
    let no_room = "pragma max_page_count = 1";
    for round in 0..3 {
        // It can't be less than there is.
        writer.execute_unprepared(no_room).await.unwrap();
        let mut made = 0;
        let told = loop {
            let input = json!({
                "organizationId": org.id, "name": format!("g{round}-{made}"), "displayName": "x".repeat(60),
            });
            let body = app.call(Some(&owner.token), "createGroup", "group { id }", input).await;
            if body.get("errors").is_some() {
                break body["errors"][0]["extensions"]["code"].clone();
            }
            made += 1;
        };
        assert_eq!(told, "UNAVAILABLE");
        let input = json!({ "organizationId": org.id, "name": format!("after-{round}") });
        let selection = "group { id name } userErrors { message }";
        let body = app.call(Some(&owner.token), "createGroup", selection, input).await;
        let group = &body["data"]["createGroup"]["group"];
        assert_eq!(group["name"], format!("after-{round}"), "{body:#}");
        let input = json!({ "groupId": group["id"] });
        app.done(&owner.token, "deleteGroup", "deletedGroupId", input).await;
        let left = format!("select name from \"group\" where name like 'g{round}-%' or name like 'after-%'");
        assert_eq!(
            app.tables().texts(&left).await.len(),
            made,
            "what was told to be done is, and nothing else"
        );
    }
}

#[rstest]
#[tokio::test]
async fn a_write_is_whole_or_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    Fault::prepare(&app).await;
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let setup_token = app.app.setup_token().unwrap().expose_secret().to_owned();
    let first = json!({ "setupToken": setup_token, "username": "flo", "email": "f@example.com", "password": PASSWORD });
    let first = Case::new("createFirstUser", None, Some(first), 3);
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
    let olaf = app.user(&owner, "olaf", &[]).await;
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
    let third = app.push(&owner, &template, json!({ "promote": false })).await.id;
    let unused = app.template(&owner, &org, "unused").await;
    app.work(&daemon).await;
    let file = app.upload(&owner).await;
    // Whose workspaces, session and token they are: a member like any other.
    let maker = app.member_of(&owner, &org, "maker", &[]).await;
    let session = app.session(&app.sign_in("maker").await).await;
    let (token, _) = app.api_token(&maker, json!({ "name": "spare" })).await;
    let built = app.workspace(&maker, &template, "built", "").await.workspace;
    let mut leaving = Vec::new();
    for name in ["lou", "lin"] {
        let leaver = app.member_of(&owner, &org, name, &[]).await;
        app.workspace(&leaver, &template, "left", "").await;
        leaving.push(leaver.id);
    }
    let lent = app.workspace(&maker, &template, "lent", "").await.workspace;
    let asleep = app.workspace(&maker, &template, "asleep", "").await.workspace;
    let stray = app.workspace(&maker, &template, "stray", "").await.workspace;
    app.work(&daemon).await;
    app.tables().execute("update workspace set deadline = created_at where name = 'built'").await;
    app.tables().execute("update workspace set dormant_at = created_at where name = 'asleep'").await;
    app.join(&owner, &org, &leaver, &[]).await;
    let waiting = app.workspace(&maker, &template, "waiting", "").await.job;

    let case = |mutation, input, entries| Case::new(mutation, Some(&owner.token), Some(input), entries);
    let elsewhere = app.organization(&owner, "elsewhere").await;
    let mut cast = access::Cast::of(&app, &owner, &org, &elsewhere).await;
    cast.add("listed ADMIN", &access::listed(&app, &owner, &org, &[&template, &unused]).await.token);
    cast.add("whose it is", &maker.token);
    cast.add("daemon", &key.secret);
    cast.provide(&app, &owner, &file, &empty).await;
    let mut access = access::Writes::new(cast);
    access.try_on(&app, first.mutation, "", first.input.as_ref()).await;
    let (team, org) = (&org, org.id.as_str());
    // What a group that administers templates gives its members.
    let admins = app.group(&owner, team, "admins", &[]).await;
    let entries = json!([{ "groupId": admins, "role": "ADMIN" }]);
    let input = json!({ "templateId": template.id, "entries": entries });
    app.done(&owner.token, "setTemplateAccess", "", input).await;
    let members = |people: &[(&Person, &[&str])]| -> Vec<Value> {
        people.iter().map(|(person, roles)| json!({ "userId": person.id, "roles": roles })).collect()
    };
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
        case(
            "addMembers",
            json!({ "organizationId": org, "members": members(&[(&nora, &[]), (&olaf, &[])]) }),
            2,
        )
        .of_each("members")
        .or(
            "as organization-admin",
            json!({ "organizationId": org, "members": members(&[(&nora, &["organization-admin"])]) }),
        ),
        case(
            "setMemberRoles",
            json!({ "organizationId": org, "userId": nora.id, "roles": ["organization-auditor"] }),
            1,
        )
        .or(
            "a creation ban",
            json!({
                "organizationId": org, "userId": nora.id, "roles": ["organization-workspace-creation-ban"],
            }),
        ),
        case("updateUser", json!({ "userId": nora.id, "name": "Nora", "email": "nora@example.org" }), 1)
            .or("oneself", json!({ "userId": ONESELF, "name": "Myself" })),
        case("setUserSiteRoles", json!({ "userId": nora.id, "siteRoles": ["auditor"] }), 1),
        case("suspendUser", json!({ "userId": nora.id }), 1),
        case("activateUser", json!({ "userId": nora.id }), 1),
        case("resetPassword", json!({ "userId": nora.id, "password": "another battery" }), 1),
        case("changePassword", json!({ "currentPassword": PASSWORD, "newPassword": "a horse of mine" }), 1),
        case("deleteUser", json!({ "userId": gone.id }), 2),
        case("createApiToken", json!({ "name": "fresh" }), 1),
        case("revokeApiToken", json!({ "apiTokenId": token }), 1),
        case("revokeSession", json!({ "sessionId": session }), 1),
        case("revokeAllSessions", json!({ "userId": nora.id }), 1)
            .or("oneself", json!({ "userId": ONESELF, "keepCurrent": true })),
        case(
            "createRole",
            json!({ "organizationId": org, "name": "fresh", "permissions": ["GROUP_CREATE"] }),
            1,
        ),
        case("updateRole", json!({ "roleId": role, "permissions": ["GROUP_CREATE", "GROUP_UPDATE"] }), 1),
        // One for the role, one for whoever held it.
        case("deleteRole", json!({ "roleId": role }), 2),
        case("createGroup", json!({ "organizationId": org, "name": "staff" }), 1),
        case("addGroupMembers", json!({ "groupId": group, "userIds": [nora.id, olaf.id] }), 2)
            .of_each("userIds")
            .or("oneself", json!({ "groupId": group, "userIds": [ONESELF] }))
            .or("who administer a template", json!({ "groupId": admins, "userIds": [nora.id] })),
        case("updateGroup", json!({ "groupId": group, "displayName": "The crew", "quotaAllowance": 9 }), 2)
            .or("its display name", json!({ "groupId": group, "displayName": "The crew" })),
        case("removeGroupMembers", json!({ "groupId": group, "userIds": [nora.id, olaf.id] }), 2)
            .of_each("userIds"),
        case("deleteGroup", json!({ "groupId": group }), 1),
        case(
            "setMembersRoles",
            json!({
                "organizationId": org, "members": members(&[(&nora, &[]), (&olaf, &["organization-auditor"])]),
            }),
            2,
        )
        .of_each("members")
        .or(
            "to organization-admin",
            json!({ "organizationId": org, "members": members(&[(&olaf, &["organization-admin"])]) }),
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
            json!({
                "templateId": template.id, "entries": [
                    { "groupId": other_group, "role": "ADMIN" }, { "userId": olaf.id, "role": "USE" },
                ],
            }),
            2,
        )
        .of_each("entries")
        .or(
            "USE",
            json!({ "templateId": template.id, "entries": [{ "groupId": other_group, "role": "USE" }] }),
        )
        .or("taken", json!({ "templateId": template.id, "entries": [{ "groupId": admins, "role": "NONE" }] })),
        case("createTemplateVersion", json!({ "templateId": template.id, "fileId": file }), 1),
        case("promoteTemplateVersion", json!({ "templateVersionId": version }), 1),
        case("updateTemplateVersion", json!({ "templateVersionId": version, "message": "new" }), 1),
        case(
            "archiveTemplateVersions",
            json!({ "templateId": template.id, "templateVersionIds": [template.version, third] }),
            2,
        )
        .of_each("templateVersionIds"),
        case("unarchiveTemplateVersion", json!({ "templateVersionId": template.version }), 1),
        case("createTemplateVersionDryRun", json!({ "templateVersionId": version }), 1),
        case("updateTemplate", json!({ "templateId": template.id, "defaultTtlSeconds": 3600 }), 1),
        case("deleteTemplate", json!({ "templateId": unused.id }), 1),
        case("createWorkspace", json!({ "templateId": template.id, "name": "fresh" }), 1),
        case("setWorkspaceFavorite", json!({ "workspaceId": built, "favorite": true }), 0),
        case("touchWorkspace", json!({ "workspaceId": built }), 0),
        case("updateWorkspace", json!({ "workspaceId": built, "ttlSeconds": 3600 }), 1),
        case(
            "extendWorkspaceDeadline",
            json!({ "workspaceId": built, "deadline": "2026-11-24T12:00:00Z" }),
            1,
        ),
        case("activateWorkspace", json!({ "workspaceId": asleep }), 1),
        case("transferWorkspace", json!({ "workspaceId": lent, "ownerId": leaver.id }), 1),
        case("deleteWorkspace", json!({ "workspaceId": stray, "orphan": true }), 1).with("orphan"),
        case("restartWorkspace", json!({ "workspaceId": built }), 1),
        case("updateWorkspaceVersion", json!({ "workspaceId": built }), 1),
        case("stopWorkspace", json!({ "workspaceId": built }), 1),
        case("startWorkspace", json!({ "workspaceId": built }), 1),
        case("deleteWorkspace", json!({ "workspaceId": built }), 1),
        Case::new("signIn", None, Some(json!({ "login": "nora", "password": "another battery" })), 1),
        // The membership and the workspace that is stopped with it.
        case(
            "removeMembers",
            json!({ "organizationId": org, "userIds": leaving, "workspaces": "STOP" }),
            4,
        )
        .of_each("userIds")
        .or("workspaces kept", json!({ "organizationId": org, "userIds": leaving, "workspaces": "KEEP" })),
        Case::new("signOut", Some(&leaver.token), None, 1),
    ];
    for case in &cases {
        Fault::Entry.arm(&app).await;
        access.try_on(&app, case.mutation, case.with, case.input.as_ref()).await;
        for (with, input) in &case.others {
            access.try_on(&app, case.mutation, with, Some(input)).await;
        }
        Fault::Entry.disarm(&app).await;
        case.try_on(&app).await;
        seen.insert(case.mutation);
        app.work(&daemon).await;
    }
    access.try_on_progress(&app, &owner, team, &daemon, &template).await;
    for case in progress(&app, &owner, team, &daemon, &template).await {
        case.try_on(&app).await;
        seen.insert(case.mutation);
    }
    let mutations = Schema::committed().fields("Mutation");
    let missing: Vec<_> =
        mutations.iter().map(|field| field.name.as_str()).filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "give these a valid input above: {missing:?}");
    access.assert();
}

/// What daemons say is progress, not anybody's change: it leaves no entry (`audit.rs`).
async fn progress(
    app: &TestApp,
    owner: &Person,
    org: &Org,
    daemon: &Daemon,
    template: &Template,
) -> Vec<Case> {
    let case = |mutation, input| Case::new(mutation, Some(&daemon.secret), Some(input), 0);
    let hands = json!({ "provisionerDaemonId": daemon.id });
    let done = app.workspace(owner, template, "for-faults", "").await.job;
    let gone_wrong = app.workspace(owner, template, "for-failing", "").await.job;
    let line = json!({
        "time": start_of_time(), "level": "INFO", "source": "PROVISIONER", "stage": "Plan", "text": "planned",
    });
    vec![
        case(
            "registerProvisionerDaemon",
            json!({ "organization": org.name, "name": "faulty", "version": "0.1.0", "engines": ["ECHO"] }),
        ),
        case("heartbeatProvisionerDaemon", json!({ "provisionerDaemonId": daemon.id, "runningJobIds": [] })),
        case("signOffProvisionerDaemon", hands.clone()),
        case("acquireProvisionerJob", hands.clone()),
        case(
            "appendProvisionerJobLogs",
            json!({ "provisionerJobId": done, "firstSequence": 1, "logs": [line] }),
        ),
        case("planWorkspaceBuild", json!({ "provisionerJobId": done, "dailyCost": 0 })),
        case("completeProvisionerJob", json!({ "provisionerJobId": done, "result": plain_build() })),
        case("acquireProvisionerJob", hands),
        case(
            "failProvisionerJob",
            json!({ "provisionerJobId": gone_wrong, "code": "APPLY_FAILED", "message": "it went wrong" }),
        ),
    ]
}
