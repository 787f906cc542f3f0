//! Quotas: between plan and apply a daemon asks, and two builds never both take what is left.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::daemon::{Daemon, HeldJob};
use crate::support::upload::Template;
use crate::support::world::Queued;
use crate::support::{Backend, Org, Person, TestApp};

struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    mia: Person,
    org: Org,
    daemon: Daemon,
    template: Template,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&owner, &org, "dev").await;
        app.work(&daemon).await;
        Some(Self { app, owner, mia, org, daemon, template })
    }

    /// What each member may use.
    async fn allow(&self, allowance: i32) {
        let id = self.org.id.replace("org_", "grp_");
        let input = json!({ "groupId": id, "allowance": allowance });
        self.app.done(&self.owner.token, "setGroupQuota", "group { quotaAllowance }", input).await;
    }

    async fn cap(&self, cap: Option<i32>) {
        let input = json!({ "organizationId": self.org.id, "cap": cap });
        self.app.done(&self.owner.token, "setOrganizationQuota", "organization { id }", input).await;
    }

    /// A workspace whose build a daemon holds.
    async fn held(&self, person: &Person, name: &str) -> (Queued, HeldJob) {
        let queued = self.app.workspace(person, &self.template, name, "").await;
        let job = self.app.acquire(&self.daemon).await.unwrap();
        (queued, job)
    }

    /// What the server says to a planned cost: the data of `QuotaExceeded`, or null.
    async fn plan(&self, job: &HeldJob, cost: i32) -> Value {
        let selection = "accepted userErrors { __typename ... on QuotaExceeded { budget used cost } }";
        let input = json!({ "provisionerJobId": job.id, "dailyCost": cost });
        let body = self.app.call(Some(&self.daemon.secret), "planWorkspaceBuild", selection, input).await;
        let payload = &body["data"]["planWorkspaceBuild"];
        let error = &payload["userErrors"][0];
        assert_eq!(payload["accepted"], error.is_null(), "{body:#}");
        assert!(error.is_null() || error["__typename"] == "QuotaExceeded", "{body:#}");
        if error.is_null() { Value::Null } else { json!([error["budget"], error["used"], error["cost"]]) }
    }

    async fn complete(&self, job: &HeldJob, cost: i32) {
        let result =
            json!({ "workspaceBuild": { "resources": [], "apps": [], "metadata": [], "dailyCost": cost } });
        self.app.complete(&self.daemon, job, result).await;
    }

    /// Plans and completes; the plan must be accepted.
    async fn build(&self, person: &Person, name: &str, cost: i32) -> Queued {
        let (queued, job) = self.held(person, name).await;
        assert_eq!(self.plan(&job, cost).await, Value::Null);
        self.complete(&job, cost).await;
        queued
    }

    async fn again(&self, person: &Person, mutation: &str, workspace: &str) -> HeldJob {
        self.app.done(&person.token, mutation, "", json!({ "workspaceId": workspace })).await;
        self.app.acquire(&self.daemon).await.unwrap()
    }

    /// `[budget, used, remaining]` of a member, as they see it themselves.
    async fn standing(&self, person: &Person) -> Value {
        let query = "query($id: ID!, $who: String) { organization(by: { id: $id }) {
            members(filter: { query: $who }) { nodes { quota { budget used remaining } } } } }";
        let data = self.app.ok(person, query, json!({ "id": self.org.id, "who": person.username })).await;
        let quota = &data["organization"]["members"]["nodes"][0]["quota"];
        json!([quota["budget"], quota["used"], quota["remaining"]])
    }
}

