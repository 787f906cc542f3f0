//! Who may run which mutation. The cases are those of `tests/writes.rs`: each is sent by everybody while a fault keeps it
//! from being committed, so that all ask about the same world. What has to be one's own, a file say, is everybody's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cast::{ABSENT, Cast, FORBIDDEN, GRANTED, UNAUTHENTICATED, of_code};
use crate::support::daemon::{Daemon, plain_build};
use crate::support::schema::Schema;
use crate::support::upload::Template;
use crate::support::{Org, Person, TestApp, start_of_time};

/// Refused for another reason than who asks.
const REFUSED: char = '!';
/// Short of a permission that only this input needs.
const LACKING: char = '∂';

/// The rows so far.
pub(crate) struct Writes {
    cast: Cast,
    schema: Schema,
    rows: BTreeMap<String, Vec<char>>,
}

impl Writes {
    /// No rows yet.
    pub(crate) fn new(cast: Cast) -> Self {
        Self { cast, schema: Schema::committed(), rows: BTreeMap::new() }
    }

    /// Everybody sends a valid input; a fault that is armed keeps the world as it is. `with` tells inputs of one mutation
    /// apart that mean something else to the policy; empty for the plainest.
    pub(crate) async fn try_on(&mut self, app: &TestApp, mutation: &str, with: &str, input: Option<&Value>) {
        let payload = self.schema.fields("Mutation").into_iter().find(|field| field.name == mutation);
        let payload = self.schema.fields(&payload.unwrap_or_else(|| panic!("no `{mutation}`")).ty);
        let bulk = payload.iter().any(|field| field.name == "results");
        let selection = if bulk { "results { userErrors { code } }" } else { "__typename" };
        let mut row = Vec::with_capacity(self.cast.askers.len());
        for asker in &self.cast.askers {
            let token = asker.token.as_deref();
            let body = match input {
                Some(input) => app.call(token, mutation, selection, asker.input(input)).await,
                None => {
                    let document = format!("mutation {{ {mutation} {{ userErrors {{ code }} }} }}");
                    app.graphql(token, &document, json!({})).await
                }
            };
            row.push(outcome(mutation, &body));
        }
        let name = if with.is_empty() { mutation.to_owned() } else { format!("{mutation} ({with})") };
        assert!(self.rows.insert(name, row).is_none(), "{mutation} ({with}) is asked twice");
    }

    /// What daemons say, step by step. The daemon's column is the last: it does what all others are refused.
    pub(crate) async fn try_on_progress(
        &mut self,
        app: &TestApp,
        owner: &Person,
        org: &Org,
        daemon: &Daemon,
        template: &Template,
    ) {
        let hello =
            json!({ "organization": org.name, "name": "access", "version": "0.1.0", "engines": ["ECHO"] });
        self.try_on(app, "registerProvisionerDaemon", "", Some(&hello)).await;
        let alive = json!({ "provisionerDaemonId": daemon.id, "runningJobIds": [] });
        self.try_on(app, "heartbeatProvisionerDaemon", "", Some(&alive)).await;
        let job = app.workspace(owner, template, "for-access", "").await.job;
        let hands = json!({ "provisionerDaemonId": daemon.id });
        self.try_on(app, "signOffProvisionerDaemon", "", Some(&hands)).await;
        self.try_on(app, "acquireProvisionerJob", "", Some(&hands)).await;
        let line = json!({
            "time": start_of_time(), "level": "INFO", "source": "PROVISIONER", "stage": "Plan", "text": "planned",
        });
        let logs = json!({ "provisionerJobId": job, "firstSequence": 1, "logs": [line] });
        self.try_on(app, "appendProvisionerJobLogs", "", Some(&logs)).await;
        let plan = json!({ "provisionerJobId": job, "dailyCost": 0 });
        self.try_on(app, "planWorkspaceBuild", "", Some(&plan)).await;
        let done = json!({ "provisionerJobId": job, "result": plain_build() });
        self.try_on(app, "completeProvisionerJob", "", Some(&done)).await;
        app.workspace(owner, template, "for-failure", "").await;
        let held = app.acquire(daemon).await.unwrap();
        let failure =
            json!({ "provisionerJobId": held.id, "code": "APPLY_FAILED", "message": "it went wrong" });
        self.try_on(app, "failProvisionerJob", "", Some(&failure)).await;
    }

    /// The table, as people have reviewed it. A mutation without a row fails.
    pub(crate) fn assert(&self) {
        let mutations = self.schema.fields("Mutation");
        let missing: Vec<_> =
            mutations.iter().map(|field| &field.name).filter(|name| !self.rows.contains_key(*name)).collect();
        assert!(missing.is_empty(), "ask who may do these: {missing:?}");
        let table = self.cast.table(self.rows.iter().map(|(name, cells)| (name.as_str(), cells.as_slice())));
        let legend = format!(
            "{GRANTED} runs   {FORBIDDEN} forbidden   {LACKING} forbidden with this input   {ABSENT} as if it were not \
             there   {UNAUTHENTICATED} unauthenticated   {REFUSED} refused for another reason\n\
             of a mutation that answers for each item: what became of the item; files and empty organizations are the \
             asker's own"
        );
        let notes = Cast::notes();
        insta::with_settings!({ omit_expression => true, snapshot_path => "../snapshots" }, {
            insta::assert_snapshot!("writes", format!("{legend}\n{notes}\n\n{table}"));
        });
    }
}

fn outcome(mutation: &str, body: &Value) -> char {
    if let Some(error) = body["errors"].get(0) {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        // The fault: everything before it was passed.
        if code == "INTERNAL_SERVER_ERROR" {
            return GRANTED;
        }
        return of_code(code).unwrap_or_else(|| panic!("{mutation}: {body:#}"));
    }
    let payload = &body["data"][mutation];
    let code = |of: &Value| of["userErrors"].get(0).map(|error| error["code"].as_str().unwrap().to_owned());
    let items = payload["results"].as_array();
    let complaint = code(payload).or_else(|| items.and_then(|items| items.iter().find_map(code)));
    match complaint.as_deref() {
        Some("NOT_FOUND") => ABSENT,
        Some("MISSING_PERMISSIONS") => LACKING,
        Some(_) => REFUSED,
        // What leaves no entry in the audit log was done.
        None => GRANTED,
    }
}
