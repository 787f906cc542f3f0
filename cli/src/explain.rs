//! `explain`: why somebody may do something, or what they lack.

use clap::Args;
use guildhall_client::explain::{AccessExplanation, AccessReach, AccessReason};
use guildhall_client::{Client, Id, Permission};

use crate::context::Context;
use crate::failure::Failure;
use crate::members::names;
use crate::names::{InOrganization, Scoped};
use crate::output::word;
use crate::{groups, templates};

/// Explain what a user may do to something, and why.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall explain ana TEMPLATE_UPDATE --template data-platform/docker-dev
  guildhall explain ana WORKSPACE_CREATE --org data-platform
  guildhall explain ana GROUP_UPDATE --group data-platform/analysts
  guildhall explain ana WORKSPACE_STOP wks_01h455vb4pex5vsknk084sn02q
  guildhall explain ana USER_CREATE")]
pub struct Explain {
    /// Whose access; their username
    username: String,
    /// What they want to do, e.g. TEMPLATE_UPDATE; `guildhall roles permissions` lists what there is
    permission: String,
    /// Id of what they want to do it to; the deployment where nothing is named
    #[arg(conflicts_with_all = ["template", "group", "org"])]
    object: Option<String>,
    /// A template: NAME or ORG/NAME
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "group")]
    template: Option<Scoped>,
    /// A group: NAME or ORG/NAME
    #[arg(long, value_name = "GROUP")]
    group: Option<Scoped>,
    // `--org` alone means the organization itself.
    #[command(flatten)]
    organization: InOrganization,
}

impl Explain {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let user = client.user(&self.username).await?;
        let permission = Permission(self.permission.trim().to_uppercase().replace('-', "_"));
        let object = self.object(&client).await?;
        let answer = client.explain_access(&user.id, permission, object).await?;
        if context.output.is_json() {
            return context.output.json(&answer);
        }
        for line in lines(&self.username, &answer) {
            context.output.line(&line)?;
        }
        Ok(())
    }

    /// What it is about; `None` for the deployment.
    async fn object(&self, client: &Client) -> Result<Option<Id>, Failure> {
        Ok(match (&self.object, &self.template, &self.group, self.organization.given()) {
            (Some(id), ..) => Some(Id::new(id.clone())),
            (_, Some(template), ..) => Some(templates::find(client, template, &self.organization).await?.id),
            (_, _, Some(group), _) => Some(groups::find(client, group, &self.organization).await?.id),
            (.., Some(organization)) => Some(client.organization(organization).await?.id),
            _ => None,
        })
    }
}

/// The answer in sentences: whether, then why.
fn lines(username: &str, answer: &AccessExplanation) -> Vec<String> {
    let permission = &answer.permission;
    let verdict = if answer.allowed { "may" } else { "may not" };
    let mut lines = vec![format!("{username} {verdict} {permission}.")];
    if answer.suspended {
        lines.push("  Suspended: nothing is allowed until the account is active again.".to_owned());
    }
    if !answer.denied_by.is_empty() {
        lines.push(format!("  Taken away by: {}.", names(&answer.denied_by)));
    }
    lines.extend(answer.reasons.iter().map(|reason| format!("  Granted by {}.", because(reason))));
    if answer.missing.is_some() {
        lines.push("  Nothing grants it.".to_owned());
        if !answer.granted_by.is_empty() {
            lines.push(format!("  Roles that would: {}.", names(&answer.granted_by)));
        }
    }
    lines
}

fn because(reason: &AccessReason) -> String {
    let role = reason.role.as_ref().map_or("", |role| role.name.as_str());
    match (&reason.reach, &reason.group) {
        (AccessReach::Site, _) => format!("the site role {role}"),
        (AccessReach::Organization, _) => format!("the role {role} in the organization"),
        (AccessReach::Own, _) => format!("the role {role}, for what one owns"),
        (AccessReach::AccessList, group) => {
            let gives = reason.template_role.map_or_else(String::new, |role| format!(" ({})", word(&role)));
            match group {
                Some(group) => format!("the access list{gives}, through the group {}", group.name),
                None => format!("the access list{gives}, by name"),
            }
        }
        (AccessReach::Other(reach), _) => reach.to_lowercase(),
    }
}
