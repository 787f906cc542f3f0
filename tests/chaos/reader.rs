//! Somebody who reads the log of every build while it is written, and comes back with the last cursor whenever the stream
//! breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use guildhall_entity::id::{ProvisionerJobId, WorkspaceBuildId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::scene::{SERVERS, Scene, ask};
use super::stream::{End, Source, Transport};
use crate::support::tables::Tables;

/// How often it is looked for new builds.
const LOOK: Duration = Duration::from_millis(200);

const BUILDS: &str =
    "select cast(id as text) || ' ' || cast(provisioner_job_id as text) from workspace_build";
const OF_BUILD: &str = "subscription($id: ID!, $after: String) {
    workspaceBuildLogs(buildId: $id, after: $after) { cursor log { sequence text } }
}";
const OF_JOB: &str = "subscription($id: ID!, $after: String) {
    provisionerJobLogs(jobId: $id, after: $after) { cursor log { sequence text } }
}";
const LOG: &str = "query($id: ID!, $after: String) { node(id: $id) { ... on ProvisionerJob {
    logs(first: 100, after: $after) { nodes { sequence text } pageInfo { hasNextPage endCursor } }
} } }";

/// A line as it is told and as it stands in the log: its place and its text.
type Line = (i64, String);

pub(super) struct Reader {
    task: JoinHandle<BTreeMap<String, Read>>,
}

/// What was read of a job's log.
struct Read {
    lines: Vec<Line>,
    reconnected: u32,
}

impl Reader {
    /// Reads the logs of all builds until it is told that there are no more.
    pub(super) fn start(scene: &Scene, seed: u64, stop: Arc<AtomicBool>) -> Self {
        let tables = scene.tables();
        let servers: Vec<Source> = (0..SERVERS).map(|at| scene.source(at)).collect();
        let task = tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let (mut known, mut readings) = (BTreeSet::new(), JoinSet::new());
            loop {
                let over = stop.load(Ordering::SeqCst);
                for (build, job) in builds(&tables).await {
                    let number = known.len();
                    if known.insert(job.clone()) {
                        readings.spawn(read(servers.clone(), build, job, number, random.random()));
                    }
                }
                if over {
                    break;
                }
                sleep(LOOK).await;
            }
            readings.join_all().await.into_iter().collect()
        });
        Self { task }
    }

    /// Every line of every log was told once and in order. Answers how many logs were read, and how often it came back.
    pub(super) async fn has_read_whole_logs(self, scene: &Scene) -> (usize, u32) {
        let read = self.task.await.unwrap();
        for (job, Read { lines, reconnected }) in &read {
            let whole = log(&scene.source(0), job).await;
            assert_eq!(*lines, whole, "of the log of {job}, to which it came back {reconnected} times");
        }
        (read.len(), read.values().map(|read| read.reconnected).sum())
    }
}

/// All builds, each with its job.
async fn builds(tables: &Tables) -> Vec<(String, String)> {
    let ids = |row: String| {
        let (build, job) = row.split_once(' ').unwrap();
        let (build, job): (Uuid, Uuid) = (build.parse().unwrap(), job.parse().unwrap());
        (WorkspaceBuildId(build).to_string(), ProvisionerJobId(job).to_string())
    };
    tables.texts(BUILDS).await.into_iter().map(ids).collect()
}

/// Reads a log to its end: each time at any server, by either transport, for as long as it likes.
async fn read(servers: Vec<Source>, build: String, job: String, number: usize, seed: u64) -> (String, Read) {
    let mut random = StdRng::seed_from_u64(seed);
    let (document, id) = if number.is_multiple_of(2) { (OF_BUILD, &build) } else { (OF_JOB, &job) };
    let (mut lines, mut after, mut reconnected) = (Vec::new(), Value::Null, 0);
    loop {
        let server = &servers[random.random_range(0..servers.len())];
        let patience = Duration::from_millis(random.random_range(100..2500));
        let variables = json!({ "id": id, "after": after });
        let reads = server.read(Transport::of(random.random_range(0..2)), document, variables, |told| {
            lines.push(line(&told["log"]));
            after = told["cursor"].clone();
        });
        if timeout(patience, reads).await == Ok(End::Complete) {
            return (job, Read { lines, reconnected });
        }
        reconnected += 1;
        sleep(Duration::from_millis(50)).await;
    }
}

fn line(log: &Value) -> Line {
    (log["sequence"].as_i64().unwrap(), log["text"].as_str().unwrap().to_owned())
}

/// The whole log of a job, page by page.
async fn log(server: &Source, job: &str) -> Vec<Line> {
    let (mut lines, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = ask(&server.url, &server.token, LOG, json!({ "id": job, "after": after })).await.unwrap();
        let logs = &page["node"]["logs"];
        lines.extend(logs["nodes"].as_array().unwrap().iter().map(line));
        if logs["pageInfo"]["hasNextPage"] == json!(false) {
            return lines;
        }
        after = logs["pageInfo"]["endCursor"].clone();
    }
}
