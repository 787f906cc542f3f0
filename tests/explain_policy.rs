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

/// Every role, every permission, every kind of object: an explanation allows exactly what the policy allows.
#[test]
fn every_role_is_explained_as_the_policy_has_it() {
    let (here, there) = (organizations()[0], organizations()[1]);
    let (user, other) = (users()[0], users()[1]);
    let inside = Object::in_organization(here);
    let objects = [
        Object::SITE,
        Object::SITE.owned_by(user),
        Object::SITE.owned_by(other),
        inside,
        inside.owned_by(user),
        inside.owned_by(other),
        Object::in_organization(there),
        Object::in_organization(there).owned_by(user),
    ];
    let lists: [&[(AclRole, Option<GroupId>)]; 4] = [
        &[],
        &[(AclRole::Use, None)],
        &[(AclRole::Admin, Some(GroupId(here.0)))],
        &[(AclRole::Use, Some(GroupId(here.0))), (AclRole::Admin, None)],
    ];
    let nothing = Subject { user, suspended: false, site_roles: Vec::new(), memberships: Vec::new() };
    let member = |roles: Vec<String>, custom| Subject {
        memberships: vec![Held { organization: here, roles, custom }],
        ..nothing.clone()
    };
    let mut subjects = vec![nothing.clone(), member(Vec::new(), Vec::new())];
    subjects.extend(
        names(Scope::Site).into_iter().map(|role| Subject { site_roles: vec![role], ..nothing.clone() }),
    );
    subjects.extend(names(Scope::Organization).into_iter().map(|role| member(vec![role], Vec::new())));
    for &permission in Permission::ALL {
        let custom = vec![("custom".to_owned(), PermissionSet::of(&[permission]))];
        subjects.push(member(vec!["custom".to_owned()], custom));
    }
    let mut asked = 0;
    for subject in &subjects {
        for &permission in Permission::ALL {
            for object in objects {
                for listings in lists {
                    let listed = listings.iter().map(|(role, _)| *role);
                    let listed = listed.reduce(|one, two| if one == AclRole::Admin { one } else { two });
                    let may = actor(subject).may(permission, Object { listed, ..object });
                    let explained = subject.explain(permission, object, listings);
                    assert_eq!(
                        explained.allowed, may,
                        "{permission} of {subject:?} on {object:?}: {explained:?}"
                    );
                    let suspended = Subject { suspended: true, ..subject.clone() };
                    assert!(!suspended.explain(permission, object, listings).allowed);
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 10_000, "only {asked} questions");
}
