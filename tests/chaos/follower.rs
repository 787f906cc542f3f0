//! Somebody who follows everything in the organization, and comes back with the last cursor whenever the stream breaks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::scene::Scene;
use super::stream::{Source, Transport};
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

/// Whoever follows, how.
#[derive(Clone)]
struct Line {
    source: Source,
    transport: Transport,
    organization: String,
}

impl Follower {
    /// Follows from a cursor on.
    pub(super) fn start(
        scene: &Scene,
        (server, transport): (usize, Transport),
        after: &str,
        seed: u64,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let line = line(scene, server, transport);
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
                let reads = read(&line, &last, |event| kept.lock().unwrap().push(event));
                let _ = timeout(patience, reads).await;
                reconnected += 1;
                sleep(Duration::from_millis(50)).await;
            }
            // What happened while it was away.
            let last = kept.lock().unwrap().last().map_or(after, |event| cursor(event).to_owned());
            let reads = read(&line, &last, |event| kept.lock().unwrap().push(event));
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
        let line = line(scene, 0, Transport::Events);
        eventually("a whole reading", async || {
            let seen = Seen::default();
            let reads = read(&line, after, |event| seen.lock().unwrap().push(event));
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

fn line(scene: &Scene, server: usize, transport: Transport) -> Line {
    Line { source: scene.source(server), transport, organization: scene.organization.clone() }
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
async fn read(line: &Line, after: &str, mut seen: impl FnMut(String)) {
    let variables = json!({ "org": line.organization, "after": after });
    line.source.read(line.transport, FOLLOW, variables, |event| seen(text(event))).await;
}
