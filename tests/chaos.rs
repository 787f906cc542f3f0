//! Chaos: three daemons and two servers over one PostgreSQL, real Terraform, and somebody who ends them with `kill -9` at
//! random moments while workspaces are built. Afterwards every build has ended truthfully, nothing that was made is unknown,
//! no line of a log is lost or doubled, everybody who followed has seen every event once, over a WebSocket as well as by
//! server-sent events, and whoever read the logs while they were written has read every line once.
//!
//! `GUILDHALL_CHAOS_BUILDS` says how many builds, 200 unless it is said, which take a minute and a half; and
//! `GUILDHALL_CHAOS_SEED` repeats the random choices of a run.
#![expect(clippy::disallowed_methods, reason = "every task is awaited at the end of the test")]

mod follower;
mod reader;
mod scene;
mod stream;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep};

use crate::support::process::{engine, eventually};
use follower::Follower;
use reader::Reader;
use scene::{DAEMONS, SERVERS, Scene};
use stream::Transport;

/// How often it is asked whether a workspace has two active builds.
const WATCH: Duration = Duration::from_millis(100);

/// How many builds there are unless it is said.
const BUILDS: u64 = 200;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_whoever_dies() {
    if engine() == "echo" {
        println!("skipped: there is nothing to kill without Terraform");
        return;
    }
    let builds = usize::try_from(setting("GUILDHALL_CHAOS_BUILDS").unwrap_or(BUILDS)).unwrap();
    let seed = setting("GUILDHALL_CHAOS_SEED").unwrap_or_else(rand::random);
    println!("GUILDHALL_CHAOS_SEED={seed} GUILDHALL_CHAOS_BUILDS={builds}");
    let Some(mut scene) = Scene::new().await else { return };
    let began = Instant::now();

    let start = scene.event_cursor().await;
    let stop = Arc::new(AtomicBool::new(false));
    // At each server one by each transport.
    let followers: Vec<_> = (0..2 * SERVERS)
        .map(|at| {
            let how = (at % SERVERS, Transport::of(at / SERVERS));
            Follower::start(&scene, how, &start, seed ^ at as u64, stop.clone())
        })
        .collect();
    let reader = Reader::start(&scene, seed, stop.clone());
    let people = scene.people(builds, seed);
    let watch = tokio::spawn(watch(scene.tables(), stop.clone()));

    let mut random = StdRng::seed_from_u64(seed);
    let mut killed = [0; SERVERS + DAEMONS];
    while !people.is_finished() || killed.iter().sum::<i32>() < 4 {
        sleep(Duration::from_millis(random.random_range(200..1500))).await;
        let whom = random.random_range(0..SERVERS + DAEMONS);
        scene.kill(whom).await;
        killed[whom] += 1;
        sleep(Duration::from_millis(random.random_range(0..800))).await;
        scene.start(whom).await;
    }
    people.await.unwrap();
    scene.calm().await;
    println!("{builds} builds in {:?}; killed {killed:?}", began.elapsed());
    // The last word of Terraform: what is known to have been made, and what of it is gone.
    scene.rebuild_everything().await;
    scene.settle().await;
    stop.store(true, Ordering::SeqCst);
    watch.await.unwrap();

    endings_are_truthful(&scene, builds).await;
    assert_eq!(scene.tables().false_standings().await, Vec::<String>::new());
    everything_made_is_known(&scene).await;
    logs_are_whole(&scene).await;
    let (logs, reconnected) = reader.has_read_whole_logs(&scene).await;
    assert!(logs >= builds && reconnected > 0, "{logs} logs of {builds} builds were read");
    println!("{logs} logs were read while they were written; their reader came back {reconnected} times");
    let whole = Follower::whole(&scene, &start).await;
    assert!(whole.len() > builds * 3, "{} events", whole.len());
    println!("{} events", whole.len());
    for (at, follower) in followers.into_iter().enumerate() {
        let (seen, reconnected) = follower.seen(&whole).await;
        assert_eq!(
            seen, whole,
            "follower {at}, who came back {reconnected} times, has not seen every event once"
        );
        println!("follower {at} came back {reconnected} times");
    }
}

/// No workspace ever has two builds that have not ended.
async fn watch(tables: crate::support::tables::Tables, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let doubled = tables
            .texts(
                "select cast(b.workspace_id as text) from workspace_build b
                 join provisioner_job j on j.id = b.provisioner_job_id
                 where j.state in ('PENDING', 'RUNNING', 'CANCELING') group by 1 having count(*) > 1",
            )
            .await;
        assert!(doubled.is_empty(), "two active builds: {doubled:?}");
        sleep(WATCH).await;
    }
}

