//! Access lists of templates: who may use and administer one, who may change that, and what a group reaches by them.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::upload::Template;
use crate::support::{Backend, Org, Person, TestApp};

/// An organization with a template that Everyone may use.
struct Scene {
    app: TestApp,
    owner: Person,
    org: Org,
    /// Holds the role that administers all templates.
    author: Person,
    ana: Person,
    mia: Person,
    /// Mia is in it.
    crew: String,
    daemon: Daemon,
    template: Template,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let author = app.member_of(&owner, &org, "author", &["organization-template-admin"]).await;
        let ana = app.member_of(&owner, &org, "ana", &[]).await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let crew = app.group(&owner, &org, "crew", &[&mia]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&author, &org, "dev").await;
        app.work(&daemon).await;
        Some(Self { app, owner, org, author, ana, mia, crew, daemon, template })
    }

    fn everyone(&self) -> String {
        self.org.id.replace("org_", "grp_")
    }

    fn entries(&self, entries: Value) -> Value {
        json!({ "templateId": self.template.id, "entries": entries })
    }

    fn user(person: &Person, role: &str) -> Value {
        json!({ "userId": person.id, "role": role })
    }

    fn group(id: &str, role: &str) -> Value {
        json!({ "groupId": id, "role": role })
    }

    /// Changes one entry; answers the code of what it complains of.
    async fn set(&self, by: &Person, entry: Value) -> Option<String> {
        let selection = "results { role userErrors { code field } }";
        let payload =
            self.app.done(&by.token, "setTemplateAccess", selection, self.entries(json!([entry]))).await;
        payload["results"][0]["userErrors"][0]["code"].as_str().map(str::to_owned)
    }

    /// What somebody sees of the template, if they see it.
    async fn can(&self, person: &Person) -> Option<Vec<String>> {
        let query = "query($id: ID!) { node(id: $id) { ... on Template { viewerCan } } }";
        let body = self.app.ok(person, query, json!({ "id": self.template.id })).await;
        let held = body["node"]["viewerCan"].as_array()?;
        Some(held.iter().map(|permission| permission.as_str().unwrap().to_owned()).collect())
    }

    /// The access list: who, and their role.
    async fn list(&self, by: &Person) -> Vec<(String, String)> {
        let query =
            "query($id: ID!) { node(id: $id) { ... on Template { access(first: 50) { totalCount nodes {
            role subject { ... on User { name: username } ... on Group { groupName: name } } } } } } }";
        let body = self.app.ok(by, query, json!({ "id": self.template.id })).await;
        let access = &body["node"]["access"];
        let nodes = access["nodes"].as_array().unwrap();
        assert_eq!(access["totalCount"], nodes.len());
        let entry = |node: &Value| {
            let name = node["subject"]["name"].as_str().or(node["subject"]["groupName"].as_str());
            (name.unwrap().to_owned(), node["role"].as_str().unwrap().to_owned())
        };
        nodes.iter().map(entry).collect()
    }
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

const USE: [&str; 2] = ["TEMPLATE_READ", "TEMPLATE_USE"];
const ADMIN: [&str; 4] = ["TEMPLATE_READ", "TEMPLATE_UPDATE", "TEMPLATE_DELETE", "TEMPLATE_USE"];

