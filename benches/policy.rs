//! What a check of the policy costs, whatever its actor holds: `cargo run --release --example bench -- policy`. Fails when one
//! takes a microsecond.

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

/// What a check may take, in nanoseconds.
const LIMIT: f64 = 1000.0;

/// Prints a line for each size of an actor: how many organizations they belong to, and how many custom roles they hold in
/// each; what a check takes then, and what it takes to say which rows a permission covers.
pub(crate) fn measure(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "{:>13} {:>10} {:>10} {:>10}", "organizations", "roles", "may", "reach")?;
    let mut slowest: f64 = 0.0;
    for (organizations, roles) in [(1, 1), (1, 10), (1, 100), (10, 10), (100, 1), (100, 100)] {
        let actor = actor(organizations, roles);
        let objects: Vec<Object> = (0..organizations).map(object).collect();
        let ask = |n: usize| {
            let permission = Permission::ALL[n % Permission::ALL.len()];
            actor.may(black_box(permission), black_box(objects[n % objects.len()]))
        };
        let reach = |n: usize| actor.reach(black_box(Permission::ALL[n % Permission::ALL.len()]));
        let (check, rows) = (nanoseconds(CHECKS, ask), nanoseconds(CHECKS / 20, reach));
        writeln!(out, "{organizations:>13} {roles:>10} {check:>7.1} ns {rows:>7.1} ns")?;
        slowest = slowest.max(check);
    }
    anyhow::ensure!(slowest < LIMIT, "a check takes {slowest:.1} ns, and must stay below {LIMIT}");
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
