//! `explain`: why somebody may do something, or what they lack.

use clap::Args;
use guildhall_client::explain::{AccessExplanation, AccessReach, AccessReason};
use guildhall_client::{Id, Permission};

use crate::context::Context;
use crate::failure::Failure;
use crate::members::names;
use crate::object::Object;
use crate::output::word;
use crate::words::{permissions, spoken};

/// Explain what a user may do to something, and why.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall explain ana template:update --template data-platform/docker-dev
  guildhall explain ana workspace:create --org data-platform
  guildhall explain ana group:update --group data-platform/analysts
  guildhall explain ana workspace:stop --workspace data-platform/dev
  guildhall explain ana workspace:stop wks_01h455vb4pex5vsknk084sn02q
  guildhall explain ana user:create")]
pub struct Explain {
    /// Whose access; their username
    username: String,
    /// What they want to do, e.g. template:update; `guildhall roles permissions` lists what there is
    #[arg(value_name = "PERMISSION", value_parser = permissions(), hide_possible_values = true)]
    permission: Permission,
    /// Id of what they want to do it to; the deployment where nothing is named
    #[arg(value_name = "ID", conflicts_with_all = ["template", "group", "workspace", "org"])]
    id: Option<String>,
    #[command(flatten)]
    object: Object,
}

impl Explain {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let user = client.user(&self.username).await?;
        let object = match self.id {
            Some(id) => Some(Id::new(id)),
            None => self.object.id(&client).await?,
        };
        let answer = client.explain_access(&user.id, self.permission, object).await?;
        if context.output.is_json() {
            return context.output.json(&answer);
        }
        for line in lines(&self.username, &answer) {
            context.output.say(&line)?;
        }
        Ok(())
    }
}

/// The answer in sentences: whether, then why.
fn lines(username: &str, answer: &AccessExplanation) -> Vec<String> {
    let permission = spoken(&answer.permission);
    let verdict = if answer.allowed { "may" } else { "may not" };
    let mut lines = vec![format!("{username} {verdict} {permission}.")];
    lines.extend(why(answer).into_iter().map(|sentence| format!("  {sentence}")));
    lines
}

/// What allows it, or what is missing, in sentences.
pub(crate) fn why(answer: &AccessExplanation) -> Vec<String> {
    let mut lines = Vec::new();
    if answer.suspended {
        lines.push("Suspended: nothing is allowed until the account is active again.".to_owned());
    }
    if !answer.denied_by.is_empty() {
        lines.push(format!("Taken away by: {}.", names(&answer.denied_by)));
    }
    lines.extend(answer.reasons.iter().map(|reason| format!("Granted by {}.", because(reason))));
    if let Some(missing) = &answer.missing {
        let what = if missing == &answer.permission { "it".to_owned() } else { spoken(missing) };
        lines.push(format!("Nothing grants {what}."));
        if answer.granted_by_membership {
            lines.push("Belonging to the organization would.".to_owned());
        }
        if let Some(role) = answer.granted_by_template_role {
            lines.push(format!("An entry of the access list would: {}.", word(&role)));
        }
        if !answer.granted_by.is_empty() {
            lines.push(format!("Roles that would: {}.", names(&answer.granted_by)));
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
