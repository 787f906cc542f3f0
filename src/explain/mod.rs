//! Explanations: what somebody may do to something, and why. Refuses to explain what the actor could not find out: they
//! must see the user, the object, and the roles that the user holds.

pub(crate) mod graphql;
mod kind;
mod store;

use guildhall_entity::id::{
    ApiTokenId, GroupId, OrganizationId, ProvisionerDaemonId, ProvisionerJobId, ProvisionerKeyId, RoleId,
    SessionId, TemplateDryRunId, TemplateId, TemplateVersionId, TypedId, UserId, WorkspaceBuildId,
    WorkspaceId, prefix,
};
use guildhall_entity::kind::AclRole;
use kind::Kind;

use crate::authz::{Actor, Denied, Explanation, Object, Permission, policy};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::group::GroupRow;
use crate::template::{TemplateRow, access};
use crate::user::SeenUser;
use crate::workspace::WorkspaceRow;
use crate::{group, role, template, workspace};

/// What an explanation is about.
pub(crate) struct About {
    kind: Kind,
    object: Object,
    template: Option<TemplateRow>,
    group: Option<GroupId>,
}

impl About {
    /// The deployment.
    const SITE: Self = Self { kind: Kind::Whole, object: Object::SITE, template: None, group: None };

    fn of(kind: Kind, object: Object) -> Self {
        Self { kind, object, ..Self::SITE }
    }

    fn inside(kind: Kind, organization: OrganizationId) -> Self {
        Self::of(kind, Object::in_organization(organization))
    }
}

impl From<TemplateRow> for About {
    fn from(template: TemplateRow) -> Self {
        Self { template: Some(template.clone()), ..Self::inside(Kind::Template, template.organization_id) }
    }
}

/// The same answer for a user and an object, missing or not visible.
fn not_found() -> Error {
    Error::NotFound("user or object")
}

/// An answer, and what would change it besides a role.
pub(crate) struct Answer {
    pub(crate) explanation: Explanation,
    /// The permission that nothing grants.
    pub(crate) missing: Option<Permission>,
    /// What an entry of the template's access list would have to give at least, if that would do.
    pub(crate) entry: Option<AclRole>,
    /// Whether belonging to the organization would do.
    pub(crate) membership: bool,
}

/// What somebody makes is theirs: whether they may is asked about their own.
const MADE_FOR_ONESELF: [Permission; 2] = [Permission::WorkspaceCreate, Permission::TokenCreate];

/// Whether the actor may know what an explanation tells of somebody: their roles on the site, those in the object's
/// organization and, where that counts, their groups. A token takes away of what one may know of oneself as well.
fn may_know(actor: &Actor, seen: &SeenUser, about: &About) -> Result<(), Denied> {
    let user = seen.user.id;
    if actor.user_id() == Some(user) {
        actor.require(Permission::UserReadContact, Object::SITE.owned_by(user))?;
        let here = about.object.organization.map(Object::in_organization);
        return here.map_or(Ok(()), |here| actor.require(Permission::MemberRead, here));
    }
    let Some(organization) = about.object.organization else {
        return actor.require(Permission::UserReadContact, Object::SITE);
    };
    let by_groups = about.template.is_some() || about.group.is_some();
    let groups = by_groups.then_some(Permission::GroupReadMembers);
    for permission in std::iter::once(Permission::MemberReadContact).chain(groups) {
        if !actor.may_by_role(permission, organization) {
            return Err(Denied::LackingIn(permission, organization));
        }
    }
    // A member of another organization, whose site roles are none of the actor's business.
    if seen.contact { Ok(()) } else { Err(Denied::Lacking(Permission::UserReadContact)) }
}

/// Explains permissions of a user on an object, or on the deployment.
///
/// # Errors
/// NOT_FOUND for what the actor can't see. FORBIDDEN, but about oneself, without `MEMBER_READ_CONTACT` from a role in the
/// object's organization (of groups and templates also `GROUP_READ_MEMBERS`); for what is of none without
/// `USER_READ_CONTACT`. BAD_USER_INPUT for what can't be done to such a thing.
pub(crate) async fn explain(
    db: &Db,
    actor: &Actor,
    user: UserId,
    permissions: &[Permission],
    about: About,
) -> Result<Vec<Answer>> {
    let seen = db.find(actor, user).await?.ok_or_else(not_found)?;
    may_know(actor, &seen, &about)?;
    for &permission in permissions {
        about.kind.admits(permission)?;
    }
    let subject = store::subject(db, user).await?.ok_or_else(not_found)?;
    let listings: Vec<_> = match &about.template {
        Some(template) => {
            let listings = access::listings(db, user, &[template.id]).await?;
            listings.into_iter().map(|listing| (listing.role, listing.group_id)).collect()
        }
        None => Vec::new(),
    };
    let mut object = about.object;
    if let Some(id) = about.group
        && !group::groups_of(db, user, &[id]).await?.is_empty()
    {
        // A group is its members' own.
        object = object.owned_by(user);
    }
    let explain = |permission: Permission| {
        let is_theirs = object.owner.is_none() && MADE_FOR_ONESELF.contains(&permission);
        subject.explain(permission, if is_theirs { object.owned_by(user) } else { object }, &listings)
    };
    let answer = |&permission: &Permission| {
        let mut asked = (permission, explain(permission));
        // A workspace is made of a template: it takes the use of that as well.
        if permission == Permission::WorkspaceCreate && about.template.is_some() && asked.1.allowed {
            let using = explain(Permission::TemplateUse);
            if using.allowed {
                asked.1.grounds.extend(using.grounds);
            } else {
                asked = (Permission::TemplateUse, using);
            }
        }
        let (asked, explanation) = asked;
        let missing = explanation.grounds.is_empty().then_some(asked);
        let entry = missing.filter(|_| about.template.is_some()).and_then(policy::least_listed);
        let own = object.owner.map_or_else(|| MADE_FOR_ONESELF.contains(&asked), |owner| owner == user);
        let membership = missing.is_some() && subject.would_by_joining(asked, object.organization, own);
        Answer { explanation, missing, entry, membership }
    };
    Ok(permissions.iter().map(answer).collect())
}