#[rstest]
#[tokio::test]
async fn a_build_beyond_the_budget_is_stopped_before_its_apply(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mia = &scene.mia;
    // Nobody has set an allowance: no limit.
    let free = scene.build(mia, "free", 50).await;
    assert_eq!(scene.standing(mia).await, json!([null, 50, null]));
    let job = scene.again(mia, "deleteWorkspace", &free.workspace).await;
    assert_eq!(scene.plan(&job, 0).await, Value::Null);
    scene.complete(&job, 0).await;

    scene.allow(10).await;
    let first = scene.build(mia, "first", 6).await;
    assert_eq!(scene.standing(mia).await, json!([10, 6, 4]));
    let (second, job) = scene.held(mia, "second").await;
    assert_eq!(scene.plan(&job, 5).await, json!([10, 6, 5]));
    scene.app.fail(&scene.daemon, &job, "QUOTA_EXCEEDED", "too much").await;
    let query = "query($id: ID!) { node(id: $id) { ... on WorkspaceBuild {
        status dailyCost job { error { code } } quotaRefusal { scope budget used cost } } } }";
    let build = scene.app.ok(mia, query, json!({ "id": second.id })).await["node"].clone();
    assert_eq!(
        build,
        json!({
            "status": "FAILED", "dailyCost": 0, "job": { "error": { "code": "QUOTA_EXCEEDED" } },
            "quotaRefusal": { "scope": "MEMBER", "budget": 10, "used": 6, "cost": 5 },
        })
    );
    // Another member has a budget of their own.
    scene.build(&scene.owner, "other", 10).await;
    // What fits is taken to the last credit, also by a build that asked for too much before.
    let job = scene.again(mia, "startWorkspace", &second.workspace).await;
    assert_eq!(scene.plan(&job, 5).await, json!([10, 6, 5]));
    assert_eq!(scene.plan(&job, 4).await, Value::Null);
    let latest =
        "query($id: ID!) { node(id: $id) { ... on Workspace { latestBuild { quotaRefusal { cost } } } } }";
    let now = scene.app.ok(mia, latest, json!({ "id": second.workspace })).await;
    assert_eq!(now["node"]["latestBuild"]["quotaRefusal"], Value::Null, "it was not stopped");
    assert_eq!(scene.plan(&job, 4).await, Value::Null, "an answer that got lost is asked for again");
    scene.complete(&job, 4).await;
    assert_eq!(scene.standing(mia).await, json!([10, 10, 0]));
    // A budget that was cut stops nothing that costs no more than before.
    scene.allow(2).await;
    let job = scene.again(mia, "stopWorkspace", &first.workspace).await;
    assert_eq!(scene.plan(&job, 1).await, Value::Null);
    assert_eq!(scene.standing(mia).await, json!([2, 10, -8]), "the dearer things are still there");
    scene.complete(&job, 1).await;
    assert_eq!(scene.standing(mia).await, json!([2, 5, -3]));
    let job = scene.again(mia, "startWorkspace", &first.workspace).await;
    assert_eq!(scene.plan(&job, 6).await, json!([2, 4, 6]));
    scene.app.fail(&scene.daemon, &job, "QUOTA_EXCEEDED", "too much").await;
    assert_eq!(scene.standing(mia).await, json!([2, 5, -3]));
}

#[rstest]
#[tokio::test]
async fn a_cap_holds_for_the_whole_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.cap(Some(10)).await;
    scene.build(&scene.mia, "one", 7).await;
    let (_, job) = scene.held(&scene.owner, "two").await;
    assert_eq!(scene.plan(&job, 4).await, json!([10, 7, 4]));
    assert_eq!(scene.plan(&job, 3).await, Value::Null);
    let query = "query($id: ID!) { organization(by: { id: $id }) { quota { budget used remaining } } }";
    let seen = scene.app.ok(&scene.owner, query, json!({ "id": scene.org.id })).await;
    assert_eq!(seen["organization"]["quota"], json!({ "budget": 10, "used": 10, "remaining": 0 }));
    let body = scene.app.graphql(Some(&scene.mia.token), query, json!({ "id": scene.org.id })).await;
    assert_eq!(crate::support::calls::code(&body), "FORBIDDEN");
    scene.complete(&job, 3).await;
    scene.cap(None).await;
    scene.build(&scene.owner, "three", 100).await;
    for (mutation, input) in [
        ("setOrganizationQuota", json!({ "organizationId": scene.org.id, "cap": -1 })),
        ("setGroupQuota", json!({ "groupId": scene.org.id.replace("org_", "grp_"), "allowance": -1 })),
    ] {
        assert_eq!(
            scene.app.refused(&scene.owner.token, mutation, input.clone()).await.code,
            "BAD_USER_INPUT"
        );
        assert_eq!(scene.app.denied(Some(&scene.mia.token), mutation, input).await, "FORBIDDEN");
    }
}

