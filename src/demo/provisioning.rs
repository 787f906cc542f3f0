//! Templates and workspaces of the demonstration data. A daemon of its own takes the jobs and ends them one way or the
//! other, without running anything.

use std::io::Write as _;
use std::sync::Arc;

use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, TemplateId, UserId};
use guildhall_entity::json::{
    App, Apps, Engine, Engines, Metadata, Resource, Resources, Rule, Tags, Validation, Variable, Variables,
};
use guildhall_entity::kind::{LogLevel, LogSource, Transition};
use guildhall_provisionerd::engine::module::{self, Module};

use crate::authz::{Actor, Origin};
use crate::db::Db;
use crate::dispatch::{self, Failure, Outcome};
use crate::error::{Error, Result};
use crate::name::Slug;
use crate::provisioner::job::{self, Line, Question};
use crate::provisioner::{JobRow, daemon};
use crate::seal::Sealer;
use crate::template::settings::Patch;
use crate::template::{self, FileRow, NewVersion, file, version};
use crate::workspace::build::{self, Made};
use crate::workspace::{self, NewWorkspace};

/// Names and texts.
type Files = &'static [(&'static str, &'static str)];

/// The templates of `examples/templates`: name, display name, icon, files.
const TEMPLATES: [(&str, &str, &str, Files); 2] = [
    (
        "docker-dev",
        "Docker Development",
        "🐳",
        &[
            ("README.md", include_str!("../../examples/templates/docker-dev/README.md")),
            ("main.tf", include_str!("../../examples/templates/docker-dev/main.tf")),
            ("outputs.tf", include_str!("../../examples/templates/docker-dev/outputs.tf")),
        ],
    ),
    (
        "compute-vm",
        "Virtual Machine",
        "🖥️",
        &[
            ("README.md", include_str!("../../examples/templates/compute-vm/README.md")),
            ("guildhall.toml", include_str!("../../examples/templates/compute-vm/guildhall.toml")),
            ("main.tf", include_str!("../../examples/templates/compute-vm/main.tf")),
            ("outputs.tf", include_str!("../../examples/templates/compute-vm/outputs.tf")),
            ("variables.tf", include_str!("../../examples/templates/compute-vm/variables.tf")),
        ],
    ),
];

/// Workspaces of each organization.
const WORKSPACES: [usize; 3] = [60, 80, 60];

const PURPOSES: [&str; 8] =
    ["api", "notebook", "review", "sandbox", "pipeline", "docs", "load-test", "spike"];

/// What becomes of a workspace's last build.
#[derive(Clone, Copy)]
enum Fate {
    Running,
    Stopped,
    Failed,
    Waiting,
}

impl Fate {
    /// Most run; the default organization has provisioners of its own, so nothing is left waiting there.
    fn of(i: usize, organization: usize) -> Self {
        match i % 10 {
            0..=5 => Self::Running,
            6 | 7 => Self::Stopped,
            8 => Self::Failed,
            _ if organization == 0 => Self::Running,
            _ => Self::Waiting,
        }
    }
}

/// Fills one organization.
pub(super) async fn fill(
    db: &Db,
    sealer: &Sealer,
    owner: &Actor,
    (at, organization): (usize, OrganizationId),
    members: &[UserId],
) -> Result<()> {
    let daemon = Actor::daemon(None, "demo".into(), organization, Tags::default(), Origin::default());
    let worker = Worker { db, daemon: &daemon, id: register(db, &daemon).await? };
    let mut templates = Vec::new();
    for (name, display_name, icon, files) in TEMPLATES {
        let (archive, module) =
            tokio::task::spawn_blocking(move || read(files)).await.map_err(Error::internal)??;
        let row = file::keep(db, owner, archive).await?;
        let template = push(db, owner, organization, (name, display_name, icon), &row).await?;
        worker.import(module).await?;
        templates.push(template);
    }
    let mut waiting = Vec::new();
    for i in 0..WORKSPACES[at] {
        let (Some(&person), Some(&template)) =
            (members.get(i * 7 % members.len()), templates.get(i % templates.len()))
        else {
            continue;
        };
        let name = format!("{}-{}", PURPOSES[i % PURPOSES.len()], i + 1);
        match Fate::of(i, at) {
            Fate::Waiting => waiting.push((person, template, name)),
            fate => worker.live(sealer, owner, (person, template, &name), fate).await?,
        }
    }
    for (person, template, name) in waiting {
        create(db, sealer, owner, (person, template, &name)).await?;
    }
    Ok(())
}