#[rstest]
#[tokio::test]
async fn the_list_decides_who_sees_and_uses_a_template(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, author) = (&scene.app, &scene.author);
    let held = |permissions: &[&str]| Some(permissions.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
    assert_eq!(scene.can(&scene.ana).await, held(&USE));
    assert_eq!(scene.list(author).await, pairs(&[("everyone", "USE")]));
    let audit = app.tables().count("audit_log").await;
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "NONE")).await, None);
    assert_eq!(scene.can(&scene.ana).await, None, "whom nothing names sees nothing");
    let workspace = json!({ "templateId": scene.template.id, "name": "box" });
    let refused = app.refused(&scene.ana.token, "createWorkspace", workspace.clone()).await;
    assert!(refused.is("NOT_FOUND", "input.templateId"), "{refused:?}");

    // A group, and a user by themselves.
    assert_eq!(scene.set(author, Scene::group(&scene.crew, "USE")).await, None);
    assert_eq!((scene.can(&scene.mia).await, scene.can(&scene.ana).await), (held(&USE), None));
    assert_eq!(scene.set(author, Scene::user(&scene.ana, "USE")).await, None);
    assert_eq!(scene.can(&scene.ana).await, held(&USE));
    app.done(&scene.ana.token, "createWorkspace", "", workspace).await;
    assert_eq!(scene.list(author).await, pairs(&[("crew", "USE"), ("ana", "USE")]));
    // The stronger of two entries counts, and only while both are there.
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "ADMIN")).await, None);
    assert_eq!(scene.can(&scene.mia).await, held(&ADMIN));
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "USE")).await, None);
    assert_eq!(scene.can(&scene.mia).await, held(&USE));
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "NONE")).await, None);
    assert_eq!(scene.can(&scene.mia).await, held(&USE), "through the group");
    // Everyone comes back.
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "USE")).await, None);
    assert_eq!(scene.list(author).await, pairs(&[("crew", "USE"), ("ana", "USE"), ("everyone", "USE")]));
    // One entry of the log for each of the seven changes and the workspace; the same again changes nothing.
    assert_eq!(app.tables().count("audit_log").await - audit, 8);
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "USE")).await, None);
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "NONE")).await, None);
    assert_eq!(app.tables().count("audit_log").await - audit, 8);
    let query =
        "select cast(diff as text) from audit_log where resource = 'TEMPLATE' order by time desc, id desc";
    let newest = app.tables().texts(query).await.remove(0);
    let name = format!("access of {}", scene.everyone());
    assert_eq!(
        serde_json::from_str::<Value>(&newest).unwrap(),
        json!({ name: { "old": null, "new": "USE" } })
    );
    // With their membership goes their entry.
    let leave = json!({ "organizationId": scene.org.id, "userId": scene.ana.id });
    app.done(&scene.owner.token, "removeMember", "", leave).await;
    assert_eq!(scene.list(author).await, pairs(&[("crew", "USE"), ("everyone", "USE")]));
}

#[rstest]
#[tokio::test]
async fn an_administrator_by_the_list_administers_that_template_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, mia) = (&scene.app, &scene.mia);
    let other = app.template(&scene.author, &scene.org, "other").await;
    app.work(&scene.daemon).await;
    let push = json!({ "templateId": scene.template.id, "fileId": app.upload(&scene.author).await });
    assert_eq!(app.denied(Some(&mia.token), "createTemplateVersion", push).await, "FORBIDDEN");
    assert_eq!(
        app.denied(Some(&mia.token), "setTemplateAccess", scene.entries(json!([]))).await,
        "FORBIDDEN"
    );
    // By her group.
    assert_eq!(scene.set(&scene.author, Scene::group(&scene.crew, "ADMIN")).await, None);
    let version = app.push(mia, &scene.template, json!({ "promote": false })).await;
    app.work(&scene.daemon).await;
    app.done(&mia.token, "promoteTemplateVersion", "", json!({ "templateVersionId": version.id })).await;
    assert_eq!(scene.set(mia, Scene::user(&scene.ana, "ADMIN")).await, None);
    assert_eq!(scene.set(mia, Scene::user(&scene.ana, "NONE")).await, None);
    let elsewhere = json!({ "templateId": other.id, "fileId": app.upload(mia).await });
    assert_eq!(app.denied(Some(&mia.token), "createTemplateVersion", elsewhere).await, "FORBIDDEN");
    let elsewhere = json!({ "templateId": other.id, "entries": [Scene::user(&scene.ana, "USE")] });
    assert_eq!(app.denied(Some(&mia.token), "setTemplateAccess", elsewhere).await, "FORBIDDEN");
    let create = json!({ "organizationId": scene.org.id, "name": "new", "version": { "fileId": app.upload(mia).await } });
    assert_eq!(app.denied(Some(&mia.token), "createTemplate", create).await, "FORBIDDEN");
    // Nobody gives themselves anything, but anybody may leave.
    assert_eq!(scene.set(mia, Scene::user(mia, "USE")).await.as_deref(), Some("CONFLICT"));
    assert_eq!(
        scene.set(&scene.author, Scene::user(&scene.author, "ADMIN")).await.as_deref(),
        Some("CONFLICT")
    );
    assert_eq!(scene.set(&scene.author, Scene::user(mia, "ADMIN")).await, None);
    assert_eq!(scene.set(mia, Scene::user(mia, "NONE")).await, None);
}

