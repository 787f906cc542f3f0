//! Somebody who follows everything in the organization, and comes back with the last cursor whenever the stream breaks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::scene::Scene;
use crate::support::process::eventually;

const FOLLOW: &str = "subscription($org: ID!, $after: String) {
    organizationEvents(organizationId: $org, after: $after) { cursor kind resource subjectId }
}";

/// What somebody has seen, in the order in which they saw it.
type Seen = Arc<Mutex<Vec<String>>>;

pub(super) struct Follower {
    seen: Seen,
    task: JoinHandle<u32>,
}

/// Where a stream is opened, and from where on.
#[derive(Clone)]
struct Source {
    url: String,
    token: String,
    organization: String,
}

impl Follower {
    /// Follows from a cursor on.
    pub(super) fn start(scene: &Scene, server: usize, after: &str, seed: u64, stop: Arc<AtomicBool>) -> Self {
        let source = source(scene, server);
        let seen = Seen::default();
        let (kept, after) = (seen.clone(), after.to_owned());
        let task = tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut reconnected = 0;
            while !stop.load(Ordering::SeqCst) {
                let last =
                    kept.lock().unwrap().last().map_or(after.clone(), |event| cursor(event).to_owned());
                // Some also go away by themselves.
                let patience = Duration::from_millis(random.random_range(500..5000));
                let reads = read(&source, &last, |event| kept.lock().unwrap().push(event));
                let _ = timeout(patience, reads).await;
                reconnected += 1;
                sleep(Duration::from_millis(50)).await;
            }
            // What happened while it was away.
            let last = kept.lock().unwrap().last().map_or(after, |event| cursor(event).to_owned());
            let reads = read(&source, &last, |event| kept.lock().unwrap().push(event));
            let _ = timeout(Duration::from_secs(2), reads).await;
            reconnected
        });
        Self { seen, task }
    }

    /// What it has seen at the end, and how often it came back.
    pub(super) async fn seen(self, whole: &[String]) -> (Vec<String>, u32) {
        let reconnected = self.task.await.unwrap();
        let seen = self.seen.lock().unwrap().clone();
        // Text of what an event tells may differ by the moment; which one it is may not.
        let known = whole.len();
        assert!(seen.len() <= known, "{} events seen, {known} there are", seen.len());
        (seen, reconnected)
    }

    /// Everything since a cursor, read in one go when all is quiet.
    pub(super) async fn whole(scene: &Scene, after: &str) -> Vec<String> {
        let source = source(scene, 0);
        eventually("a whole reading", async || {
            let seen = Seen::default();
            let reads = read(&source, after, |event| seen.lock().unwrap().push(event));
            // Quiet is when it reads no more.
            let mut before = usize::MAX;
            tokio::pin!(reads);
            loop {
                if timeout(Duration::from_millis(700), &mut reads).await.is_ok() {
                    return None;
                }
                let now = seen.lock().unwrap().len();
                if now == before {
                    return Some(seen.lock().unwrap().clone());
                }
                before = now;
            }
        })
        .await
    }
}

fn source(scene: &Scene, server: usize) -> Source {
    Source { url: scene.url(server), token: scene.token.clone(), organization: scene.organization.clone() }
}

/// `cursor resource subject`: what an event is, whenever it is told.
fn text(event: &Value) -> String {
    let field = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("{event:#}")).to_owned();
    format!("{} {} {} {}", field("cursor"), field("kind"), field("resource"), field("subjectId"))
}

fn cursor(event: &str) -> &str {
    event.split(' ').next().unwrap_or_default()
}

/// Reads events after a cursor until the stream breaks.
async fn read(source: &Source, after: &str, mut seen: impl FnMut(String)) {
    let variables = json!({ "org": source.organization, "after": after });
    let request = reqwest::Client::new()
        .post(format!("{}/graphql", source.url))
        .header("accept", "text/event-stream")
        .bearer_auth(&source.token)
        .json(&json!({ "query": FOLLOW, "variables": variables }));
    let Ok(answer) = request.send().await else { return };
    if !answer.status().is_success() {
        return;
    }
    let (mut bytes, mut buffer) = (answer.bytes_stream(), Vec::new());
    while let Some(Ok(more)) = bytes.next().await {
        buffer.extend_from_slice(&more);
        while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = buffer.drain(..end + 2).collect();
            let event = String::from_utf8(event).unwrap();
            let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
            let answer: Value = serde_json::from_str(data).unwrap();
            match &answer["data"]["organizationEvents"] {
                Value::Object(_) => seen(text(&answer["data"]["organizationEvents"])),
                // The server shuts down, or its database is busy: it is asked again.
                _ => return,
            }
        }
    }
}
