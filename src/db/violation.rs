//! From a violated constraint to its name, on both databases.

use sea_orm::{DbErr, RuntimeErr};

use crate::error::{Error, Refusal};

/// SQLite names the columns of a unique constraint, not the constraint.
const UNIQUE_ON_SQLITE: [(&str, &str); 13] = [
    ("pk_idempotency_key", "idempotency_key.actor_id, idempotency_key.key"),
    ("uq_organization_name", "organization.name"),
    ("uq_user_username", "user.username"),
    ("uq_user_email", "user.email_folded"),
    ("uq_api_token_name", "api_token.user_id, api_token.name"),
    ("uq_group_name", "group.organization_id, group.name"),
    ("uq_role_name", "role.organization_id, role.name"),
    ("uq_provisioner_key_name", "provisioner_key.organization_id, provisioner_key.name"),
    ("uq_template_name", "template.organization_id, template.name"),
    ("uq_template_version_name", "template_version.template_id, template_version.name"),
    ("uq_workspace_name", "workspace.organization_id, workspace.owner_id, workspace.name"),
    ("uq_workspace_build_number", "workspace_build.workspace_id, workspace_build.number"),
    ("uq_workspace_build_active", "workspace_build.workspace_id"),
];

/// What the triggers of `m0008_ledger` raise for a row that would come into a deleted organization.
pub(super) const ORGANIZATION_LIVES: &str = "ck_organization_lives";
/// What the triggers of `m0009_accounts` raise for a row that would belong to a deleted user.
pub(super) const USER_LIVES: &str = "ck_user_lives";

/// The name of the constraint that an error violates, as far as it is one of those we answer for.
fn constraint(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(database) = source.as_ref() else { return None };
    if let Some(name) = database.constraint() {
        return Some(name.to_owned());
    }
    let raised = [ORGANIZATION_LIVES, USER_LIVES].into_iter().find(|name| database.message() == *name);
    if let Some(name) = raised {
        return Some(name.to_owned());
    }
    let columns = database.message().strip_prefix("UNIQUE constraint failed: ")?;
    UNIQUE_ON_SQLITE.iter().find(|(_, on)| *on == columns).map(|(name, _)| (*name).to_owned())
}

/// What a row refers to was there when it was looked up and is gone now, or what is deleted has got something meanwhile that
/// refers to it: somebody was faster, and it is no fault of ours. SQLite does not say which key it was.
pub(super) fn overtaken<T>(done: Result<T, Error>, refusal: impl FnOnce() -> Refusal) -> Result<T, Error> {
    done.map_err(|error| match &error {
        Error::Internal(cause) if cause.downcast_ref::<DbErr>().is_some_and(is_of_foreign_key) => {
            tracing::info!(%error, "a row refers to what is gone, or something came to refer to what was to go");
            refusal().into()
        }
        _ => error,
    })
}

fn is_of_foreign_key(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    source.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

/// Turns the violation of a named constraint into a refusal.
pub(crate) trait OnViolation<T> {
    /// The refusal when `constraint` was violated; any other error stays what it is.
    fn on_violation(self, constraint: &str, refusal: impl FnOnce() -> Refusal) -> Result<T, Error>;
}

impl<T> OnViolation<T> for Result<T, Error> {
    fn on_violation(self, name: &str, refusal: impl FnOnce() -> Refusal) -> Result<T, Error> {
        self.map_err(|error| match &error {
            Error::Internal(cause) => match cause.downcast_ref::<DbErr>().and_then(constraint) {
                Some(violated) if violated == name => refusal().into(),
                _ => error,
            },
            _ => error,
        })
    }
}
