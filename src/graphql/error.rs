//! How errors look from outside: `userErrors` for what a person can fix, top-level errors with a code for the rest.

use std::cell::RefCell;

use async_graphql::{Enum, ErrorExtensionValues, Interface, ServerError, SimpleObject};
use futures_util::FutureExt;

use crate::authz::{Denied, Permission};
use crate::credits;
use crate::db::boxed;
use crate::error::{Error, Mismatch, MismatchKind, Refusal, RefusalKind, Result};

/// Codes of user errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum UserErrorCode {
    /// A value breaks a rule.
    BadUserInput,
    /// What the input names does not exist, or the viewer can't see it.
    NotFound,
    /// The name is in use.
    NameTaken,
    /// The state of things forbids it.
    Conflict,
    /// The viewer lacks what they would give, take or use.
    MissingPermissions,
    /// The last administrator would be lost.
    LastAdmin,
    /// Somebody changed it meanwhile.
    StaleVersion,
    /// The organization still holds something.
    OrganizationNotEmpty,
    /// The build would use more than the budget leaves.
    QuotaExceeded,
    /// The user still owns workspaces.
    UserOwnsWorkspaces,
    /// Workspaces are made of the template.
    TemplateInUse,
    /// The template version does not take the values of the workspace.
    ParameterMismatch,
}

/// Something a person can fix. UNAUTHENTICATED, FORBIDDEN and faults are top-level errors instead.
#[derive(Clone, Debug, Interface)]
#[graphql(
    field(name = "message", ty = "&String", desc = "What was wrong and what to do."),
    field(name = "code", ty = "&UserErrorCode", desc = "What kind of error it is."),
    field(
        name = "field",
        ty = "&Option<Vec<String>>",
        desc = "The input field it is about, from the outside in, e.g. `[\"input\", \"name\"]`; null when it is about the whole."
    )
)]
pub(crate) enum UserError {
    InvalidInput(InvalidInput),
    NotFound(NotFound),
    NameTaken(NameTaken),
    Conflict(Conflict),
    MissingPermissions(MissingPermissions),
    LastAdmin(LastAdmin),
    StaleVersion(StaleVersion),
    OrganizationNotEmpty(OrganizationNotEmpty),
    QuotaExceeded(QuotaExceeded),
    UserOwnsWorkspaces(UserOwnsWorkspaces),
    TemplateInUse(TemplateInUse),
    ParameterMismatch(ParameterMismatch),
}

macro_rules! user_error {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, SimpleObject)]
        pub(crate) struct $name {
            /// What was wrong and what to do.
            message: String,
            /// What kind of error it is.
            code: UserErrorCode,
            /// The input field it is about, from the outside in, e.g. `["input", "name"]`; null when it is about the whole.
            field: Option<Vec<String>>,
            $($(#[$field_doc])* $field: $type),*
        }
    };
}

user_error! {
    /// A value breaks a rule.
    InvalidInput {}
}
user_error! {
    /// What the input names does not exist, or the viewer can't see it.
    NotFound {}
}
user_error! {
    /// The name is in use.
    NameTaken {
        /// The name.
        name: String,
    }
}
user_error! {
    /// The state of things forbids it.
    Conflict {}
}
user_error! {
    /// The viewer lacks what they would give, take or use.
    MissingPermissions {
        /// What the viewer lacks.
        permissions: Vec<Permission>,
    }
}
user_error! {
    /// The last administrator would be lost.
    LastAdmin {}
}
user_error! {
    /// Somebody changed it meanwhile.
    StaleVersion {
        /// The version it has now.
        current_version: i32,
    }
}

user_error! {
    /// The organization still holds something.
    OrganizationNotEmpty {
        /// How many live workspaces are in it.
        workspaces: i64,
        /// How many templates.
        templates: i64,
        /// How many provisioner keys.
        provisioner_keys: i64,
        /// How many groups besides Everyone.
        groups: i64,
        /// How many members besides the viewer.
        members: i64,
    }
}
user_error! {
    /// The build would use more than the budget leaves.
    QuotaExceeded {
        /// Credits a day that may be used.
        budget: i32,
        /// Credits a day that other workspaces use.
        used: i32,
        /// Credits a day that the build would cost.
        cost: i32,
    }
}
user_error! {
    /// The user still owns workspaces.
    UserOwnsWorkspaces {
        /// How many live ones, in all organizations.
        workspaces: i64,
    }
}