#[rstest]
#[tokio::test]
async fn nobody_gives_or_takes_power_that_they_do_not_have(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, ana) = (&scene.app, &scene.ana);
    app.role(&scene.owner, &scene.org, "curator", &["TEMPLATE_READ", "TEMPLATE_UPDATE", "TEMPLATE_USE"])
        .await;
    let give = json!({ "organizationId": scene.org.id, "userId": ana.id, "roles": ["curator"] });
    app.done(&scene.owner.token, "setMemberRoles", "", give).await;
    assert_eq!(scene.set(ana, Scene::user(&scene.mia, "USE")).await, None);
    assert_eq!(
        scene.set(ana, Scene::user(&scene.mia, "ADMIN")).await.as_deref(),
        Some("MISSING_PERMISSIONS")
    );
    assert_eq!(scene.set(&scene.author, Scene::user(&scene.mia, "ADMIN")).await, None);
    for role in ["USE", "NONE"] {
        let code = scene.set(ana, Scene::user(&scene.mia, role)).await;
        assert_eq!(code.as_deref(), Some("MISSING_PERMISSIONS"), "{role}: taking is power as well");
    }
    // Entries answer for themselves; who is not of the organization does not exist.
    let stranger = app.user(&scene.owner, "sam", &[]).await;
    let other = app.organization(&scene.owner, "other").await;
    let foreign = app.group(&scene.owner, &other, "crew", &[]).await;
    let entries = json!([
        Scene::user(&stranger, "USE"), Scene::group(&foreign, "USE"), Scene::group(&other.id.replace("org_", "grp_"), "USE"),
        { "userId": "nonsense", "role": "USE" }, { "role": "USE" },
        { "userId": scene.mia.id, "groupId": scene.crew, "role": "USE" }, Scene::group(&scene.crew, "USE"),
    ]);
    let selection = "results { subjectId role userErrors { code field } }";
    let payload = app.done(&scene.author.token, "setTemplateAccess", selection, scene.entries(entries)).await;
    let codes: Vec<_> =
        payload["results"].as_array().unwrap().iter().map(|r| r["userErrors"][0]["code"].clone()).collect();
    let not_found = json!("NOT_FOUND");
    let invalid = json!("BAD_USER_INPUT");
    assert_eq!(
        codes,
        [&not_found, &not_found, &not_found, &not_found, &invalid, &invalid, &Value::Null].map(Clone::clone)
    );
    assert_eq!(payload["results"][6], json!({ "subjectId": scene.crew, "role": "USE", "userErrors": [] }));
    for entries in [json!([]), json!(vec![Scene::group(&scene.crew, "USE"); 101])] {
        let refused = app.refused(&scene.author.token, "setTemplateAccess", scene.entries(entries)).await;
        assert!(refused.is("BAD_USER_INPUT", "input.entries"), "{refused:?}");
    }
    // Members who may not change the template see no list at all.
    for field in ["access { totalCount }", "accessCandidates { totalCount }"] {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Template {{ {field} }} }} }}");
        let plain = app.member_of(&scene.owner, &scene.org, &format!("p{}", field.len()), &[]).await;
        let body = app.graphql(Some(&plain.token), &query, json!({ "id": scene.template.id })).await;
        assert_eq!(crate::support::calls::code(&body), "FORBIDDEN", "{body:#}");
    }
}