/// What an id means, if the actor can see it; `None` for the deployment.
///
/// # Errors
/// NOT_FOUND for anything else.
pub(crate) async fn about(db: &Db, actor: &Actor, id: Option<&str>) -> Result<About> {
    let Some(id) = id else { return Ok(About::SITE) };
    find(db, actor, id).await?.ok_or_else(not_found)
}

async fn find(db: &Db, actor: &Actor, id: &str) -> Result<Option<About>> {
    fn parse<I: TypedId>(id: &str) -> Option<I> {
        id.parse().ok()
    }
    /// Finds what an id of this type names.
    macro_rules! found {
        ($id:ty) => {
            match parse::<$id>(id) {
                Some(id) => db.find(actor, id).await?,
                None => None,
            }
        };
    }
    Ok(match prefix(id) {
        Some(OrganizationId::PREFIX) => found!(OrganizationId).map(|row| About::inside(Kind::Whole, row.id)),
        Some(GroupId::PREFIX) => {
            let of = |row: GroupRow| About {
                group: Some(row.id),
                ..About::inside(Kind::Group, row.organization_id)
            };
            found!(GroupId).map(of)
        }
        Some(RoleId::PREFIX) => match parse::<RoleId>(id).and_then(role::builtin) {
            Some((_, Some(organization))) => {
                let reads = actor.may(Permission::RoleRead, Object::in_organization(organization));
                let found = db.find(actor, organization).await?.filter(|_| reads);
                found.map(|row| About::inside(Kind::Role, row.id))
            }
            Some((_, None)) => Some(About::of(Kind::Role, Object::SITE)),
            None => found!(RoleId).map(|row| About::inside(Kind::Role, row.organization_id)),
        },
        Some(TemplateId::PREFIX) => found!(TemplateId).map(About::from),
        Some(TemplateVersionId::PREFIX) => match found!(TemplateVersionId) {
            Some(row) => template::find(db, actor, row.template_id).await?.map(About::from),
            None => None,
        },
        Some(TemplateDryRunId::PREFIX) => {
            found!(TemplateDryRunId).map(|row| owned(Kind::DryRun, row.organization_id, row.created_by))
        }
        Some(WorkspaceId::PREFIX) => found!(WorkspaceId).map(|whole| of_workspace(&whole.workspace)),
        Some(WorkspaceBuildId::PREFIX) => match found!(WorkspaceBuildId) {
            Some((build, _)) => {
                let found = workspace::find(db, actor, build.workspace_id).await?;
                found.map(|whole| of_workspace(&whole.workspace))
            }
            None => None,
        },
        Some(ProvisionerKeyId::PREFIX) => {
            found!(ProvisionerKeyId).map(|row| About::inside(Kind::ProvisionerKey, row.organization_id))
        }
        Some(ProvisionerDaemonId::PREFIX) => {
            let inside = |organization| About::inside(Kind::ProvisionerDaemon, organization);
            found!(ProvisionerDaemonId).map(|row| inside(row.daemon.organization_id))
        }
        Some(ProvisionerJobId::PREFIX) => {
            found!(ProvisionerJobId).map(|row| owned(Kind::ProvisionerJob, row.organization_id, row.owner_id))
        }
        Some(UserId::PREFIX) => found!(UserId).map(|seen| of_user(Kind::User, seen.user.id)),
        Some(SessionId::PREFIX) => found!(SessionId).map(|row| of_user(Kind::Token, row.user_id)),
        Some(ApiTokenId::PREFIX) => found!(ApiTokenId).map(|row| of_user(Kind::Token, row.user_id)),
        _ => None,
    })
}

fn owned(kind: Kind, organization: OrganizationId, owner: UserId) -> About {
    About::of(kind, Object::in_organization(organization).owned_by(owner))
}

fn of_workspace(workspace: &WorkspaceRow) -> About {
    owned(Kind::Workspace, workspace.organization_id, workspace.owner_id)
}

fn of_user(kind: Kind, user: UserId) -> About {
    About::of(kind, Object::SITE.owned_by(user))
}
