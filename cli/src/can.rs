//! `can`: what the signed-in user may do.

use clap::Args;
use guildhall_client::{Id, Permission};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::object::Object;
use crate::words::{permissions, spoken};

/// The arguments of `guildhall can`.
#[derive(Debug, Args)]
#[command(after_help = "\
With a permission the answer is yes or no, and the exit code of no is 5. `guildhall explain` says why.

Examples:
  guildhall can --org data-platform
  guildhall can --template data-platform/docker-dev
  guildhall can template:update --template data-platform/docker-dev
  guildhall can workspace:stop wks_01h455vb4pex5vsknk084sn02q
  guildhall can user:create")]
pub struct Can {
    /// What you want to do, e.g. template:update; default: everything that you may
    #[arg(value_name = "PERMISSION", value_parser = permissions(), hide_possible_values = true)]
    permission: Option<Permission>,
    /// Id of what you want to do it to; the deployment where nothing is named
    #[arg(value_name = "ID", conflicts_with_all = ["template", "group", "workspace", "org"])]
    id: Option<String>,
    #[command(flatten)]
    object: Object,
}

impl Can {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let object = match self.id {
            Some(id) => Some(Id::new(id)),
            None => self.object.id(&client).await?,
        };
        let Some(permission) = self.permission else {
            let object = object.ok_or_else(|| {
                Failure::usage("name a permission, or something to list what you may do to it")
                    .hint("`guildhall can --org ORG`, or --template, --group or --workspace")
            })?;
            let mut all = client.viewer_can(&object).await?;
            all.sort_by(|one, other| one.0.cmp(&other.0));
            let nothing =
                crate::output::Nothing::of("permission").hint("You may do nothing to it but see it.");
            return context.output.list(&all, &["PERMISSION"], |one| vec![spoken(one).into()], &nothing);
        };
        let viewer = client.viewer().await?;
        let viewer = viewer.ok_or_else(|| Failure::usage("the token in use belongs to no user"))?;
        let answer = client.explain_access(&viewer.id, permission.clone(), object).await?;
        let object = json!({ "permission": permission, "allowed": answer.allowed });
        context.output.done(&object, if answer.allowed { "yes" } else { "no" })?;
        // The answer has been given: there is nothing to complain about.
        let no = || Failure { silent: true, ..Failure::new(Exit::Forbidden, "no") };
        if answer.allowed { Ok(()) } else { Err(no()) }
    }
}