#[rstest]
#[tokio::test]
async fn a_preview_says_what_a_build_would_cost_and_leave(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mia = &scene.mia;
    scene.allow(10).await;
    let preview = async |person: &Person, arguments: &str| {
        let query = format!(
            "{{ buildCostPreview({arguments}) {{ cost basis currentCost accepted ownerQuota {{ remaining }} organizationQuota {{ used }} }} }}"
        );
        scene.app.ok(person, &query, json!({})).await["buildCostPreview"].clone()
    };
    let new = format!("templateVersionId: \"{}\"", scene.template.version);
    let unknown = preview(mia, &new).await;
    assert_eq!((&unknown["cost"], &unknown["accepted"]), (&Value::Null, &Value::Null));
    let first = scene.build(mia, "first", 6).await;
    assert_eq!(
        preview(mia, &new).await,
        json!({
            "cost": 6, "basis": "TEMPLATE_VERSION", "currentCost": 0, "accepted": false,
            "ownerQuota": { "remaining": 4 }, "organizationQuota": null,
        })
    );
    assert_eq!(preview(&scene.owner, &new).await["accepted"], true);
    let its = format!("workspaceId: \"{}\"", first.workspace);
    let again = preview(mia, &its).await;
    assert_eq!(
        (&again["cost"], &again["currentCost"], &again["accepted"]),
        (&json!(6), &json!(6), &json!(true))
    );
    let end = preview(mia, &format!("{its}, transition: DELETE")).await;
    assert_eq!((&end["cost"], &end["basis"]), (&json!(0), &json!("CERTAIN")));
    // A workspace has its owner: another is no question.
    let both = format!("{{ buildCostPreview({its}, ownerId: \"{}\") {{ cost }} }}", mia.id);
    let body = scene.app.graphql(Some(&mia.token), &both, json!({})).await;
    assert_eq!(crate::support::calls::code(&body), "BAD_USER_INPUT");
    // What is missing or foreign is null; what is somebody else's is FORBIDDEN without the permission.
    let stranger = scene.app.user(&scene.owner, "zoe", &[]).await;
    assert_eq!(preview(&stranger, &new).await, Value::Null);
    let theirs = format!("{{ buildCostPreview({new}, ownerId: \"{}\") {{ cost }} }}", scene.owner.id);
    let body = scene.app.graphql(Some(&mia.token), &theirs, json!({})).await;
    assert_eq!(crate::support::calls::code(&body), "FORBIDDEN");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_builds_never_both_take_what_is_left(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const BUILDS: usize = 8;
    let Some(scene) = Scene::new(backend).await else { return };
    scene.allow(10).await;
    let mut held = Vec::new();
    for number in 0..BUILDS {
        held.push(scene.held(&scene.mia, &format!("w{number}")).await.1);
    }
    let scene = Arc::new(scene);
    let mut plans = JoinSet::new();
    for job in held {
        let scene = scene.clone();
        plans.spawn(async move { scene.plan(&job, 4).await });
    }
    let answers = plans.join_all().await;
    let accepted = answers.iter().filter(|answer| answer.is_null()).count();
    assert_eq!(accepted, 2, "{answers:?}");
    assert_eq!(scene.standing(&scene.mia).await, json!([10, 8, 2]));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn builds_of_several_owners_never_pass_the_cap_together(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.cap(Some(10)).await;
    let mut held = Vec::new();
    for number in 0..4 {
        for person in [&scene.mia, &scene.owner] {
            held.push(scene.held(person, &format!("w{number}")).await.1);
        }
    }
    let scene = Arc::new(scene);
    let mut plans = JoinSet::new();
    for job in held {
        let scene = scene.clone();
        plans.spawn(async move { scene.plan(&job, 3).await });
    }
    let answers = plans.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_null()).count(), 3, "{answers:?}");
    let query = "query($id: ID!) { organization(by: { id: $id }) { quota { used remaining } } }";
    let seen = scene.app.ok(&scene.owner, query, json!({ "id": scene.org.id })).await;
    assert_eq!(seen["organization"]["quota"], json!({ "used": 9, "remaining": 1 }));
}

/// What is not said is not null.
#[rstest]
#[tokio::test]
async fn a_cap_is_said(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.cap(Some(5)).await;
    let unsaid = json!({ "organizationId": scene.org.id });
    let refused = scene.app.refused(&scene.owner.token, "setOrganizationQuota", unsaid).await;
    assert!(refused.is("BAD_USER_INPUT", "input.cap"), "{refused:?}");
    let caps = "select cast(quota_cap as text) from organization where name = 'data-platform'";
    assert_eq!(scene.app.tables().texts(caps).await, ["5"]);
}

/// Budgets are numbers that a client can read, whatever comes together in them.
#[rstest]
#[tokio::test]
async fn sums_stay_readable(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner, org) = (&scene.app, &scene.owner, &scene.org);
    let crew = app.group(owner, org, "crew", &[&scene.mia]).await;
    let everyone = org.id.replace("org_", "grp_");
    for (mutation, field, input) in [
        ("setGroupQuota", "allowance", json!({ "groupId": everyone, "allowance": 1_000_001 })),
        ("updateGroup", "quotaAllowance", json!({ "groupId": crew, "quotaAllowance": 1_000_001 })),
        (
            "createGroup",
            "quotaAllowance",
            json!({ "organizationId": org.id, "name": "x", "quotaAllowance": i32::MAX }),
        ),
        ("setOrganizationQuota", "cap", json!({ "organizationId": org.id, "cap": 1_000_001 })),
    ] {
        let refused = app.refused(&owner.token, mutation, input).await;
        assert!(refused.is("BAD_USER_INPUT", &format!("input.{field}")), "{mutation}: {refused:?}");
        assert!(refused.message.contains("1000000"), "{refused:?}");
    }
    scene.cap(Some(1_000_000)).await;
    scene.allow(1_000_000).await;
    app.done(&owner.token, "setGroupQuota", "", json!({ "groupId": crew, "allowance": 1_000_000 })).await;
    assert_eq!(scene.standing(&scene.mia).await, json!([2_000_000, 0, 2_000_000]));
    let (_, job) = scene.held(&scene.mia, "dear").await;
    let dear = json!({ "provisionerJobId": job.id, "dailyCost": 1_000_001 });
    let refused = app.refused(&scene.daemon.secret, "planWorkspaceBuild", dear).await;
    assert!(refused.is("BAD_USER_INPUT", "input.dailyCost"), "{refused:?}");
    // What was set before there was a bound.
    app.tables().execute("update \"group\" set quota_allowance = 2147483647").await;
    assert_eq!(scene.standing(&scene.mia).await, json!([i32::MAX, 0, i32::MAX]));
}
