//! The policy: the table that people review, and that its two questions never disagree.

use std::fmt::Write as _;

use chrono::TimeDelta;
use guildhall::authz::policy::{BuiltinRole, Scope};
use guildhall::authz::{
    Actor, Credential, Limits, Membership, Object, Origin, Permission, PermissionSet, Reach,
};
use guildhall::clock::Clock;
use guildhall_entity::id::{OrganizationId, SessionId, UserId};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::support::start_of_time;

/// One row for each permission, one column for each role. `S` everywhere, `O` on everything in the organization, `o` on
/// what one owns, `–` taken away whatever else grants it, `·` not granted.
#[test]
fn the_matrix_is_the_reviewed_one() {
    let mut matrix = String::new();
    for (n, role) in BuiltinRole::ALL.iter().enumerate() {
        writeln!(matrix, "{:28}{}╭─ {}", "", "│  ".repeat(n), column(*role)).unwrap();
    }
    for &permission in Permission::ALL {
        write!(matrix, "{:28}", permission.to_string()).unwrap();
        for role in BuiltinRole::ALL {
            let grant = role.grant();
            let reaches =
                [("S", grant.site), ("O", grant.organization), ("o", grant.own), ("–", grant.denied)];
            let cell: String = reaches
                .iter()
                .filter(|(_, set)| set.contains(permission))
                .map(|(letter, _)| *letter)
                .collect();
            write!(matrix, "{:3}", if cell.is_empty() { "·" } else { &cell }).unwrap();
        }
        matrix.truncate(matrix.trim_end().len());
        matrix.push('\n');
    }
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("policy", matrix);
    });
}

fn column(role: BuiltinRole) -> String {
    let implied = if role.is_implied() { ", implied" } else { "" };
    let scope = if role.scope() == Scope::Site { "site" } else { "organization" };
    format!("{} ({scope}{implied})", role.name())
}

#[test]
fn every_name_is_unique_and_only_given_where_it_belongs() {
    for role in BuiltinRole::ALL {
        let same = BuiltinRole::ALL.iter().filter(|other| other.name() == role.name()).count();
        assert_eq!(same, 1, "{}", role.name());
        for scope in [Scope::Site, Scope::Organization] {
            let assignable = BuiltinRole::assignable(role.name(), scope);
            let expected = (!role.is_implied() && role.scope() == scope).then_some(*role);
            assert_eq!(assignable, expected, "{} at {scope:?}", role.name());
        }
    }
}

/// Organizations and users to draw from: few, so that they meet.
#[derive(Clone, Debug)]
struct Ids {
    organizations: Vec<OrganizationId>,
    users: Vec<UserId>,
}

fn ids() -> Ids {
    let (clock, hand) = Clock::fixed(start_of_time(), 7);
    hand.advance(TimeDelta::seconds(1));
    Ids {
        organizations: std::iter::repeat_with(|| clock.id()).take(4).collect(),
        users: std::iter::repeat_with(|| clock.id()).take(3).collect(),
    }
}

fn names(scope: Scope) -> Vec<&'static str> {
    let of_scope = |role: &&BuiltinRole| role.scope() == scope && !role.is_implied();
    BuiltinRole::ALL.iter().filter(of_scope).map(|role| role.name()).collect()
}

/// A user with some roles on the site, and in some organizations.
fn actors() -> impl Strategy<Value = Actor> {
    let Ids { organizations, users } = ids();
    let roles = names(Scope::Organization);
    let all = roles.len();
    let membership = move |organization| {
        subsequence(roles.clone(), 0..=all).prop_map(move |roles| Membership::new(organization, roles))
    };
    let memberships = subsequence(organizations, 0..=4)
        .prop_flat_map(move |found| found.into_iter().map(&membership).collect::<Vec<_>>());
    let site = names(Scope::Site);
    // Mostly none: who holds everything everywhere says little.
    let site = prop_oneof![4 => Just(Vec::new()), 1 => subsequence(site.clone(), 0..=site.len())];
    (select(users), site, memberships).prop_map(|(id, site, memberships)| {
        let session: SessionId = Clock::fixed(start_of_time(), 1).0.id();
        Actor::user(id, "somebody".into(), Credential::Session(session), site, memberships, Origin::default())
    })
}

