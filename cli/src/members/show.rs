//! `members show`.

use guildhall_client::ClientError;
use serde_json::json;

use super::listed;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::InOrganization;
use crate::output::state;

pub(super) async fn show(
    context: &Context,
    username: &str,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization.resolve(&client).await?;
    let user = client.user(username).await?;
    let member = client.member(&organization.id, &user).await?;
    // Whoever may see the member may not see what they use.
    let quota = match client.member_quota(&organization.id, &user.username).await {
        Ok(member) => member.quota,
        Err(ClientError::GraphQl(_)) => None,
        Err(error) => return Err(error.into()),
    };
    if context.output.is_json() {
        let mut object = json!(member);
        object["quota"] = json!(quota);
        return context.output.json(&object);
    }
    let groups = member.groups.nodes.iter().map(|group| group.name.clone()).collect::<Vec<_>>();
    let mut rows = vec![
        ("Username", member.user.username.as_str().into()),
        ("Name", member.user.name.as_str().into()),
        ("Email", member.user.email.clone().unwrap_or_default().into()),
        ("Status", member.user.status.as_ref().map_or_else(|| "".into(), state)),
        ("Organization", organization.name.as_str().into()),
        ("Roles", listed(Some(&member.roles))),
        ("Groups", groups.into()),
        ("Joined", member.created_at.into()),
        ("Id", member.user.id.inner().into()),
    ];
    if let Some(quota) = quota {
        let limit = |some: Option<i32>| some.map_or_else(|| "no limit".to_owned(), |some| some.to_string());
        rows.push(("Credits a day", format!("{} used of {}", quota.used, limit(quota.budget)).into()));
    }
    context.output.object(&member, rows)
}
