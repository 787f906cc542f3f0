//! A daemon that does its work over the public API, step by step as the test says.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::{Org, Person, TestApp, start_of_time};

/// A provisioner key with its secret.
#[derive(Clone, Debug)]
pub(crate) struct ProvisionerKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// A registered daemon.
#[derive(Clone, Debug)]
pub(crate) struct Daemon {
    pub(crate) id: String,
    /// Its key's secret: the bearer token of its calls.
    pub(crate) secret: String,
}

/// A job that a daemon holds.
#[derive(Clone, Debug)]
pub(crate) struct HeldJob {
    pub(crate) id: String,
    pub(crate) token: String,
    /// `TEMPLATE_IMPORT`, `TEMPLATE_DRY_RUN` or `WORKSPACE_BUILD`.
    pub(crate) kind: String,
    pub(crate) task: Value,
    /// The how-manieth time it was taken.
    pub(crate) attempt: i64,
    /// The sequence that its log goes on with.
    pub(crate) next_log_sequence: i64,
}

/// What an import of a module without variables or README finds.
pub(crate) fn plain_import() -> Value {
    json!({ "templateImport": { "readme": "", "variables": [] } })
}

/// What a build that makes nothing brings.
pub(crate) fn plain_build() -> Value {
    json!({ "workspaceBuild": { "resources": [], "apps": [], "metadata": [], "dailyCost": 0 } })
}

