//! Groups change and end: what of them, by whom, and what goes with them.

mod counts;
mod giving;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::calls::code;
use crate::support::{Backend, Org, Person, TestApp};

struct Scene {
    app: TestApp,
    owner: Person,
    org: Org,
    mia: Person,
    /// Holds nobody yet.
    crew: String,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let crew = app.group(&owner, &org, "crew", &[]).await;
        Some(Self { app, owner, org, mia, crew })
    }

    fn everyone(&self) -> String {
        self.org.id.replace("org_", "grp_")
    }

    async fn update(&self, person: &Person, input: Value) -> Value {
        let selection = "group { name displayName avatarUrl quotaAllowance version }";
        let body = self.app.call(Some(&person.token), "updateGroup", selection, input).await;
        assert!(body.get("errors").is_none(), "{body:#}");
        body["data"]["updateGroup"].clone()
    }

    /// The usernames of a group's members.
    async fn members(&self, person: &Person, group: &str, arguments: &str) -> Vec<String> {
        let query = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Group {{
               members({arguments}) {{ totalCount nodes {{ user {{ username }} }} }} }} }} }}"
        );
        let data = self.app.ok(person, &query, json!({ "id": group })).await;
        let members = &data["node"]["members"];
        let nodes = members["nodes"].as_array().unwrap();
        assert_eq!(members["totalCount"], nodes.len());
        nodes.iter().map(|node| node["user"]["username"].as_str().unwrap().to_owned()).collect()
    }

    /// Adds or removes members; answers a code for each.
    async fn change(&self, mutation: &str, group: &str, people: &[&str]) -> Vec<Value> {
        let input = json!({ "groupId": group, "userIds": people });
        let done = self
            .app
            .done(&self.owner.token, mutation, "results { userId userErrors { code field } }", input)
            .await;
        let results = done["results"].as_array().unwrap();
        let told: Vec<_> = results.iter().map(|result| result["userId"].as_str().unwrap()).collect();
        assert_eq!(told, people);
        results.iter().map(|result| result["userErrors"][0]["code"].clone()).collect()
    }
}

#[rstest]
#[tokio::test]
async fn a_patch_changes_what_it_says_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let owner = &scene.owner;
    let group = |name: &str, display: &str, avatar: &str, allowance: i32, version: i32| json!({ "name": name, "displayName": display, "avatarUrl": avatar, "quotaAllowance": allowance, "version": version });
    let changed =
        scene.update(owner, json!({ "groupId": scene.crew, "name": "Staff", "expectedVersion": 1 })).await;
    assert_eq!(changed["group"], group("staff", "crew display", "/avatars/crew.png", 5, 2));
    let emptied =
        json!({ "groupId": scene.crew, "displayName": null, "avatarUrl": null, "quotaAllowance": null });
    assert_eq!(scene.update(owner, emptied).await["group"], group("staff", "staff", "", 0, 3));
    // A variable that is not given is absent, not null.
    let document = "mutation($id: ID!, $display: String, $avatar: String) {
        updateGroup(input: { groupId: $id, displayName: $display, avatarUrl: $avatar }) {
          group { displayName avatarUrl } userErrors { message } } }";
    let variables = json!({ "id": scene.crew, "display": "Everyone who stays" });
    let payload = scene.app.run(owner, document, variables).await;
    assert_eq!(payload["group"], json!({ "displayName": "Everyone who stays", "avatarUrl": "" }));

    let stale =
        scene.update(owner, json!({ "groupId": scene.crew, "name": "x", "expectedVersion": 1 })).await;
    assert_eq!(stale["userErrors"][0]["code"], "STALE_VERSION");
    assert_eq!(stale["group"]["version"], 4, "the payload holds what is there now");
    scene.app.group(owner, &scene.org, "taken", &[]).await;
    for (input, code, field) in [
        (json!({ "name": "Taken" }), "NAME_TAKEN", "name"),
        (json!({ "name": null }), "BAD_USER_INPUT", "name"),
        (json!({ "name": "no good" }), "BAD_USER_INPUT", "name"),
        (json!({ "displayName": "x".repeat(65) }), "BAD_USER_INPUT", "displayName"),
        (json!({ "avatarUrl": "javascript:alert(1)" }), "BAD_USER_INPUT", "avatarUrl"),
        (json!({ "quotaAllowance": -1 }), "BAD_USER_INPUT", "quotaAllowance"),
    ] {
        let mut input = input;
        input["groupId"] = scene.crew.clone().into();
        let refused = scene.app.refused(&owner.token, "updateGroup", input.clone()).await;
        assert!(refused.is(code, &format!("input.{field}")), "{input}: {refused:?}");
    }
    let own = json!({ "groupId": scene.crew, "name": "staff" });
    assert_eq!(scene.update(owner, own).await["userErrors"], json!([]), "its own name is no other's");
}

