//! What a check of the policy costs, whatever its actor holds: `cargo run --release --example bench -- policy`.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use guildhall::authz::{Actor, Credential, Membership, Object, Origin, Permission, PermissionSet};
use guildhall_entity::id::{OrganizationId, SessionId, UserId};
use guildhall_entity::kind::AclRole;
use sea_orm::prelude::Uuid;

/// Checks in one measurement, and measurements of which the fastest counts.
const CHECKS: usize = 200_000;
const ROUNDS: usize = 20;

/// Prints a line for each size of an actor: how many organizations they belong to, and custom roles they hold in each.
pub(crate) fn measure(out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "{:>13} {:>12} {:>10} {:>10}", "organizations", "custom roles", "may", "reach")?;
    for (organizations, roles) in [(1, 0), (1, 100), (10, 0), (10, 100), (100, 0), (100, 100)] {
        let actor = actor(organizations, roles);
        let objects: Vec<Object> = (0..organizations).map(object).collect();
        let ask = |n: usize| {
            let permission = Permission::ALL[n % Permission::ALL.len()];
            actor.may(black_box(permission), black_box(objects[n % objects.len()]))
        };
        let reach = |n: usize| actor.reach(black_box(Permission::ALL[n % Permission::ALL.len()]));
        writeln!(
            out,
            "{organizations:>13} {:>12} {:>7.1} ns {:>7.1} ns",
            organizations * roles,
            nanoseconds(CHECKS, ask),
            nanoseconds(CHECKS / 20, reach),
        )?;
    }
    Ok(())
}

/// Nanoseconds of one call.
fn nanoseconds<T>(calls: usize, call: impl Fn(usize) -> T) -> f64 {
    let round = || {
        let start = Instant::now();
        for n in 0..calls {
            black_box(call(n));
        }
        start.elapsed().as_secs_f64() * 1e9 / calls as f64
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn organization(n: usize) -> OrganizationId {
    OrganizationId(Uuid::from_u128(1 + n as u128))
}

/// Something of somebody's in an organization, with an access list that names the actor.
fn object(n: usize) -> Object {
    let owned = Object::in_organization(organization(n)).owned_by(UserId(Uuid::from_u128(n as u128 % 2)));
    Object { listed: Some(AclRole::Use), ..owned }
}

fn actor(organizations: usize, roles: usize) -> Actor {
    let membership = |n| {
        let mut membership = Membership::new(organization(n), ["organization-auditor"]);
        for role in 0..roles {
            membership.grant(PermissionSet::of(&[Permission::ALL[role % Permission::ALL.len()]]));
        }
        membership
    };
    let memberships = (0..organizations).map(membership).collect();
    let (user, session) = (UserId(Uuid::nil()), Credential::Session(SessionId(Uuid::nil())));
    Actor::user(user, "bench".into(), session, [], memberships, Origin::default())
}