impl TestApp {
    /// A key whose daemons carry these tags.
    pub(crate) async fn provisioner_key(
        &self,
        person: &Person,
        org: &Org,
        name: &str,
        tags: &[(&str, &str)],
    ) -> ProvisionerKey {
        let tags: Vec<_> = tags.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let payload = self
            .run(
                person,
                "mutation($input: CreateProvisionerKeyInput!) {
                   createProvisionerKey(input: $input) { provisionerKey { id } secret userErrors { message } }
                 }",
                json!({ "input": { "organizationId": org.id, "name": name, "tags": tags } }),
            )
            .await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        ProvisionerKey { id: text(&payload["provisionerKey"]["id"]), secret: text(&payload["secret"]) }
    }

    /// Registers a daemon with a key of the organization.
    pub(crate) async fn daemon(&self, key: &ProvisionerKey, org: &Org, name: &str) -> Daemon {
        let payload = self
            .as_daemon(
                &key.secret,
                "mutation($input: RegisterProvisionerDaemonInput!) {
                   registerProvisionerDaemon(input: $input) { provisionerDaemonId userErrors { message } }
                 }",
                json!({ "organization": org.name, "name": name, "version": "0.1.0", "engines": ["ECHO"] }),
            )
            .await;
        let id = payload["provisionerDaemonId"].as_str().unwrap().to_owned();
        Daemon { id, secret: key.secret.clone() }
    }

    /// Takes the next job, if there is one that this daemon may run; does not wait for one.
    pub(crate) async fn acquire(&self, daemon: &Daemon) -> Option<HeldJob> {
        let payload = self
            .as_daemon(
                &daemon.secret,
                "mutation($input: AcquireProvisionerJobInput!) {
                   acquireProvisionerJob(input: $input) {
                     acquiredJob {
                       id type token attempt nextLogSequence
                       task {
                         __typename
                         ... on TemplateImportTask { archivePath }
                         ... on TemplateDryRunTask { archivePath variables { name value sensitive } workspace }
                         ... on WorkspaceBuildTask {
                           archivePath statePath transition variables { name value sensitive } workspace
                         }
                       }
                     }
                     userErrors { message }
                   }
                 }",
                json!({ "provisionerDaemonId": daemon.id }),
            )
            .await;
        let job = &payload["acquiredJob"];
        let text = |field: &str| job[field].as_str().map(str::to_owned);
        Some(HeldJob {
            id: text("id")?,
            token: text("token")?,
            kind: text("type")?,
            task: job["task"].clone(),
            attempt: job["attempt"].as_i64()?,
            next_log_sequence: job["nextLogSequence"].as_i64()?,
        })
    }

    /// Appends lines to a job's log, the first at this sequence; answers whether the job is to be interrupted.
    pub(crate) async fn append_logs(
        &self,
        daemon: &Daemon,
        job: &HeldJob,
        first_sequence: usize,
        lines: &[&str],
    ) -> bool {
        let line = |text: &&str| {
            json!({
                "time": start_of_time(), "level": "INFO", "source": "PROVISIONER", "stage": "Plan", "text": text,
            })
        };
        let logs: Vec<_> = lines.iter().map(line).collect();
        let payload = self
            .as_daemon(
                &daemon.secret,
                "mutation($input: AppendProvisionerJobLogsInput!) {
                   appendProvisionerJobLogs(input: $input) { cancelRequested userErrors { message } }
                 }",
                json!({
                    "provisionerJobId": job.id, "attempt": job.attempt, "firstSequence": first_sequence, "logs": logs,
                }),
            )
            .await;
        payload["cancelRequested"].as_bool().unwrap()
    }

    /// Ends a job well with a `ProvisionerJobResultInput`.
    pub(crate) async fn complete(&self, daemon: &Daemon, job: &HeldJob, result: Value) {
        self.as_daemon(
            &daemon.secret,
            "mutation($input: CompleteProvisionerJobInput!) {
               completeProvisionerJob(input: $input) { completedProvisionerJobId userErrors { message } }
             }",
            json!({ "provisionerJobId": job.id, "attempt": job.attempt, "result": result }),
        )
        .await;
    }

    /// Ends a job with an error.
    pub(crate) async fn fail(&self, daemon: &Daemon, job: &HeldJob, code: &str, message: &str) {
        self.as_daemon(
            &daemon.secret,
            "mutation($input: FailProvisionerJobInput!) {
               failProvisionerJob(input: $input) { failedProvisionerJobId userErrors { message } }
             }",
            json!({ "provisionerJobId": job.id, "attempt": job.attempt, "code": code, "message": message }),
        )
        .await;
    }

    /// Keeps a state as Terraform does: locks, writes, unlocks.
    pub(crate) async fn keep_state(&self, job: &HeldJob, state: &str) {
        let path = job.task["statePath"].as_str().unwrap();
        let authorization = format!("Basic {}", STANDARD.encode(format!("guildhall:{}", job.token)));
        let lock = json!({ "ID": "one" }).to_string();
        for (method, query, body) in
            [("LOCK", "", &*lock), ("POST", "?ID=one", state), ("UNLOCK", "", &*lock)]
        {
            let request = Request::builder()
                .method(method)
                .uri(format!("{path}{query}"))
                .header(header::AUTHORIZATION, &authorization)
                .body(Body::from(body.to_owned()));
            let (status, _) = self.send(request.unwrap()).await;
            assert_eq!(status, StatusCode::OK, "{method}");
        }
    }

    /// Takes jobs and ends them well, with plain results, until there is none; answers how many.
    pub(crate) async fn work(&self, daemon: &Daemon) -> usize {
        let mut done = 0;
        while let Some(job) = self.acquire(daemon).await {
            let result = match job.kind.as_str() {
                "TEMPLATE_IMPORT" => plain_import(),
                "TEMPLATE_DRY_RUN" => json!({ "templateDryRun": { "resources": [] } }),
                _ => plain_build(),
            };
            self.complete(daemon, &job, result).await;
            done += 1;
        }
        done
    }

    /// Sends a mutation of one field with a key's secret; answers its payload, which must have no user errors.
    pub(crate) async fn as_daemon(&self, secret: &str, mutation: &str, input: Value) -> Value {
        let body = self.graphql(Some(secret), mutation, json!({ "input": input })).await;
        assert!(body.get("errors").is_none(), "{mutation}\n{body:#}");
        let (_, payload) = body["data"].as_object().unwrap().iter().next().unwrap();
        assert_eq!(payload["userErrors"], json!([]), "{mutation}\n{payload:#}");
        payload.clone()
    }
}