#[rstest]
#[tokio::test]
async fn each_part_of_a_group_needs_its_permission(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let auditor = app.member_of(&scene.owner, &scene.org, "ada", &["organization-auditor"]).await;
    for person in [&scene.mia, &auditor] {
        for (mutation, input) in [
            ("updateGroup", json!({ "groupId": scene.crew, "displayName": "x" })),
            ("updateGroup", json!({ "groupId": scene.crew, "quotaAllowance": 1 })),
            ("deleteGroup", json!({ "groupId": scene.crew })),
            ("removeGroupMembers", json!({ "groupId": scene.crew, "userIds": [scene.mia.id] })),
        ] {
            let denied = app.denied(Some(&person.token), mutation, input.clone()).await;
            assert_eq!(denied, "FORBIDDEN", "{mutation} {input} as {}", person.username);
        }
    }
    let body = app
        .call(
            Some(&scene.mia.token),
            "updateGroup",
            "__typename",
            json!({ "groupId": scene.crew, "quotaAllowance": 1 }),
        )
        .await;
    assert_eq!(body["errors"][0]["extensions"]["requires"], "QUOTA_UPDATE", "{body:#}");
    // To somebody of another organization it is not there.
    let stranger = app.user(&scene.owner, "sam", &[]).await;
    for mutation in ["updateGroup", "deleteGroup"] {
        let refused = app.refused(&stranger.token, mutation, json!({ "groupId": scene.crew })).await;
        assert!(refused.is("NOT_FOUND", "input.groupId"), "{mutation}: {refused:?}");
    }
}

#[rstest]
#[tokio::test]
async fn everyone_has_an_allowance_and_nothing_else_to_change(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token, everyone) = (&scene.app, &scene.owner.token, scene.everyone());
    for field in ["name", "displayName", "avatarUrl"] {
        let mut input = json!({ "groupId": everyone, "quotaAllowance": 3 });
        input[field] = "x".into();
        let refused = app.refused(token, "updateGroup", input).await;
        assert!(refused.is("CONFLICT", &format!("input.{field}")), "{refused:?}");
    }
    let changed = scene.update(&scene.owner, json!({ "groupId": everyone, "quotaAllowance": 3 })).await;
    assert_eq!(changed["group"]["quotaAllowance"], 3);
    let refused = app.refused(token, "deleteGroup", json!({ "groupId": everyone })).await;
    assert!(refused.is("CONFLICT", "input.groupId"), "{refused:?}");
    assert_eq!(scene.change("addGroupMembers", &everyone, &[&scene.mia.id]).await, ["CONFLICT"]);
    assert_eq!(scene.change("removeGroupMembers", &everyone, &[&scene.mia.id]).await, ["CONFLICT"]);
    assert_eq!(scene.members(&scene.owner, &everyone, "first: 9").await, ["mia", "olga-owner"]);
}