#[rstest]
#[tokio::test]
async fn candidates_are_found_page_by_page(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let query = "query($id: ID!, $query: String, $first: Int, $after: String) { node(id: $id) { ... on Template {
        accessCandidates(first: $first, after: $after, filter: { query: $query }) { totalCount pageInfo { endCursor hasNextPage }
          nodes { subject { ... on User { username } ... on Group { groupName: name } } } } } } }";
    let page = async |search: Option<&str>, first: u32, after: Option<&str>| {
        let variables = json!({ "id": scene.template.id, "query": search, "first": first, "after": after });
        app.ok(&scene.author, query, variables).await["node"]["accessCandidates"].clone()
    };
    let names = |page: &Value| -> Vec<String> {
        let name = |node: &Value| {
            let subject = &node["subject"];
            subject["username"].as_str().or(subject["groupName"].as_str()).unwrap().to_owned()
        };
        page["nodes"].as_array().unwrap().iter().map(name).collect()
    };
    let all = page(None, 25, None).await;
    assert_eq!(
        names(&all),
        ["ana", "author", "crew", "mia", "olga-owner"],
        "not Everyone, who is on the list"
    );
    assert_eq!(all["totalCount"], 5);
    let mut walked = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let next = page(None, 2, after.as_deref()).await;
        walked.extend(names(&next));
        if next["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = next["pageInfo"]["endCursor"].as_str().map(str::to_owned);
    }
    assert_eq!(walked, names(&all));
    assert_eq!(names(&page(Some("CREW"), 25, None).await), ["crew"]);
    assert_eq!(names(&page(Some("nobody"), 25, None).await), [""; 0]);
    assert_eq!(scene.set(&scene.author, Scene::group(&scene.crew, "USE")).await, None);
    assert_eq!(scene.set(&scene.author, Scene::user(&scene.ana, "USE")).await, None);
    assert_eq!(scene.set(&scene.author, Scene::group(&scene.everyone(), "NONE")).await, None);
    assert_eq!(names(&page(None, 25, None).await), ["author", "everyone", "mia", "olga-owner"]);
}

#[rstest]
#[tokio::test]
async fn a_group_reaches_what_it_and_everyone_are_given(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, crew) = (&scene.app, scene.crew.as_str());
    let other = app.template(&scene.author, &scene.org, "other").await;
    app.work(&scene.daemon).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Group { templates { nodes { role template { name } } } } } }";
    let reached = async |by: &Person, group: &str| {
        let body = app.ok(by, query, json!({ "id": group })).await;
        let nodes = body["node"]["templates"]["nodes"].as_array().unwrap().clone();
        let pair = |node: &Value| {
            (node["template"]["name"].as_str().unwrap().to_owned(), node["role"].as_str().unwrap().to_owned())
        };
        nodes.iter().map(pair).collect::<Vec<_>>()
    };
    assert_eq!(reached(&scene.author, crew).await, pairs(&[("dev", "USE"), ("other", "USE")]));
    assert_eq!(scene.set(&scene.author, Scene::group(crew, "ADMIN")).await, None);
    let none = json!({ "templateId": other.id, "entries": [Scene::group(&scene.everyone(), "NONE")] });
    app.done(&scene.author.token, "setTemplateAccess", "", none).await;
    assert_eq!(reached(&scene.author, crew).await, pairs(&[("dev", "ADMIN")]));
    assert_eq!(reached(&scene.author, &scene.everyone()).await, pairs(&[("dev", "USE")]));
    // Of templates whose list one may not see, nothing is told; as the administrator of one, that one.
    assert_eq!(reached(&scene.ana, crew).await, []);
    assert_eq!(reached(&scene.mia, crew).await, pairs(&[("dev", "ADMIN")]));
}