/// What a token may leave of its owner.
fn limits() -> impl Strategy<Value = Limits> {
    let scopes = prop_oneof![
        1 => Just(PermissionSet::ALL),
        4 => subsequence(Permission::ALL.to_vec(), 0..=Permission::ALL.len()).prop_map(|some| PermissionSet::of(&some)),
    ];
    (scopes, proptest::option::of(select(ids().organizations)))
        .prop_map(|(scopes, organization)| Limits { scopes, organization })
}

/// A user as they are, or as a token leaves them.
fn narrowed() -> impl Strategy<Value = Actor> {
    (actors(), proptest::option::of(limits())).prop_map(|(actor, limits)| match limits {
        Some(limits) => actor.within(limits),
        None => actor,
    })
}

/// Something of an organization, perhaps somebody's.
fn objects() -> impl Strategy<Value = Object> {
    let Ids { organizations, users } = ids();
    (select(organizations), proptest::option::of(select(users)))
        .prop_map(|(organization, owner)| Object { owner, ..Object::in_organization(organization) })
}

/// Whether the SQL condition that is made from a reach holds for a row.
fn covers(reach: &Reach, object: Object) -> bool {
    match reach {
        Reach::Everything => true,
        Reach::Some { organizations, own_in, owner } => object.organization.is_some_and(|organization| {
            organizations.contains(&organization)
                || (own_in.contains(&organization) && owner.is_some() && object.owner == *owner)
        }),
    }
}

