//! Public ids of built-in roles, which have no rows. One of the site has the UUID of its number; one of an organization
//! has the organization's UUID with its number in place of the version. A UUID of ours is of version 7, so none of these
//! is the id of anything else, and the same role of two organizations has two ids.

use guildhall_entity::id::{OrganizationId, RoleId};
use sea_orm::prelude::Uuid;

use crate::authz::policy::BuiltinRole;

/// Where the version stands in a UUID.
const VERSION_SHIFT: u32 = 76;
const VERSION_MASK: u128 = 0xf << VERSION_SHIFT;
/// The version of the ids of rows.
const VERSION_OF_ROWS: u128 = 7;

/// Numbers never change: ids are made of them. Those of organizations are versions above 7.
const NUMBERS: [(BuiltinRole, u128); 11] = [
    (BuiltinRole::Owner, 1),
    (BuiltinRole::UserAdmin, 2),
    (BuiltinRole::TemplateAdmin, 3),
    (BuiltinRole::Auditor, 4),
    (BuiltinRole::SiteMember, 5),
    (BuiltinRole::OrganizationAdmin, 8),
    (BuiltinRole::OrganizationUserAdmin, 9),
    (BuiltinRole::OrganizationTemplateAdmin, 10),
    (BuiltinRole::OrganizationAuditor, 11),
    (BuiltinRole::OrganizationWorkspaceCreationBan, 12),
    (BuiltinRole::OrganizationMember, 13),
];

/// The id of a built-in role, in this organization or on the site.
pub(crate) fn builtin_id(role: BuiltinRole, organization: Option<OrganizationId>) -> RoleId {
    let number = NUMBERS.iter().find(|(numbered, _)| *numbered == role).map_or(0, |(_, number)| *number);
    RoleId(Uuid::from_u128(match organization {
        Some(OrganizationId(uuid)) => uuid.as_u128() & !VERSION_MASK | number << VERSION_SHIFT,
        None => number,
    }))
}

/// The built-in role of an id, and its organization; `None` for the id of a custom role.
pub(crate) fn builtin(id: RoleId) -> Option<(BuiltinRole, Option<OrganizationId>)> {
    let bits = id.0.as_u128();
    let version = (bits & VERSION_MASK) >> VERSION_SHIFT;
    let (number, organization) = match version {
        0 => (bits, None),
        _ => (version, Some(Uuid::from_u128(bits & !VERSION_MASK | VERSION_OF_ROWS << VERSION_SHIFT).into())),
    };
    let is_of_organizations = |number: u128| number > VERSION_OF_ROWS;
    let known = NUMBERS
        .iter()
        .find(|(_, known)| *known == number && is_of_organizations(number) == organization.is_some());
    known.map(|(role, _)| (*role, organization))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::authz::policy::Scope;
    use crate::clock::Clock;

    #[test]
    fn every_role_has_an_id_of_its_own_and_is_found_by_it() {
        let (clock, _) = Clock::fixed(chrono::DateTime::UNIX_EPOCH, 1);
        let (one, other, row) = (clock.id(), clock.id(), clock.id::<RoleId>());
        let mut seen = HashSet::from([row]);
        assert_eq!(builtin(row), None);
        for &role in BuiltinRole::ALL {
            let places: &[_] = if role.scope() == Scope::Site { &[None] } else { &[Some(one), Some(other)] };
            for &place in places {
                let id = builtin_id(role, place);
                assert!(seen.insert(id), "{id} is of two roles");
                assert_eq!(builtin(id), Some((role, place)), "{id}");
            }
        }
        for stranger in [0, 6, 99, u128::MAX] {
            assert_eq!(builtin(RoleId(Uuid::from_u128(stranger))), None, "{stranger}");
        }
    }
}