#[rstest]
#[tokio::test]
async fn members_come_and_go_one_by_one(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, crew) = (&scene.app, scene.crew.as_str());
    let ada = app.member_of(&scene.owner, &scene.org, "ada", &[]).await;
    let stranger = app.user(&scene.owner, "sam", &[]).await;
    app.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(scene.change("addGroupMembers", crew, &[&scene.mia.id]).await, [Value::Null]);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let added = scene.change("addGroupMembers", crew, &[&ada.id, &scene.mia.id, &stranger.id, "usr_x"]).await;
    assert_eq!(added, [json!(null), json!("CONFLICT"), json!("NOT_FOUND"), json!("NOT_FOUND")]);
    for (arguments, expected) in [
        ("first: 5", vec!["ada", "mia"]),
        ("orderBy: USERNAME_DESC", vec!["mia", "ada"]),
        ("orderBy: CREATED_AT_ASC", vec!["mia", "ada"]),
        ("orderBy: CREATED_AT_DESC", vec!["ada", "mia"]),
        ("filter: { query: \"AD\" }", vec!["ada"]),
        ("filter: { query: \"%\" }", vec![]),
    ] {
        assert_eq!(scene.members(&scene.owner, crew, arguments).await, expected, "{arguments}");
    }
    let removed = scene.change("removeGroupMembers", crew, &[&scene.mia.id, &stranger.id, "nonsense"]).await;
    assert_eq!(removed, [json!(null), json!("NOT_FOUND"), json!("NOT_FOUND")]);
    assert_eq!(scene.members(&scene.owner, crew, "first: 5").await, ["ada"]);
    // Who leaves the organization leaves its groups.
    let leaving = json!({ "organizationId": scene.org.id, "userId": ada.id });
    app.done(&scene.owner.token, "removeMember", "", leaving).await;
    assert_eq!(scene.members(&scene.owner, crew, "first: 5").await, Vec::<String>::new());
    for count in [0, 101] {
        let input = json!({ "groupId": crew, "userIds": vec![scene.mia.id.clone(); count] });
        for mutation in ["addGroupMembers", "removeGroupMembers"] {
            let refused = app.refused(&scene.owner.token, mutation, input.clone()).await;
            assert!(refused.is("BAD_USER_INPUT", "input.userIds"), "{refused:?}");
        }
    }
}

/// Groups that an identity provider fills are its own to fill.
#[rstest]
#[tokio::test]
async fn nobody_puts_people_into_a_group_of_an_identity_provider(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    assert_eq!(scene.change("addGroupMembers", &scene.crew, &[&scene.mia.id]).await, [Value::Null]);
    for source in ["OIDC", "SCIM"] {
        scene
            .app
            .tables()
            .execute(&format!("update \"group\" set source = '{source}' where name = 'crew'"))
            .await;
        for mutation in ["addGroupMembers", "removeGroupMembers"] {
            assert_eq!(scene.change(mutation, &scene.crew, &[&scene.mia.id]).await, ["CONFLICT"]);
        }
        let query = "query($id: ID!, $source: GroupSource!) { organization(by: { id: $id }) {
            groups(filter: { source: $source }) { nodes { name } } } }";
        let data = scene.app.ok(&scene.owner, query, json!({ "id": scene.org.id, "source": source })).await;
        assert_eq!(data["organization"]["groups"]["nodes"], json!([{ "name": "crew" }]));
    }
}

#[rstest]
#[tokio::test]
async fn what_a_group_gave_goes_with_it(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    scene.change("addGroupMembers", &scene.crew, &[&scene.mia.id]).await;
    let key = app.provisioner_key(owner, &scene.org, "key", &[]).await;
    let daemon = app.daemon(&key, &scene.org, "daemon").await;
    app.template(owner, &scene.org, "dev").await;
    app.work(&daemon).await;
    // The template is for the crew alone.
    app.tables()
        .execute("update template_acl set group_id = (select id from \"group\" where name = 'crew')")
        .await;
    let sees = async || {
        let query = "query($id: ID!) { organization(by: { id: $id }) { templates { totalCount }
            members(filter: { query: \"mia\" }) { nodes { quota { budget } } } } }";
        let seen = app.ok(&scene.mia, query, json!({ "id": scene.org.id })).await["organization"].clone();
        (seen["templates"]["totalCount"].clone(), seen["members"]["nodes"][0]["quota"]["budget"].clone())
    };
    assert_eq!(sees().await, (json!(1), json!(5)));
    let deleted =
        app.done(&owner.token, "deleteGroup", "deletedGroupId", json!({ "groupId": scene.crew })).await;
    assert_eq!(deleted["deletedGroupId"], scene.crew.as_str());
    assert_eq!(sees().await, (json!(0), Value::Null), "no group has an allowance any more");
    assert_eq!(app.tables().count("group_member").await, 0);
    let refused = app.refused(&owner.token, "deleteGroup", json!({ "groupId": scene.crew })).await;
    assert!(refused.is("NOT_FOUND", "input.groupId"), "{refused:?}");
    let query = "query($id: ID!) { auditLog(filter: { resourceId: $id, action: DELETE }) { nodes {
        resourceName changes { field before after } } } }";
    let entries = app.ok(owner, query, json!({ "id": scene.crew })).await["auditLog"]["nodes"].clone();
    assert_eq!(entries.as_array().map(Vec::len), Some(1));
    assert_eq!(entries[0]["resourceName"], "crew");
    let change = |field: &str| {
        let changes = entries[0]["changes"].as_array().unwrap();
        changes.iter().find(|change| change["field"] == field).unwrap()["before"].clone()
    };
    assert_eq!((change("members"), change("templateAccess")), (json!(1), json!(1)));
    app.group(owner, &scene.org, "crew", &[]).await;
}

