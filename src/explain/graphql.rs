//! How explanations look.

use async_graphql::{Context, ID, Object};
use guildhall_entity::id::{OrganizationId, UserId};

use super::{About, Answer};
use crate::authz::{Ground, Named, Permission, Through};
use crate::error::Result;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::guard::requires;
use crate::group::graphql::Group;
use crate::role::graphql::Role;
use crate::template::TemplateRow;
use crate::template::graphql::TemplateRole;
use crate::user::graphql::User;

/// What an explanation says of one permission.
pub(crate) struct AccessExplanation {
    user: UserId,
    permission: Permission,
    organization: Option<OrganizationId>,
    answer: Answer,
}

impl AccessExplanation {
    /// Explains what a user may do to a template.
    pub(crate) async fn of_template(
        request: &Request,
        template: &TemplateRow,
        user: Option<&ID>,
    ) -> Result<Vec<Self>> {
        const OF_TEMPLATES: &[Permission] = &[
            Permission::TemplateRead,
            Permission::TemplateUse,
            Permission::TemplateUpdate,
            Permission::TemplateDelete,
            Permission::TemplateInsights,
        ];
        Self::all(request, meant(request, user)?, OF_TEMPLATES, template.clone().into()).await
    }

    async fn all(
        request: &Request,
        user: UserId,
        permissions: &[Permission],
        about: About,
    ) -> Result<Vec<Self>> {
        let organization = about.object.organization;
        let answers = super::explain(&request.db, &request.actor, user, permissions, about).await?;
        let with = |(answer, &permission)| Self { user, permission, organization, answer };
        Ok(answers.into_iter().zip(permissions).map(with).collect())
    }
}

/// Whether somebody may do something, and why.
#[Object]
impl AccessExplanation {
    /// Who.
    async fn user(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async { Ok(ctx.request().find(self.user).await?.map(User::from)) }).await
    }

    /// What.
    async fn permission(&self) -> Permission {
        self.permission
    }

    /// Whether they may, signed in. An API token of theirs may be narrower.
    async fn allowed(&self) -> bool {
        self.answer.explanation.allowed
    }

    /// What grants it, also when something else takes it away.
    async fn reasons(&self) -> Vec<AccessReason> {
        self.answer.explanation.grounds.iter().cloned().map(AccessReason).collect()
    }

    /// Roles of theirs that take it away, whatever else grants it.
    async fn denied_by(&self) -> Vec<Role> {
        self.answer.explanation.denied_by.iter().map(|&role| Role::BuiltIn(role, self.organization)).collect()
    }

    /// Whether they are suspended, and may nothing for that.
    async fn suspended(&self) -> bool {
        self.answer.explanation.suspended
    }

    /// The permission that they lack; null when something grants it. Of a workspace to be made of a template, that may be the
    /// use of the template.
    async fn missing(&self) -> Option<Permission> {
        self.answer.missing
    }

    /// Roles that would grant it, of those that can be held there and that the viewer can see; none when something grants
    /// it.
    async fn granted_by(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        let Some(missing) = self.answer.missing else { return Ok(Vec::new()) };
        let all = match self.organization {
            Some(organization) => Role::all_of(ctx.request(), organization).await?,
            None => Role::all_of_site(),
        };
        Ok(all.into_iter().filter(|role| role.gives().contains(missing)).collect())
    }

    /// What an entry of the template's access list would have to give them, or a group of theirs, at least; null when
    /// something grants it, and where no entry would do. To be on the list, one belongs to the organization.
    async fn granted_by_template_role(&self) -> Option<TemplateRole> {
        self.answer.entry.map(TemplateRole::from)
    }

    /// Whether it would do that they belong to the organization, without any role there.
    async fn granted_by_membership(&self) -> bool {
        self.answer.membership
    }
}

/// Something that grants a permission.
pub(crate) struct AccessReason(Ground);

/// Something that grants a permission.
#[Object]
impl AccessReason {
    /// How it reaches the object.
    async fn reach(&self) -> Through {
        match &self.0 {
            Ground::Role { through, .. } => *through,
            Ground::Listed { .. } => Through::AccessList,
        }
    }

    /// The role that grants it; null for an access list.
    async fn role(&self, ctx: &Context<'_>) -> Nullable<Role> {
        nullable(async {
            let Ground::Role { role, organization, .. } = &self.0 else { return Ok(None) };
            Ok(match (role, organization) {
                (Named::BuiltIn(role), organization) => Some(Role::BuiltIn(*role, *organization)),
                (Named::Custom(name), Some(organization)) => {
                    let names = std::slice::from_ref(name);
                    Role::in_organization(ctx.request(), *organization, names).await?.pop()
                }
                (Named::Custom(_), None) => None,
            })
        })
        .await
    }

    /// What the access list gives them; null for a role.
    async fn template_role(&self) -> Option<TemplateRole> {
        match &self.0 {
            Ground::Listed { role, .. } => Some((*role).into()),
            Ground::Role { .. } => None,
        }
    }

    /// The group that the access list names; null where it names them, and for a role.
    async fn group(&self, ctx: &Context<'_>) -> Nullable<Group> {
        nullable(async {
            let Ground::Listed { group: Some(group), .. } = &self.0 else { return Ok(None) };
            Ok(ctx.request().find(*group).await?.map(Group::from))
        })
        .await
    }
}

/// The user of an id; the viewer without one.
fn meant(request: &Request, user: Option<&ID>) -> Result<UserId> {
    let user = match user {
        Some(id) => id.parse().ok(),
        None => request.actor.user_id(),
    };
    user.ok_or_else(super::not_found)
}

/// Queries about access.
#[derive(Default)]
pub(crate) struct ExplainQuery;

#[Object]
impl ExplainQuery {
    /// Whether a user may do something, and which role, group or access list allows it or what is missing. Anybody may ask
    /// about themselves; about others, it takes the permission from a role in the object's organization (of a group or a
    /// template `GROUP_READ_MEMBERS`, too), and for what is of none `USER_READ_CONTACT`: FORBIDDEN without. NOT_FOUND for a
    /// user or an object that is missing or not visible; BAD_USER_INPUT for a permission that says nothing of such an object.
    #[graphql(directive = requires::apply("MEMBER".into(), "READ_CONTACT".into()))]
    async fn explain_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What they want to do.")] permission: Permission,
        #[graphql(desc = "The user; the viewer if absent.")] user_id: Option<ID>,
        #[graphql(
            desc = "What to: an organization, a group, role, template, version, dry run, workspace, build, job, daemon, \
                    key, user, session or API token. The deployment if absent."
        )]
        object_id: Option<ID>,
    ) -> Nullable<AccessExplanation> {
        nullable(async {
            let request = ctx.request();
            request.signed_in()?;
            let user = meant(request, user_id.as_ref())?;
            let id = object_id.as_ref().map(|id| id.as_str());
            let about = super::about(&request.db, &request.actor, id).await?;
            Ok(AccessExplanation::all(request, user, &[permission], about).await?.pop())
        })
        .await
    }
}
