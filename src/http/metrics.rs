//! What Prometheus scrapes: rate, errors and duration of requests by operation, and what the process holds at the moment.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use guildhall_front::RequestRecord;
use http::{StatusCode, header};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::Site;
use super::host::Server;
use crate::provisioner;

/// Names of operations that get a series of their own. A client chooses its operations' names, so there is a bound.
const NAMES: usize = 200;
/// What the others are counted as.
const OTHER: &str = "other";
/// What an operation without a name is counted as, and a request that never became one.
const UNNAMED: &str = "";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    operation: String,
    kind: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobsIn {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    state: &'static str,
}

type Durations = Family<Operation, Histogram, fn() -> Histogram>;

/// Everything that is counted. One for each server, cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Metrics(Arc<All>);

#[derive(Debug)]
struct All {
    registry: Registry,
    names: Mutex<HashSet<String>>,
    requests: Family<Request, Counter>,
    duration: Durations,
    statements: Family<Operation, Counter>,
    cost: Counter,
    connections: Family<Connections, Gauge>,
    jobs: Family<JobsIn, Gauge>,
    subscribers: Gauge,
    memory: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("guildhall");
        // A millisecond to 16 seconds: a request may run for ten.
        let duration: Durations =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 15)));
        let (requests, statements, cost) = (Family::default(), Family::default(), Counter::default());
        let (connections, jobs) = (Family::default(), Family::default());
        let (subscribers, memory) = (Gauge::default(), Gauge::default());
        registry.register(
            "requests",
            "Requests, by operation and the code of their first error",
            requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from a request's arrival to its answer, or to the end of its stream",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register("statements", "SQL statements of requests", statements.clone());
        registry.register("cost_points", "Points that operations cost", cost.clone());
        registry.register("database_read_connections", "Connections for reading", connections.clone());
        registry.register("jobs", "Jobs that have not ended, in all organizations", jobs.clone());
        registry.register("event_receivers", "Tasks that wait for events", subscribers.clone());
        registry.register_with_unit(
            "process_resident_memory",
            "Resident memory of the process; zero where the system does not tell",
            Unit::Bytes,
            memory.clone(),
        );
        let names = Mutex::default();
        Self(Arc::new(All {
            registry,
            names,
            requests,
            duration,
            statements,
            cost,
            connections,
            jobs,
            subscribers,
            memory,
        }))
    }
}

impl Metrics {
    /// Counts a request that has ended.
    pub(super) fn observe(&self, record: &RequestRecord<'_, Server>, statements: u32) {
        let all = &*self.0;
        let code = record.codes.first().map_or("", |code| code.as_str());
        let kind = record.operation.map_or("", |operation| operation.kind.as_str());
        let name =
            record.operation.and_then(|operation| operation.operation_name.as_deref()).unwrap_or(UNNAMED);
        let operation = all.bounded(name, record.codes.is_empty());
        all.requests.get_or_create(&Request { operation: operation.clone(), kind, code }).inc();
        all.cost.inc_by(record.cost);
        let operation = Operation { operation, kind };
        all.statements.get_or_create(&operation).inc_by(statements.into());
        all.duration.get_or_create(&operation).observe(record.duration.as_secs_f64());
    }
}

impl All {
    /// The name, if it is one of the first that ran without an error.
    fn bounded(&self, name: &str, well: bool) -> String {
        if name == UNNAMED {
            return UNNAMED.to_owned();
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) || (well && names.len() < NAMES && names.insert(name.to_owned())) {
            return name.to_owned();
        }
        OTHER.to_owned()
    }
}

/// `GET /metrics`: the OpenMetrics text format.
pub(super) async fn answer(State(site): State<Site>) -> Response {
    let all = &*site.metrics.0;
    match provisioner::job::unfinished(&site.db).await {
        Ok(jobs) => {
            for (state, count) in jobs {
                all.jobs.get_or_create(&JobsIn { state: state.as_str() }).set(count);
            }
        }
        Err(error) => {
            tracing::warn!(%error, "could not count the jobs");
            return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response();
        }
    }
    let (open, idle) = site.db.read_connections();
    for (state, count) in [("open", open), ("idle", idle)] {
        all.connections.get_or_create(&Connections { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    all.subscribers.set(i64::try_from(site.db.hub().receivers()).unwrap_or(i64::MAX));
    all.memory.set(resident_bytes().unwrap_or_default());
    let mut text = String::new();
    match encode(&mut text, &all.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "could not write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From `/proc`, where there is one.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?;
    kilobytes.parse::<i64>().ok().map(|kilobytes| kilobytes * 1024)
}
