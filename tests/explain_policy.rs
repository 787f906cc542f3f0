//! An explanation and the policy never disagree, whatever somebody holds.

use guildhall::authz::policy::{BuiltinRole, Scope};
use guildhall::authz::{
    Actor, Credential, Held, Membership, Object, Origin, Permission, PermissionSet, Subject,
};
use guildhall_entity::id::{GroupId, OrganizationId, SessionId, UserId};
use guildhall_entity::kind::AclRole;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sea_orm::prelude::Uuid;

fn names(scope: Scope) -> Vec<String> {
    let of_scope = |role: &&BuiltinRole| role.scope() == scope && !role.is_implied();
    BuiltinRole::ALL.iter().filter(of_scope).map(|role| role.name().to_owned()).collect()
}

fn organizations() -> Vec<OrganizationId> {
    (1..4).map(|n| OrganizationId(Uuid::from_u128(n))).collect()
}

fn users() -> Vec<UserId> {
    (10..12).map(|n| UserId(Uuid::from_u128(n))).collect()
}

/// What somebody holds in an organization: some built-in roles, and custom ones of any permissions.
fn held(organization: OrganizationId) -> impl Strategy<Value = Held> {
    let roles = names(Scope::Organization);
    let all = roles.len();
    let permissions = subsequence(Permission::ALL.to_vec(), 0..4)
        .prop_map(|permissions| permissions.into_iter().collect::<PermissionSet>());
    let custom = proptest::collection::vec(permissions, 0..3);
    (subsequence(roles, 0..=all), custom).prop_map(move |(mut roles, custom)| {
        let custom: Vec<_> =
            custom.into_iter().enumerate().map(|(n, set)| (format!("custom-{n}"), set)).collect();
        roles.extend(custom.iter().map(|(name, _)| name.clone()));
        Held { organization, roles, custom }
    })
}

fn subjects() -> impl Strategy<Value = Subject> {
    let memberships = subsequence(organizations(), 0..=3)
        .prop_flat_map(|found| found.into_iter().map(held).collect::<Vec<_>>());
    let site = names(Scope::Site);
    let site = prop_oneof![3 => Just(Vec::new()), 1 => subsequence(site.clone(), 0..=site.len())];
    (select(users()), prop::bool::weighted(0.1), site, memberships).prop_map(
        |(user, suspended, site_roles, memberships)| Subject { user, suspended, site_roles, memberships },
    )
}

fn objects() -> impl Strategy<Value = Object> {
    (proptest::option::weighted(0.9, select(organizations())), proptest::option::of(select(users())))
        .prop_map(|(organization, owner)| Object { organization, owner, ..Object::SITE })
}

fn listings() -> impl Strategy<Value = Vec<(AclRole, Option<GroupId>)>> {
    let group = proptest::option::of(Just(GroupId(Uuid::from_u128(99))));
    proptest::collection::vec((select(vec![AclRole::Use, AclRole::Admin]), group), 0..3)
}

/// The actor as a request makes it, from the same roles.
fn actor(subject: &Subject) -> Actor {
    let membership = |held: &Held| {
        let mut membership = Membership::new(held.organization, held.roles.iter().map(String::as_str));
        held.custom.iter().for_each(|(_, permissions)| membership.grant(*permissions));
        membership
    };
    let memberships = subject.memberships.iter().map(membership).collect();
    let session = Credential::Session(SessionId(Uuid::from_u128(1)));
    let site = subject.site_roles.iter().map(String::as_str);
    Actor::user(subject.user, "somebody".into(), session, site, memberships, Origin::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_explained_is_what_the_policy_says(
        subject in subjects(),
        object in objects(),
        listings in listings(),
        permission in select(Permission::ALL),
    ) {
        let admin = listings.iter().any(|(role, _)| *role == AclRole::Admin);
        let listed = if admin { Some(AclRole::Admin) } else { listings.first().map(|_| AclRole::Use) };
        let may = actor(&subject).may(permission, Object { listed, ..object });
        let explained = subject.explain(permission, object, &listings);
        prop_assert_eq!(explained.allowed, may && !subject.suspended, "{:?}", explained);
        // The reasons are the whole of it: what grants it, and what takes it away.
        let reasons = explained.denied_by.is_empty() && !explained.grounds.is_empty();
        prop_assert_eq!(may, reasons, "{:?}", explained);
    }

    /// An access list gives a member what its entry says, on that template and nothing else; it gives a stranger nothing.
    #[test]
    fn an_access_list_gives_what_it_says(
        subject in subjects(),
        object in objects(),
        role in select(vec![AclRole::Use, AclRole::Admin]),
        permission in select(Permission::ALL),
    ) {
        let actor = actor(&subject);
        let (with, without) = (actor.may(permission, Object { listed: Some(role), ..object }), actor.may(permission, object));
        prop_assert!(with || !without, "an entry takes nothing away");
        if with && !without {
            let member = object.organization.is_some_and(|organization| actor.membership(organization).is_some());
            prop_assert!(member && guildhall::authz::policy::listed(role).contains(permission));
        }
    }
}