async fn register(db: &Db, daemon: &Actor) -> Result<ProvisionerDaemonId> {
    daemon::register(db, daemon, "demo", env!("CARGO_PKG_VERSION"), Engines(vec![Engine::Echo])).await
}

/// Writes a template's files to a folder, packs and reads them.
fn read(files: Files) -> Result<(std::fs::File, Module)> {
    let folder = tempfile::tempdir().map_err(Error::internal)?;
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).map_err(Error::internal)?;
    }
    let mut archive = tempfile::tempfile().map_err(Error::internal)?;
    guildhall_archive::pack(folder.path(), &mut archive).map_err(Error::internal)?;
    archive.flush().map_err(Error::internal)?;
    let module = Module::read(folder.path()).map_err(|error| Error::internal(error.to_string()))?;
    Ok((archive, module))
}

async fn push(
    db: &Db,
    owner: &Actor,
    organization: OrganizationId,
    (name, display_name, icon): (&str, &str, &str),
    file: &FileRow,
) -> Result<TemplateId> {
    let new = Patch {
        name: Some(name.into()),
        display_name: Some(Some(display_name.into())),
        icon: Some(Some(icon.into())),
        ..Patch::default()
    };
    let first = NewVersion {
        name: Slug::parse(&["name"], "v1")?,
        message: "First version".into(),
        file: file.id,
        tags: Tags::default(),
        promote: true,
    };
    Ok(template::create(db, owner, organization, new, first).await?.0)
}

async fn create(
    db: &Db,
    sealer: &Sealer,
    owner: &Actor,
    (person, template, name): (UserId, TemplateId, &str),
) -> Result<guildhall_entity::id::WorkspaceId> {
    let template =
        template::find(db, owner, template).await?.ok_or_else(|| Error::internal("no template"))?;
    let active = template.active_version_id.ok_or_else(|| Error::internal("no active version"))?;
    let (row, content) = version::referred(db, active).await?.ok_or_else(|| Error::internal("no version"))?;
    let new = NewWorkspace {
        name: Slug::parse(&["name"], name)?,
        owner: Some(person),
        template,
        version: (row, Arc::new(content)),
        parameters: Vec::new(),
    };
    Ok(workspace::create(db, sealer, owner, new).await?.0)
}

/// Takes jobs and ends them.
struct Worker<'a> {
    db: &'a Db,
    daemon: &'a Actor,
    id: ProvisionerDaemonId,
}

