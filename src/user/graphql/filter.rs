//! Which users a list is of.

use async_graphql::InputObject;

use super::{UserOrder, UserStatus};
use crate::db::search::Term;
use crate::error::Result;
use crate::name::{self, RoleName};
use crate::user::UserList;

/// Which users.
#[derive(Default, InputObject)]
pub(crate) struct UserFilter {
    /// Exactly this username.
    username: Option<String>,
    /// Exactly one of these usernames, at most 100.
    usernames: Option<Vec<String>>,
    /// Text in username or name.
    query: Option<String>,
    /// Whether they are accounts for programs.
    is_service_account: Option<bool>,
    /// Whether they may act. Only those whose `status` the viewer can see.
    status: Option<UserStatus>,
    /// Who hold this role on the site. Only those whose `siteRoles` the viewer can see.
    site_role: Option<String>,
}

impl UserFilter {
    /// The users that it leaves, in this order.
    ///
    /// # Errors
    /// BAD_USER_INPUT for what is too long.
    pub(super) fn list(self, order: UserOrder) -> Result<UserList> {
        Ok(UserList {
            username: self.username,
            usernames: self.usernames.map(|names| name::asked("filter.usernames", names)).transpose()?,
            query: Term::asked(self.query.as_deref())?,
            service_account: self.is_service_account,
            status: self.status.map(Into::into),
            site_role: self.site_role.as_deref().map(RoleName::of),
            order,
        })
    }
}