/// What a ban can take away: the only permission whose denial the site's reach can't express as rows.
fn is_deniable(permission: Permission) -> bool {
    BuiltinRole::ALL.iter().any(|role| role.grant().denied.contains(permission))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A list shows a row exactly if a single read of it would.
    #[test]
    fn may_and_reach_agree(actor in narrowed(), object in objects(), permission in select(Permission::ALL)) {
        let reach = actor.reach(permission);
        let (may, covered) = (actor.may(permission, object), covers(&reach, object));
        if reach == Reach::Everything && is_deniable(permission) {
            prop_assert!(!may || covered);
        } else {
            prop_assert_eq!(may, covered, "{:?} on {:?}: {:?}", permission, object, reach);
        }
    }

    /// Authorizing is asking: a permit is there exactly if the policy allows it, and says what was allowed.
    #[test]
    fn a_permit_is_what_may_says(actor in narrowed(), object in objects(), permission in select(Permission::ALL)) {
        match actor.authorize(permission, object) {
            Ok(permit) => {
                prop_assert!(actor.may(permission, object));
                prop_assert_eq!((permit.permission(), permit.organization()), (permission, object.organization));
            }
            Err(denied) => {
                prop_assert!(!actor.may(permission, object));
                prop_assert!(denied.to_string().contains(&permission.to_string()), "{}", denied);
            }
        }
        let all: Vec<_> = actor.may_all(object).collect();
        prop_assert_eq!(all.contains(&permission), actor.may(permission, object));
    }

    /// The creation ban wins over every other role, there and only there.
    #[test]
    fn the_creation_ban_wins(actor in actors(), object in objects()) {
        let organization = object.organization.unwrap();
        let ban = BuiltinRole::OrganizationWorkspaceCreationBan.grant().denied;
        let banned = actor.membership(organization).is_some_and(|membership| membership.denied == ban);
        if banned {
            prop_assert!(!actor.may(Permission::WorkspaceCreate, object));
        }
        for &permission in Permission::ALL.iter().filter(|&&permission| permission != Permission::WorkspaceCreate) {
            prop_assert!(!ban.contains(permission));
        }
    }

    /// A role in one organization gives nothing in another.
    #[test]
    fn no_role_crosses_organizations(actor in actors(), object in objects(), permission in select(Permission::ALL)) {
        let organization = object.organization.unwrap();
        if actor.membership(organization).is_none() && actor.reach(permission) != Reach::Everything {
            prop_assert!(!actor.may(permission, object));
            prop_assert!(!actor.may_by_role(permission, organization));
            prop_assert!(!covers(&actor.reach_by_role(permission), object));
        }
    }

    /// What comes from roles is part of what may be done, and the same in both shapes.
    #[test]
    fn by_role_is_a_part_of_may(actor in narrowed(), object in objects(), permission in select(Permission::ALL)) {
        let organization = object.organization.unwrap();
        let by_role = actor.may_by_role(permission, organization);
        prop_assert_eq!(by_role, covers(&actor.reach_by_role(permission), object));
        if by_role && !is_deniable(permission) {
            prop_assert!(actor.may(permission, object));
        }
    }

    /// A token leaves of its owner what its scopes name, inside its organization if it is bound; it never adds anything, on
    /// any object, in any list.
    #[test]
    fn a_token_is_a_part_of_its_owner(
        owner in actors(), limits in limits(), object in objects(), permission in select(Permission::ALL),
    ) {
        let token = owner.within(limits);
        let own = Object { organization: None, ..object };
        for object in [object, Object { owner: None, ..object }, own, Object::SITE] {
            let left = token.may(permission, object);
            if left {
                prop_assert!(owner.may(permission, object) && limits.scopes.contains(permission));
                let who_they_are = [Permission::UserRead, Permission::UserReadContact].contains(&permission);
                let here = limits.organization.is_none_or(|only| object.organization == Some(only));
                prop_assert!(here || (object.organization.is_none() && who_they_are), "{:?} beyond {:?}", object, limits);
            } else if limits.organization.is_none() && limits.scopes.contains(permission) {
                prop_assert!(!owner.may(permission, object), "what the scopes name is left");
            }
        }
        for (narrow, wide) in [
            (token.reach(permission), owner.reach(permission)),
            (token.reach_by_role(permission), owner.reach_by_role(permission)),
        ] {
            prop_assert!(!covers(&narrow, object) || covers(&wide, object));
            prop_assert!(!covers(&narrow, object) || limits.scopes.contains(permission));
        }
        prop_assert!(token.organizations().all(|id| owner.membership(id).is_some()));
    }

    /// A token of a token leaves no more than the first, if it is within it.
    #[test]
    fn a_token_within_a_token_is_a_part_of_it(
        owner in actors(), first in limits(), second in limits(), object in objects(), permission in select(Permission::ALL),
    ) {
        if second.within(&first) {
            prop_assert!(!owner.within(second).may(permission, object) || owner.within(first).may(permission, object));
        }
    }

    /// Nobody may nothing, and reaches no row.
    #[test]
    fn anonymous_may_nothing(object in objects(), permission in select(Permission::ALL)) {
        let nobody = Actor::anonymous(Origin::default());
        for object in [object, Object { owner: None, ..object }, Object { organization: None, ..object }, Object::SITE] {
            prop_assert!(!nobody.may(permission, object));
            prop_assert!(!covers(&nobody.reach(permission), object));
        }
    }

    /// A daemon serves its organization and may nothing else.
    #[test]
    fn a_daemon_serves_its_organization_alone(object in objects(), permission in select(Permission::ALL)) {
        let home = ids().organizations[0];
        let daemon = Actor::daemon(None, "key".into(), home, guildhall_entity::json::Tags::default(), Origin::default());
        let serves = permission == Permission::ProvisionerDaemonServe && object.organization == Some(home);
        prop_assert_eq!(daemon.may(permission, object), serves);
    }
}
