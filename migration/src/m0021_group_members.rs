//! The members of a group, and how many they are, from an index alone: also whose organization they are of, by which each
//! statement about them is bounded.

crate::dialect::migration!("m0021_group_members", up: UP, down: DOWN);

const UP: &[&str] = &[
    "drop index ix_group_member_username",
    "drop index ix_group_member_created_at",
    "create index ix_group_member_username on group_member (group_id, username, user_id, organization_id, created_at)",
    "create index ix_group_member_created_at on group_member (group_id, created_at, user_id, organization_id)",
];

const DOWN: &[&str] = &[
    "drop index ix_group_member_created_at",
    "drop index ix_group_member_username",
    "create index ix_group_member_username on group_member (group_id, username)",
    "create index ix_group_member_created_at on group_member (group_id, created_at, user_id)",
];
