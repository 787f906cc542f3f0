//! `provisioner jobs`.

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::Id;
use guildhall_client::provisioner_job::{
    ProvisionerJob, ProvisionerJobFilter, ProvisionerJobOrder, ProvisionerJobState, ProvisionerJobType,
};

use crate::context::Context;
use crate::failure::Failure;
use crate::follow::{self, Lines};
use crate::listing::{Age, Limit};
use crate::names::InOrganization;
use crate::numbers::some;
use crate::output::{Nothing, Value, state, word};

/// The arguments of `guildhall provisioner jobs`; without a verb it lists.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  guildhall provisioner jobs --org data-platform
  guildhall provisioner jobs list --org data-platform --state pending
  guildhall provisioner jobs logs job_01h455vb4pex5vsknk084sn02q --follow
  guildhall provisioner jobs cancel job_01h455vb4pex5vsknk084sn02q"
)]
pub struct Jobs {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: List,
}

/// Which jobs.
#[derive(Debug, Args)]
struct List {
    /// Only those in this state
    #[arg(long, value_name = "STATE")]
    state: Option<State>,
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,
    /// Only those that this user started
    #[arg(long, value_name = "USERNAME")]
    initiator: Option<String>,
    /// What comes first
    #[arg(long, default_value = "newest")]
    sort: Age,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = some)]
    limit: usize,
    #[command(flatten)]
    organization: InOrganization,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// Waits for a daemon.
    Pending,
    /// A daemon works on it.
    Running,
    /// It was told to stop.
    Canceling,
    /// Ended well.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because somebody asked for it.
    Canceled,
}

impl From<State> for ProvisionerJobState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Running => Self::Running,
            State::Canceling => Self::Canceling,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Canceled => Self::Canceled,
        }
    }
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Checks a template version and reads its variables
    TemplateImport,
    /// Plans a template version with values
    TemplateDryRun,
    /// Starts, stops or deletes a workspace
    WorkspaceBuild,
}

impl From<Kind> for ProvisionerJobType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::TemplateImport => Self::TemplateImport,
            Kind::TemplateDryRun => Self::TemplateDryRun,
            Kind::WorkspaceBuild => Self::WorkspaceBuild,
        }
    }
}

/// The verbs of `guildhall provisioner jobs`.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List the jobs of an organization, newest first
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall provisioner jobs list --org data-platform --state pending
  guildhall provisioner jobs list --org data-platform --type workspace-build --initiator ana"
    )]
    List(List),
    /// Print the log of a job
    #[command(after_help = "\
With -o json every line of the log is one JSON object on one line.

Examples:
  guildhall provisioner jobs logs job_01h455vb4pex5vsknk084sn02q --follow")]
    Logs {
        /// Its id
        #[arg(value_name = "JOB")]
        id: String,
        /// Go on until the job ends
        #[arg(long, short)]
        follow: bool,
    },
    /// Ask a job to end
    #[command(after_help = "\
Examples:
  guildhall provisioner jobs cancel job_01h455vb4pex5vsknk084sn02q")]
    Cancel {
        /// Its id
        #[arg(value_name = "JOB")]
        id: String,
    },
}

impl Jobs {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self.verb.unwrap_or(Verb::List(self.list)) {
            Verb::List(list) => list.run(context).await,
            Verb::Logs { id, follow: false } => {
                follow::read(&context.client()?, &context.output, &Id::new(id)).await.map(|_| ())
            }
            Verb::Logs { id, follow: true } => {
                let what = format!("the job {id}");
                follow::follow(&context.client()?, &context.output, &Id::new(id), &what, Lines::Result).await
            }
            Verb::Cancel { id } => {
                let job = context.client()?.cancel_provisioner_job(&Id::new(id)).await?;
                let sentence = format!("The job {} is {} now.", job.id.inner(), word(&job.state));
                context.output.done(&job, &sentence)
            }
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let organization = self.organization.resolve(&client).await?;
        let initiator_id = match &self.initiator {
            Some(username) => Some(client.user(username).await?.id),
            None => None,
        };
        let filter = ProvisionerJobFilter {
            state: self.state.map(ProvisionerJobState::from),
            r#type: self.kind.map(ProvisionerJobType::from),
            initiator_id,
        };
        let narrowed = filter.state.is_some() || filter.r#type.is_some() || filter.initiator_id.is_some();
        let order = match self.sort {
            Age::Newest => ProvisionerJobOrder::CreatedAtDesc,
            Age::Oldest => ProvisionerJobOrder::CreatedAtAsc,
        };
        let page = async |after| client.provisioner_jobs(&organization.id, &filter, order, after).await;
        let jobs = Limit::of(self.limit).read(page).await?;
        context.output.list(
            &jobs,
            &["ID", "TYPE", "STATE", "AGE", "BY", "DAEMON", "DETAIL"],
            row,
            &Nothing::of("job")
                .narrowed(narrowed)
                .hint("No job found. `guildhall templates push NAME --directory DIR` makes the first one."),
        )
    }
}

fn row(job: &ProvisionerJob) -> Vec<Value> {
    vec![
        (&job.id).into(),
        word(&job.r#type).into(),
        state(&job.state),
        job.created_at.into(),
        job.initiator.as_ref().map_or("", |user| user.username.as_str()).into(),
        job.daemon.as_ref().map_or("", |daemon| daemon.name.as_str()).into(),
        detail(job).into(),
    ]
}

/// Why it waits or failed.
fn detail(job: &ProvisionerJob) -> String {
    match (&job.error, &job.pending_reason, job.position) {
        (Some(error), ..) => error.message.clone(),
        (None, Some(reason), Some(position)) => format!("#{position}: {}", reason.message),
        (None, Some(reason), None) => reason.message.clone(),
        (None, None, _) => String::new(),
    }
}