impl Worker<'_> {
    async fn take(&self) -> Result<JobRow> {
        let taken = job::acquire(self.db, self.daemon, Question { daemon: self.id, key: None }).await?;
        taken.map(|(job, _)| job).ok_or_else(|| Error::internal("a job that was just queued is not there"))
    }

    async fn log(&self, job: &JobRow, lines: &[(LogLevel, &str, &str)]) -> Result<()> {
        let now = self.db.clock().now();
        let line = |&(level, stage, text): &(LogLevel, &str, &str)| Line {
            time: now,
            level,
            source: LogSource::Provisioner,
            stage: stage.into(),
            text: text.into(),
        };
        job::append_logs(self.db, self.daemon, job.held(), 1, lines.iter().map(line).collect()).await?;
        Ok(())
    }

    async fn import(&self, module: Module) -> Result<()> {
        let job = self.take().await?;
        self.log(&job, &[(LogLevel::Info, "Init", "Terraform has been successfully initialized")]).await?;
        let variables = Variables(module.variables.into_iter().map(variable).collect());
        dispatch::complete(
            self.db,
            self.daemon,
            job.held(),
            Outcome::Import { readme: module.readme, variables },
        )
        .await
    }

    /// A workspace from its first build to its fate.
    async fn live(
        &self,
        sealer: &Sealer,
        owner: &Actor,
        what: (UserId, TemplateId, &str),
        fate: Fate,
    ) -> Result<()> {
        let id = create(self.db, sealer, owner, what).await?;
        let job = self.take().await?;
        if matches!(fate, Fate::Failed) {
            let error = "Error: no capacity left in zone b; try again later or choose another zone";
            self.log(
                &job,
                &[
                    (LogLevel::Info, "Plan", "Plan: 2 to add, 0 to change, 0 to destroy."),
                    (LogLevel::Error, "Apply", error),
                ],
            )
            .await?;
            let failure =
                Failure { code: "APPLY_FAILED", message: error, canceled: false, handed_back: false };
            return dispatch::fail(self.db, self.daemon, job.held(), failure).await.map(|_| ());
        }
        self.build(&job, what.2).await?;
        if matches!(fate, Fate::Stopped) {
            let whole =
                workspace::find(self.db, owner, id).await?.ok_or_else(|| Error::internal("no workspace"))?;
            let (row, content) = version::referred(self.db, whole.build.template_version_id)
                .await?
                .ok_or_else(|| Error::internal("no version"))?;
            let latest = (&whole.workspace, &whole.build);
            build::create(self.db, sealer, owner, latest, (&row, &content), Transition::Stop, Vec::new())
                .await?;
            let job = self.take().await?;
            self.build(&job, what.2).await?;
        }
        Ok(())
    }

    async fn build(&self, job: &JobRow, name: &str) -> Result<()> {
        let lines = [
            (LogLevel::Info, "Init", "Terraform has been successfully initialized"),
            (LogLevel::Info, "Plan", "Plan: 1 to add, 0 to change, 0 to destroy."),
            (LogLevel::Info, "Apply", "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."),
        ];
        self.log(job, &lines).await?;
        let resource = Resource {
            address: "terraform_data.machine".into(),
            r#type: "terraform_data".into(),
            name: "machine".into(),
        };
        let app = App {
            name: "Editor".into(),
            url: format!("https://{name}.example.com/editor"),
            icon: "📝".into(),
        };
        let made = Made {
            resources: Resources(vec![resource]),
            apps: Apps(vec![app]),
            metadata: Metadata([("region".to_owned(), "eu-central".to_owned())].into()),
            daily_cost: 8,
        };
        dispatch::complete(self.db, self.daemon, job.held(), Outcome::Build(made)).await
    }
}

fn variable(variable: module::Variable) -> Variable {
    let validation = |validation: module::Validation| Validation {
        condition: validation.condition,
        error_message: validation.error_message,
        rules: validation.rules.into_iter().map(rule).collect(),
    };
    Variable {
        required: variable.default.is_none(),
        name: variable.name,
        r#type: variable.type_expression.unwrap_or_else(|| "any".into()),
        description: variable.description,
        default: if variable.sensitive { None } else { variable.default },
        sensitive: variable.sensitive,
        nullable: variable.nullable,
        ephemeral: variable.ephemeral,
        validations: variable.validations.into_iter().map(validation).collect(),
        display_name: variable.display_name,
        icon: variable.icon,
        order: variable.order,
        immutable: variable.immutable,
    }
}

fn rule(rule: module::Rule) -> Rule {
    match rule {
        module::Rule::OneOf(options) => Rule::OneOf(options),
        module::Rule::AtLeast(bound) => Rule::AtLeast(bound),
        module::Rule::MoreThan(bound) => Rule::MoreThan(bound),
        module::Rule::AtMost(bound) => Rule::AtMost(bound),
        module::Rule::LessThan(bound) => Rule::LessThan(bound),
        module::Rule::Whole => Rule::Whole,
        module::Rule::LengthAtLeast(bound) => Rule::LengthAtLeast(bound),
        module::Rule::LengthAtMost(bound) => Rule::LengthAtMost(bound),
        module::Rule::Pattern(pattern) => Rule::Pattern(pattern),
    }
}