/// Of somebody else's groups one knows those that one is in oneself, and all with a role that reads members of groups.
#[rstest]
#[tokio::test]
async fn whose_groups_are_known(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let ada = app.member_of(&scene.owner, &scene.org, "ada", &[]).await;
    let secret = app.group(&scene.owner, &scene.org, "secret", &[&scene.mia]).await;
    scene.change("addGroupMembers", &scene.crew, &[&scene.mia.id, &ada.id]).await;
    let of_mia = async |person: &Person| {
        let query = "query($id: ID!, $user: ID!) { organization(by: { id: $id }) {
            members(filter: { userId: $user }) { nodes { groups { totalCount nodes { name } } } } } }";
        let variables = json!({ "id": scene.org.id, "user": scene.mia.id });
        let groups =
            app.ok(person, query, variables).await["organization"]["members"]["nodes"][0]["groups"].clone();
        let nodes = groups["nodes"].as_array().unwrap();
        assert_eq!(groups["totalCount"], nodes.len());
        nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of_mia(&scene.owner).await, ["crew", "everyone", "secret"]);
    assert_eq!(of_mia(&scene.mia).await, ["crew", "everyone", "secret"]);
    assert_eq!(of_mia(&ada).await, ["crew", "everyone"]);
    // The filter by group is no way around it.
    let in_group = async |person: &Person, group: &str| {
        let query = "query($id: ID!, $group: ID!) { organization(by: { id: $id }) {
            members(filter: { groupId: $group }) { totalCount } } }";
        let variables = json!({ "id": scene.org.id, "group": group });
        app.ok(person, query, variables).await["organization"]["members"]["totalCount"].clone()
    };
    assert_eq!((in_group(&scene.owner, &secret).await, in_group(&ada, &secret).await), (json!(1), json!(0)));
    assert_eq!(in_group(&ada, &scene.crew).await, 2);
    assert_eq!(in_group(&ada, &scene.everyone()).await, 3);
    assert_eq!(in_group(&scene.owner, "nonsense").await, 0);
    let body = app
        .graphql(
            Some(&ada.token),
            "query($id: ID!) { node(id: $id) { ... on Group { members { totalCount } } } }",
            json!({ "id": secret }),
        )
        .await;
    assert_eq!(code(&body), "FORBIDDEN");
}

/// A filter by what one may not see finds nothing, whoever it is true of.
#[rstest]
#[tokio::test]
async fn contacts_are_searched_by_those_who_see_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let ada = app.member_of(&scene.owner, &scene.org, "ada", &["organization-user-admin"]).await;
    let find = async |person: &Person, filter: &str| {
        let query = format!(
            "query($id: ID!) {{ organization(by: {{ id: $id }}) {{
               members(filter: {{ {filter} }}) {{ nodes {{ user {{ username }} }} }} }} }}"
        );
        let data = app.ok(person, &query, json!({ "id": scene.org.id })).await;
        let nodes = data["organization"]["members"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["user"]["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find(&ada, "query: \"@example.com\"").await, ["ada", "mia", "olga-owner"]);
    assert_eq!(find(&scene.mia, "query: \"@example.com\"").await, ["mia"], "one's own");
    app.tables().execute("update \"user\" set status = 'DORMANT' where username = 'olga-owner'").await;
    assert_eq!(find(&ada, "status: DORMANT").await, ["olga-owner"]);
    assert_eq!(find(&scene.mia, "status: DORMANT").await, Vec::<String>::new());
    assert_eq!(find(&scene.mia, "status: ACTIVE").await, ["mia"]);
    assert_eq!(find(&scene.mia, "role: \"organization-user-admin\"").await, ["ada"]);
}