/// Every build has ended, and one that says it succeeded has applied to the end.
async fn endings_are_truthful(scene: &Scene, builds: usize) {
    let ended = scene.texts("select state from provisioner_job where type = 'WORKSPACE_BUILD'").await;
    assert!(ended.len() >= builds, "{} of {builds} builds were made", ended.len());
    let mut by_state: BTreeMap<&str, usize> = BTreeMap::new();
    for state in &ended {
        *by_state.entry(state).or_default() += 1;
    }
    println!("{by_state:?}");
    assert!(by_state.keys().all(|state| ["SUCCEEDED", "FAILED", "CANCELED"].contains(state)), "{by_state:?}");
    let unexplained = scene
        .count("select cast(count(*) as text) from provisioner_job where state = 'FAILED' and error_code is null")
        .await;
    assert_eq!(unexplained, 0, "a build that failed says why");
    let false_successes = scene
        .texts(
            "select cast(j.id as text) from provisioner_job j where j.type = 'WORKSPACE_BUILD' and j.state = 'SUCCEEDED'
             and not exists (select 1 from provisioner_job_log l where l.provisioner_job_id = j.id
                             and l.text like '%Apply complete%')",
        )
        .await;
    assert!(false_successes.is_empty(), "succeeded without an apply: {false_successes:?}");
    assert_eq!(
        scene.count("select cast(count(*) as text) from provisioner_job where state = 'RUNNING'").await,
        0
    );
}

/// Ids of what was destroyed without a note of its own, as Terraform does with what it could not make to the end.
const TAINTED: &str = "select substring(text from '\\[id=([^]]+)\\]') from provisioner_job_log
    where text like 'terraform_data.%: Destroying... [id=%'";

/// The logs of the jobs that tell of an id.
const LOGS_WITH: &str =
    "select j.id || ' ' || j.state || ' ' || l.sequence || ' ' || l.stage || ' ' || l.text
    from provisioner_job_log l join provisioner_job j on j.id = l.provisioner_job_id
    where j.id in (select provisioner_job_id from provisioner_job_log where text like '%ID%')
    order by j.created_at, l.sequence";

/// What an apply made is in the state of its workspace, or was destroyed by a later one.
async fn everything_made_is_known(scene: &Scene) {
    let made: BTreeSet<String> = scene.notes("made").into_iter().collect();
    let mut destroyed: HashSet<String> = scene.notes("destroyed").into_iter().collect();
    // A kill may have come between something's note and the end of the shell that wrote it.
    destroyed.extend(scene.texts(TAINTED).await);
    let stored = scene.in_state().await;
    let lost: Vec<_> = made.iter().filter(|id| !destroyed.contains(*id) && !stored.contains(*id)).collect();
    let mut story = Vec::new();
    for id in &lost {
        story.extend(scene.texts(&LOGS_WITH.replace("ID", id)).await);
    }
    assert!(lost.is_empty(), "made, and in no state: {lost:?}\n{}", story.join("\n"));
    let ghosts: Vec<_> = stored.iter().filter(|id| !made.contains(*id) || destroyed.contains(*id)).collect();
    assert!(ghosts.is_empty(), "in a state, and never made or destroyed since: {ghosts:?}");
    println!("{} things made, {} destroyed, {} in states", made.len(), destroyed.len(), stored.len());
}

/// The lines of every job are numbered without holes, and what Terraform said once stands there once.
async fn logs_are_whole(scene: &Scene) {
    let holes = scene
        .texts(
            "select cast(provisioner_job_id as text) from provisioner_job_log group by 1
             having count(*) <> max(sequence) or min(sequence) <> 1",
        )
        .await;
    assert!(holes.is_empty(), "logs with holes: {holes:?}");
    for step in 1..=scene::STEPS {
        let wrong = scene
            .texts(&format!(
                "select cast(j.id as text) from provisioner_job j join workspace_build b on b.provisioner_job_id = j.id
                 where j.state = 'SUCCEEDED' and b.transition = 'START'
                 and exists (select 1 from provisioner_job_log l where l.provisioner_job_id = j.id
                             and l.text like '%step {first} of%')
                 and (select count(*) from provisioner_job_log l where l.provisioner_job_id = j.id
                      and l.text like '%(local-exec): step {step} of%') <> 1",
                first = 1,
            ))
            .await;
        assert!(wrong.is_empty(), "step {step} is lost or doubled in {wrong:?}");
    }
    eventually("the outbox to rest", async || {
        (scene.count("select cast(count(*) as text) from event_pending").await == 0).then_some(())
    })
    .await;
}