user_error! {
    /// Workspaces are made of the template.
    TemplateInUse {
        /// How many live workspaces.
        workspaces: i64,
    }
}

user_error! {
    /// The template version does not take the values that the workspace has: give others for these parameters.
    ParameterMismatch {
        /// The parameters, in the order of the version; those that are gone come last.
        parameters: Vec<MismatchedParameter>,
    }
}

/// A parameter for which a version does not take what the workspace has.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct MismatchedParameter {
    /// The parameter.
    name: String,
    /// What is the matter.
    kind: ParameterMismatchKind,
    /// The same in words, and what would be right.
    message: String,
}

/// Why a value does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "MismatchKind")]
pub(crate) enum ParameterMismatchKind {
    /// There is none, and the version needs one.
    Missing,
    /// The version has no such parameter; the value is dropped.
    Removed,
    /// It is of another type.
    Type,
    /// It is none of those that the version lists.
    Option,
    /// It is too small or large, too short or long, or no whole number.
    Range,
    /// It does not match the pattern.
    Pattern,
}

impl From<Mismatch> for MismatchedParameter {
    fn from(mismatch: Mismatch) -> Self {
        Self { name: mismatch.name, kind: mismatch.kind.into(), message: mismatch.message }
    }
}

impl From<Refusal> for UserError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.message;
        let field = (!refusal.field.is_empty())
            .then(|| std::iter::once("input".to_owned()).chain(refusal.field).collect::<Vec<_>>());
        match refusal.kind {
            RefusalKind::Invalid => {
                Self::InvalidInput(InvalidInput { message, code: UserErrorCode::BadUserInput, field })
            }
            RefusalKind::NotFound => {
                Self::NotFound(NotFound { message, code: UserErrorCode::NotFound, field })
            }
            RefusalKind::NameTaken { name } => {
                Self::NameTaken(NameTaken { message, code: UserErrorCode::NameTaken, field, name })
            }
            RefusalKind::Conflict => {
                Self::Conflict(Conflict { message, code: UserErrorCode::Conflict, field })
            }
            RefusalKind::MissingPermissions(permissions) => Self::MissingPermissions(MissingPermissions {
                message,
                code: UserErrorCode::MissingPermissions,
                field,
                permissions,
            }),
            RefusalKind::LastAdmin => {
                Self::LastAdmin(LastAdmin { message, code: UserErrorCode::LastAdmin, field })
            }
            RefusalKind::StaleVersion { current } => Self::StaleVersion(StaleVersion {
                message,
                code: UserErrorCode::StaleVersion,
                field,
                current_version: current,
            }),
            RefusalKind::OrganizationNotEmpty(contents) => Self::OrganizationNotEmpty(OrganizationNotEmpty {
                message,
                code: UserErrorCode::OrganizationNotEmpty,
                field,
                workspaces: contents.workspaces,
                templates: contents.templates,
                provisioner_keys: contents.provisioner_keys,
                groups: contents.groups,
                members: contents.members,
            }),
            RefusalKind::UserOwnsWorkspaces { workspaces } => Self::UserOwnsWorkspaces(UserOwnsWorkspaces {
                message,
                code: UserErrorCode::UserOwnsWorkspaces,
                field,
                workspaces,
            }),
            RefusalKind::QuotaExceeded(refusal) => Self::QuotaExceeded(QuotaExceeded {
                message,
                code: UserErrorCode::QuotaExceeded,
                field,
                budget: credits::told(refusal.budget),
                used: credits::told(refusal.used),
                cost: refusal.cost,
            }),
            RefusalKind::TemplateInUse { workspaces } => Self::TemplateInUse(TemplateInUse {
                message,
                code: UserErrorCode::TemplateInUse,
                field,
                workspaces,
            }),
            RefusalKind::ParameterMismatch(mismatches) => Self::ParameterMismatch(ParameterMismatch {
                message,
                code: UserErrorCode::ParameterMismatch,
                field,
                parameters: mismatches.into_iter().map(Into::into).collect(),
            }),
        }
    }
}

/// What somebody lacked, and for which item of a list, where it was for one.
pub(super) type Lacked = (Permission, Option<usize>);

tokio::task_local! {
    /// For what the mutations of the request at work were refused, of what their actor lacks.
    static LACKED: RefCell<Vec<Lacked>>;
}

