//! Where users are signed in.

use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A place where somebody is signed in.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// `ses_…`.
    pub id: Id,
    /// The address they signed in from; may be empty.
    pub ip: String,
    /// What they signed in with; may be empty.
    pub user_agent: String,
    /// When they signed in.
    pub created_at: DateTime,
    /// When it was last used, to the minute.
    pub last_used_at: DateTime,
    /// When it ends by itself.
    pub expires_at: DateTime,
    /// Whether it is the one in use.
    pub is_current: bool,
}

#[derive(cynic::InputObject)]
struct RevokeSessionInput {
    session_id: Id,
}

#[derive(cynic::InputObject)]
struct RevokeAllSessionsInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    user_id: Option<Id>,
    keep_current: bool,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct SessionsVariables {
    username: String,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "SessionsVariables")]
pub(crate) struct Sessions {
    #[arguments(by: { username: $username })]
    user: Option<UserWithSessions>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "User", variables = "SessionsVariables")]
struct UserWithSessions {
    #[arguments(first: 100, after: $after)]
    sessions: Option<SessionConnection>,
}

connection!(SessionConnection, Session);

#[derive(cynic::QueryVariables)]
pub(crate) struct RevokeSessionVariables {
    input: RevokeSessionInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RevokeSessionVariables")]
pub(crate) struct RevokeSession {
    #[arguments(input: $input)]
    revoke_session: Option<RevokeSessionPayload>,
}

#[derive(cynic::QueryFragment)]
struct RevokeSessionPayload {
    revoked_session_id: Option<Id>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct RevokeAllSessionsVariables {
    input: RevokeAllSessionsInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RevokeAllSessionsVariables")]
pub(crate) struct RevokeAllSessions {
    #[arguments(input: $input)]
    revoke_all_sessions: Option<RevokeAllSessionsPayload>,
}

#[derive(cynic::QueryFragment)]
struct RevokeAllSessionsPayload {
    revoked_count: Option<i32>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// Where a user is signed in, the latest first; none where the token may not see them.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when the user is missing or not visible, else as [`Client::run`].
    pub async fn sessions(
        &self,
        username: &str,
        after: Option<String>,
    ) -> Result<Page<Session>, ClientError> {
        let variables = SessionsVariables { username: username.to_owned(), after };
        let data = self.run_idempotent(Sessions::build(variables)).await?;
        let sessions = found(data.user, "user", username)?.sessions;
        let none = Page { nodes: Vec::new(), has_next: false, end_cursor: None };
        Ok(sessions.map_or(none, Page::from))
    }

    /// Ends a session; answers its id.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn revoke_session(&self, session: &Id) -> Result<Id, ClientError> {
        let input = RevokeSessionInput { session_id: session.clone() };
        let data = self.run(RevokeSession::build(RevokeSessionVariables { input })).await?;
        accepted(data.revoke_session.map(|payload| (payload.revoked_session_id, payload.user_errors)))
    }

    /// Ends all sessions of a user, of the signed-in one where none is named; answers how many.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn revoke_all_sessions(
        &self,
        user: Option<&Id>,
        keep_current: bool,
    ) -> Result<i32, ClientError> {
        let input = RevokeAllSessionsInput { user_id: user.cloned(), keep_current };
        let data = self.run(RevokeAllSessions::build(RevokeAllSessionsVariables { input })).await?;
        accepted(data.revoke_all_sessions.map(|payload| (payload.revoked_count, payload.user_errors)))
    }
}
