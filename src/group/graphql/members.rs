//! How who is in a group looks.

use async_graphql::{InputObject, Object};

use crate::graphql::connection::Node;
use crate::graphql::context::Request;
use crate::graphql::scalar::DateTime;
use crate::group::{GroupMemberList, GroupMemberRow};
use crate::user::UserCard;
use crate::user::graphql::User;

/// Somebody's place in a group.
#[derive(Clone)]
pub(crate) struct GroupMember {
    row: GroupMemberRow,
    user: User,
}

impl Node for GroupMember {
    type List = GroupMemberList;
    const NAME: &'static str = "GroupMember";

    fn from_row((row, user): (GroupMemberRow, UserCard), request: &Request) -> Self {
        let user = User::through(user, row.organization_id, request);
        Self { row, user }
    }
}

/// Somebody's place in a group.
#[Object]
impl GroupMember {
    /// The user.
    async fn user(&self) -> &User {
        &self.user
    }

    /// Since when; for Everyone, since when in the organization.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }
}

/// Which members of a group.
#[derive(Default, InputObject)]
pub(crate) struct GroupMemberFilter {
    /// Text in username or name.
    pub(super) query: Option<String>,
}