/// Runs a request; answers besides what its actor lacked for what was refused them, the first of each refusal.
pub(super) async fn with_lacked<T>(work: impl Future<Output = T> + Send) -> (T, Vec<Lacked>) {
    // To the heap: it is what a request is, and would be moved about with everything around it.
    let work = boxed(work);
    let noted = async {
        let answer = work.await;
        (answer, LACKED.with(RefCell::take))
    };
    LACKED.scope(RefCell::default(), noted).await
}

/// Whether what was to be changed is of another version than expected: its payload shows what it is now.
pub(crate) fn is_stale(user_errors: &[UserError]) -> bool {
    user_errors.iter().any(|error| matches!(error, UserError::StaleVersion(_)))
}

/// Splits what an operation answered into a payload's object and its user errors; other errors stay errors.
pub(crate) fn outcome<T>(result: Result<T>) -> Result<(Option<T>, Vec<UserError>)> {
    outcome_at(result, None)
}

fn outcome_at<T>(result: Result<T>, item: Option<usize>) -> Result<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(Error::Refused(refusals)) => {
            for refusal in &refusals {
                if let RefusalKind::MissingPermissions(missing) = &refusal.kind {
                    // Nobody notes what happens outside a request's execution.
                    let first = missing.first().map(|&permission| (permission, item));
                    let _ = LACKED.try_with(|lacked| lacked.borrow_mut().extend(first));
                }
            }
            Ok((None, refusals.into_iter().map(UserError::from).collect()))
        }
        Err(error) => Err(error),
    }
}

/// The same of the item at this place of a list in the input: what is refused of it has the path of that item. `own` are
/// the fields of such an item.
pub(crate) fn outcome_of_item<T>(
    result: Result<T>,
    (list, at): (&str, usize),
    own: &[&str],
) -> Result<(Option<T>, Vec<UserError>)> {
    let result = result.map_err(|error| match error {
        Error::Refused(refusals) => {
            Error::Refused(refusals.into_iter().map(|refusal| refusal.of_item(list, at, own)).collect())
        }
        // The items before it are done: what this one alone lacks is told of it alone.
        Error::Denied(Denied::Lacking(permission) | Denied::LackingIn(permission, _)) => {
            Refusal::lacking(&[], permission).of_item(list, at, own).into()
        }
        other => other,
    });
    outcome_at(result, Some(at))
}

/// What a nullable field answers. An error makes the field null and leaves its neighbours alone; async-graphql lets the
/// error of a `Result<Option<T>>` take the parent with it.
pub(crate) type Nullable<T> = Option<Result<T>>;

/// The answer of a nullable field. Its work goes to the heap: it would be a part of the future of every field else, and a
/// mutation's is large.
pub(crate) fn nullable<'a, T: 'a>(
    work: impl Future<Output = Result<Option<T>>> + Send + 'a,
) -> impl Future<Output = Nullable<T>> + Send {
    boxed(work).map(Result::transpose)
}

/// Gives a resolver's error the code and data that clients rely on. What has no code of ours is a fault, and is masked
/// by the front.
pub(crate) fn code(error: &mut ServerError) {
    let Some(cause) = error.source::<Error>().cloned() else { return };
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    match cause {
        Error::Denied(Denied::Anonymous) => extensions.set("code", "UNAUTHENTICATED"),
        Error::Denied(Denied::BeyondToken) => extensions.set("code", "FORBIDDEN"),
        Error::Denied(Denied::Lacking(permission) | Denied::LackingIn(permission, _)) => {
            extensions.set("code", "FORBIDDEN");
            extensions.set("requires", permission.to_string());
        }
        Error::Refused(_) => extensions.set("code", "BAD_USER_INPUT"),
        Error::BadInput { argument, .. } => {
            extensions.set("code", "BAD_USER_INPUT");
            extensions.set("argument", argument);
        }
        Error::NotFound(_) => extensions.set("code", "NOT_FOUND"),
        Error::Conflict(_) => extensions.set("code", "CONFLICT"),
        Error::TooMany { limit, retry_after, .. } => {
            extensions.set("code", "RATE_LIMITED");
            extensions.set("limit", limit);
            extensions.set("retryAfter", retry_after);
        }
        Error::Unavailable(cause) => {
            tracing::error!(%cause, "the database is not available");
            extensions.set("code", "UNAVAILABLE");
        }
        Error::Internal(cause) => {
            tracing::error!(%cause, path = ?error.path, "a resolver failed");
            extensions.set("code", "INTERNAL_SERVER_ERROR");
            error.message =
                "something went wrong on our side; the request id leads to the cause in the server's log"
                    .into();
        }
    }
}
