//! The connections to the database: they outlive its restarts, and requests that go away.

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, Person, TestApp};

const WHO: &str = "{ viewer { username } organizations(first: 5) { totalCount nodes { name } } }";

async fn is_known(app: &TestApp, person: &Person) {
    assert_eq!(app.ok(person, WHO, json!({})).await["viewer"]["username"], person.username.as_str());
}

#[tokio::test]
async fn a_restart_of_postgresql_costs_no_request() {
    let Some(app) = TestApp::start(Backend::Postgres).await else { return };
    let olga = app.owner().await;
    for round in 0..3 {
        // Every connection of the pools is open.
        join_all((0..16).map(|_| is_known(&app, &olga))).await;
        let killed = app
            .tables()
            .texts_of(
                "",
                "select pg_terminate_backend(pid)::text from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .await;
        assert!(killed.len() > 2, "round {round}: {killed:?}");
        join_all((0..16).map(|_| is_known(&app, &olga))).await;
        app.user(&olga, &format!("after-{round}"), &[]).await;
    }
}

#[rstest]
#[tokio::test]
async fn requests_that_go_away_leave_the_connections_usable(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    for polls in 0..60 {
        let mut request = Box::pin(app.ok(&olga, WHO, json!({})));
        for _ in 0..polls {
            if request.as_mut().now_or_never().is_some() {
                request = Box::pin(app.ok(&olga, WHO, json!({})));
            }
            tokio::task::yield_now().await;
        }
        drop(request);
    }
    join_all((0..16).map(|_| is_known(&app, &olga))).await;
}

#[rstest]
#[tokio::test]
async fn requests_at_once_are_each_recognised_as_who_they_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let (ana, ben) = (app.user(&olga, "ana", &[]).await, app.user(&olga, "ben", &[]).await);
    let gone = app.user(&olga, "gone", &[]).await;
    app.run(&gone, "mutation { signOut { userErrors { message } } }", json!({})).await;
    let people = [&olga, &ana, &ben, &gone];
    let answers = join_all((0..80).map(|i| {
        let person = people[i % people.len()];
        app.graphql(Some(&person.token), WHO, json!({})).map(move |answer| (person, answer))
    }))
    .await;
    for (person, answer) in answers {
        if person.username == "gone" {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
        } else {
            assert_eq!(answer["data"]["viewer"]["username"], person.username.as_str(), "{answer:#}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_session_that_ended_is_refused_at_once_however_busy_the_lookups_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    app.user(&olga, "ana", &[]).await;
    for _ in 0..5 {
        let ana = app.sign_in("ana").await;
        let busy = join_all((0..20).map(|_| is_known(&app, &olga)));
        let ends = async {
            is_known(&app, &ana).await;
            app.run(&ana, "mutation { signOut { userErrors { message } } }", json!({})).await;
            let answer = app.graphql(Some(&ana.token), WHO, json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
        };
        tokio::join!(busy, ends);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn organizations_that_are_looked_up_at_once_are_each_told_to_who_may_see_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let (mut organizations, mut ids) = (Vec::new(), Vec::new());
    for i in 0..6 {
        let org = app.organization(&olga, &format!("org-{i}")).await;
        ids.push(org.id.clone());
        organizations.push(org);
    }
    let ana = app.user(&olga, "ana", &[]).await;
    for which in [1, 4] {
        app.join(&olga, &organizations[which], &ana, &[]).await;
    }
    let query = "query($by: OrganizationBy!) { organization(by: $by) { id name } }";
    let answers = join_all((0..120).map(|i| {
        let (person, which) = (if i % 2 == 0 { &olga } else { &ana }, i / 2 % 7);
        let name = format!("ORG-{which}");
        let by = match ids.get(which).filter(|_| i % 3 == 0) {
            Some(id) => json!({ "id": id }),
            None => json!({ "name": name }),
        };
        app.ok(person, query, json!({ "by": by })).map(move |data| (person, which, data))
    }))
    .await;
    for (person, which, data) in answers {
        let sees = which < 6 && (person.username != "ana" || [1, 4].contains(&which));
        let told = sees.then(|| json!({ "id": ids[which], "name": format!("org-{which}") }));
        assert_eq!(data["organization"], json!(told), "{which} for {}", person.username);
    }
}

/// On SQLite too: `guildhall reseal` beside a server is two programs that write one file.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_programs_that_write_at_once_fail_neither(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let org = app.organization(&olga, "data-platform").await;
    let other = app.beside().await;
    // Each of these reads before it writes; one that fails panics.
    let members = [&olga];
    for round in 0..40 {
        let (here, there) = (format!("here-{round}"), format!("there-{round}"));
        tokio::join!(app.group(&olga, &org, &here, &members), other.group(&olga, &org, &there, &members));
    }
    let query = "query($name: String!) { organization(by: { name: $name }) { groups { totalCount } } }";
    let data = other.ok(&olga, query, json!({ "name": org.name })).await;
    assert_eq!(data["organization"]["groups"]["totalCount"], 81);
}
