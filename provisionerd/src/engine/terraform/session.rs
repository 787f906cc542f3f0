//! The steps of one job: which arguments each takes and what its answer means.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;

use super::diagnostic::Diagnostic;
use super::environment::{self, Environment};
use super::message::Listener;
use super::outputs::{Plan, State};
use super::process::{Ended, Process, Stream, Until};
use super::{BACKEND_FILE, PLAN_FILE, TEMPORARY, Terraform, VARIABLES_FILE};
use crate::engine::{EngineError, Resource, Run, Stage, StateEndpoint};

/// Where the programs of a job write to, inside the job's folder.
const OUTPUT: &str = "output";
/// The previous build may be giving its lock back just now.
const LOCK_TIMEOUT: &str = "-lock-timeout=20s";
/// Reading what an apply made is not interrupted by a cancellation that came too late, but not endless either.
const READING: Duration = Duration::from_secs(120);

pub(super) struct Session<'a> {
    terraform: &'a Terraform,
    module: &'a Path,
    run: &'a Run,
    environment: Environment,
    output: PathBuf,
    /// Steps run so far: their outputs are numbered.
    steps: AtomicUsize,
}

/// What `validate -json` answers.
#[derive(Deserialize)]
struct Validation {
    valid: bool,
    #[serde(default)]
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Session<'a> {
    /// Prepares the folders and replaces the module's backend by one of type `backend`.
    pub(super) async fn open(
        terraform: &'a Terraform,
        module: &'a Path,
        run: &'a Run,
        backend: &str,
        state: Option<&StateEndpoint>,
    ) -> Result<Self, EngineError> {
        let output = run.folder.join(OUTPUT);
        for folder in [&output, &run.folder.join(TEMPORARY)] {
            tokio::fs::create_dir_all(folder).await.map_err(EngineError::io(folder))?;
        }
        let text = format!("terraform {{\n  backend \"{backend}\" {{}}\n}}\n");
        write_private(&module.join(BACKEND_FILE), text.as_bytes()).await?;
        let mut environment = environment::base(terraform, &run.folder);
        if let Some(state) = state {
            environment = environment::with_state(terraform, environment, state);
        }
        Ok(Self { terraform, module, run, environment, output, steps: AtomicUsize::new(0) })
    }

    pub(super) async fn write_variables(&self, values: &Map<String, Value>) -> Result<(), EngineError> {
        let text = Value::Object(values.clone()).to_string();
        write_private(&self.module.join(VARIABLES_FILE), text.as_bytes()).await
    }

    pub(super) async fn init(&self) -> Result<(), EngineError> {
        let json: &[&str] = if self.terraform.init_speaks_json { &["-json"] } else { &[] };
        self.follow(Stage::Init, &[&["init", "-input=false", "-no-color"], json].concat()).await
    }

    pub(super) async fn validate(&self) -> Result<(), EngineError> {
        let mut listener = Listener::new(&self.run.sink, Stage::Validate);
        let arguments = arguments(&["validate", "-json"]);
        let process = self.process("validate", &arguments, Until::Canceled(&self.run.cancel));
        let (ended, answer) = process.capture(|line| listener.err(line)).await?;
        match serde_json::from_slice::<Validation>(&answer) {
            Ok(validation) => {
                validation.diagnostics.into_iter().for_each(|diagnostic| listener.diagnostic(diagnostic));
                if validation.valid { Ok(()) } else { Err(self.failed(Stage::Validate, &ended, &listener)) }
            }
            // It speaks JSON whenever it comes to speak at all.
            Err(_) => Err(self.failed(Stage::Validate, &ended, &listener)),
        }
    }

    pub(super) async fn plan(&self, more: &[&str]) -> Result<(), EngineError> {
        let out = format!("-out={PLAN_FILE}");
        let mut words = vec!["plan", "-json", "-input=false", LOCK_TIMEOUT, out.as_str()];
        words.extend(more);
        self.follow(Stage::Plan, &words).await
    }

    /// What the plan says.
    pub(super) async fn planned(&self) -> Result<Plan, EngineError> {
        self.read(Stage::Plan, &["show", "-json", PLAN_FILE], "the plan").await
    }

    pub(super) async fn apply(&self, stage: Stage) -> Result<(), EngineError> {
        self.follow(stage, &["apply", "-json", "-input=false", LOCK_TIMEOUT, PLAN_FILE]).await
    }

    pub(super) async fn outputs(&self) -> Result<Map<String, Value>, EngineError> {
        self.read(Stage::Outputs, &["output", "-json"], "the outputs").await
    }

    pub(super) async fn resources(&self) -> Result<Vec<Resource>, EngineError> {
        let state: State = self.read(Stage::Outputs, &["show", "-json"], "the state").await?;
        Ok(state.resources())
    }

    async fn follow(&self, stage: Stage, words: &[&str]) -> Result<(), EngineError> {
        if self.run.cancel.is_cancelled() {
            return Err(EngineError::Canceled(stage));
        }
        let mut listener = Listener::new(&self.run.sink, stage);
        let arguments = arguments(words);
        let process = self.process(words[0], &arguments, Until::Canceled(&self.run.cancel));
        let ended = process.follow(|stream, line| match stream {
            Stream::Out => listener.out(line),
            Stream::Err => listener.err(line),
        });
        let ended = ended.await;
        listener.end();
        let ended = ended?;
        if ended.status.success() { Ok(()) } else { Err(self.failed(stage, &ended, &listener)) }
    }

    /// Runs a step that changes nothing and answers one JSON document.
    async fn read<T: DeserializeOwned>(
        &self,
        stage: Stage,
        words: &[&str],
        what: &'static str,
    ) -> Result<T, EngineError> {
        let mut listener = Listener::new(&self.run.sink, stage);
        let arguments = arguments(words);
        let process = self.process(words[0], &arguments, Until::After(READING));
        let (ended, answer) = process.capture(|line| listener.err(line)).await?;
        if !ended.status.success() {
            return Err(self.failed(stage, &ended, &listener));
        }
        // The parser's error tells where, not what: the document holds secrets in clear.
        serde_json::from_slice(&answer).map_err(|error| EngineError::Answer {
            stage,
            what,
            reason: error.to_string(),
        })
    }

    fn process<'b>(&'b self, name: &'b str, arguments: &'b [OsString], until: Until<'b>) -> Process<'b> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        Process {
            program: &self.terraform.program,
            arguments,
            folder: self.module,
            environment: &self.environment,
            output: &self.output,
            name: format!("{step}-{name}"),
            until,
            grace: self.terraform.options.grace,
            memory: self.terraform.options.memory,
        }
    }

    fn failed(&self, stage: Stage, ended: &Ended, listener: &Listener<'_>) -> EngineError {
        if ended.interrupted && self.run.cancel.is_cancelled() {
            return EngineError::Canceled(stage);
        }
        let program = self.terraform.program.file_name().unwrap_or_default().to_string_lossy();
        let otherwise = if ended.interrupted {
            format!("{program} took longer than {READING:?} and was stopped")
        } else {
            format!("{program} ended with {}", ended.status)
        };
        EngineError::Step { stage, message: listener.reason(&otherwise) }
    }
}

fn arguments(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Writes a file that only this user can read, in place of whatever the archive brought under that name.
async fn write_private(path: &Path, content: &[u8]) -> Result<(), EngineError> {
    let write = async {
        match tokio::fs::remove_file(path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await?;
        file.write_all(content).await?;
        file.flush().await
    };
    write.await.map_err(EngineError::io(path))
}
