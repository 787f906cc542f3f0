//! One error type with a closed set of cases. What a person can fix is a [`Refusal`] and becomes a `userErrors` entry;
//! the rest becomes a top-level error with a code.

mod trouble;

use std::sync::Arc;

use guildhall_entity::json::{QuotaRefusal, QuotaScope};

use crate::authz::{Denied, Permission};
use trouble::Trouble;

/// What operations answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation did not happen. Nothing of it has been kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A person can fix it.
    #[error("{}", .0.first().map_or("refused", |refusal| refusal.message.as_str()))]
    Refused(Vec<Refusal>),
    /// An argument of a read is out of bounds.
    #[error("{message}")]
    BadInput {
        /// The argument.
        argument: &'static str,
        /// What is wrong with it and what would be right.
        message: String,
    },
    /// What is asked for does not exist, or the actor can't see it: the same answer for both.
    #[error("there is no such {0}, or you can't see it")]
    NotFound(&'static str),
    /// The state of things forbids it: a daemon reports on a job it does not hold.
    #[error("{0}")]
    Conflict(String),
    /// It was done too often.
    #[error("too many {what}: {limit} a minute; try again in {retry_after} s")]
    TooMany {
        /// What, in the plural.
        what: &'static str,
        /// How often it may be done in a minute.
        limit: u32,
        /// Seconds until it may be tried again.
        retry_after: u64,
    },
    /// The database can't be reached or is too busy.
    #[error("the database is not available; try again")]
    Unavailable(#[source] Arc<sea_orm::DbErr>),
    /// A fault of ours. Never shown to a client.
    #[error("internal error: {0}")]
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A fault of ours.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        match error {
            sea_orm::DbErr::ConnectionAcquire(_) | sea_orm::DbErr::Conn(_) => {
                Self::Unavailable(Arc::new(error))
            }
            other => match trouble::of(&other) {
                Trouble::Overtaken => Self::Conflict(
                    "somebody changed the same things at the same moment and was first; try again".into(),
                ),
                Trouble::Away => Self::Unavailable(Arc::new(other)),
                Trouble::Fault => Self::Internal(Arc::new(other)),
            },
        }
    }
}

/// Something a person can fix: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of thing it is.
    pub kind: RefusalKind,
    /// What was wrong and what to do.
    pub message: String,
    /// The input field, from the outside in; empty when it is about the whole.
    pub field: Vec<String>,
}

/// Kinds of refusals, with the data that helps a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// A value breaks a rule.
    Invalid,
    /// What the input names does not exist, or the actor can't see it.
    NotFound,
    /// The name is in use.
    NameTaken {
        /// The name.
        name: String,
    },
    /// The state of things forbids it.
    Conflict,
    /// The actor lacks what would be given, taken or used.
    MissingPermissions(Vec<Permission>),
    /// The last administrator would be lost.
    LastAdmin,
    /// Somebody changed it meanwhile.
    StaleVersion {
        /// The version it has now.
        current: i32,
    },
    /// The organization can't be deleted while it holds this.
    OrganizationNotEmpty(Contents),
    /// A build would use more than the budget leaves.
    QuotaExceeded(QuotaRefusal),
    /// The user can't be deleted while they own so many workspaces.
    UserOwnsWorkspaces {
        /// How many.
        workspaces: i64,
    },
    /// The template can't be deleted while workspaces are made of it.
    TemplateInUse {
        /// How many live workspaces.
        workspaces: i64,
    },
    /// A version does not take the values of a workspace.
    ParameterMismatch(Vec<Mismatch>),
}

/// A parameter for which a version does not take what a workspace has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The parameter.
    pub name: String,
    /// What is the matter.
    pub kind: MismatchKind,
    /// The same in words, and what would be right.
    pub message: String,
}

/// Why a value does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MismatchKind {
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

/// What keeps an organization from being deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Live workspaces.
    pub workspaces: i64,
    /// Live templates.
    pub templates: i64,
    /// Provisioner keys.
    pub provisioner_keys: i64,
    /// Groups other than Everyone.
    pub groups: i64,
    /// Members other than who deletes.
    pub members: i64,
}

impl Contents {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What somebody would do with permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Somebody would hold them who does not.
    Give,
    /// Nobody would hold them by this any more.
    Take,
    /// Some are given, others taken.
    Change,
}

impl Deed {
    fn words(self) -> &'static str {
        match self {
            Self::Give => "give",
            Self::Take => "take away",
            Self::Change => "change",
        }
    }
}

/// A number of things, e.g. `1 member`, `2 members`.
fn counted(number: i64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// The first of these permissions, and how many more there are: a message is for people, the data has all of them.
fn listed(permissions: &[Permission]) -> String {
    const SHOWN: usize = 4;
    let names = permissions.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match permissions.len().saturating_sub(SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

impl Refusal {
    fn new(kind: RefusalKind, field: &[&str], message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), field: field.iter().map(|&part| part.to_owned()).collect() }
    }

    /// A value breaks a rule.
    pub fn invalid(field: &[&str], message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, field, message)
    }

    /// What the input names does not exist, or the actor can't see it: the same answer for both.
    pub fn not_found(field: &[&str], noun: &str) -> Self {
        Self::new(RefusalKind::NotFound, field, format!("there is no such {noun}, or you can't see it"))
    }

    /// What the input names was there a moment ago, and was deleted meanwhile.
    pub fn gone_meanwhile(field: &[&str]) -> Self {
        let message = "something that this names was deleted at the same moment; look again";
        Self::new(RefusalKind::NotFound, field, message)
    }

    /// The name is in use.
    pub fn name_taken(field: &[&str], noun: &str, name: &str) -> Self {
        let message = format!("the {noun} name `{name}` is taken; choose another");
        Self::new(RefusalKind::NameTaken { name: name.to_owned() }, field, message)
    }

    /// The state of things forbids it.
    pub fn conflict(field: &[&str], message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Conflict, field, message)
    }

    /// What is done with permissions that the actor does not hold.
    pub fn missing_permissions(field: &[&str], deed: Deed, missing: Vec<Permission>) -> Self {
        let (deed, names) = (deed.words(), listed(&missing));
        let message = format!("you can't {deed} permissions that you don't hold yourself: {names}");
        Self::new(RefusalKind::MissingPermissions(missing), field, message)
    }

    /// Somebody has more power than who would change them.
    pub fn outranked(field: &[&str], missing: Vec<Permission>) -> Self {
        let names = listed(&missing);
        let message =
            format!("they hold permissions that you don't hold yourself: {names}; ask somebody who does");
        Self::new(RefusalKind::MissingPermissions(missing), field, message)
    }

    /// The owner of a token holds none of this anywhere, so that the token would leave nothing of it.
    pub fn out_of_reach(field: &[&str], permissions: &[Permission]) -> Self {
        let names = listed(permissions);
        let message = format!(
            "the token's owner can't do this anywhere: {names}; leave it out, or give them a role first"
        );
        Self::invalid(field, message)
    }

    /// What is asked needs more than the actor has.
    pub fn lacking(field: &[&str], missing: Permission) -> Self {
        let message =
            format!("this needs the permission {missing}; choose otherwise or ask somebody who holds it");
        Self::new(RefusalKind::MissingPermissions(vec![missing]), field, message)
    }

    /// The last administrator would be lost.
    pub fn last_admin(field: &[&str], message: impl Into<String>) -> Self {
        Self::new(RefusalKind::LastAdmin, field, message)
    }

    /// The organization can't be deleted while it holds something.
    pub fn organization_not_empty(field: &[&str], contents: Contents) -> Self {
        let Contents { workspaces, templates, provisioner_keys, groups, members } = contents;
        let counts = [
            (workspaces, "workspace", ""),
            (templates, "template", ""),
            (provisioner_keys, "provisioner key", ""),
            (groups, "group", " besides Everyone"),
            (members, "member", " besides you"),
        ];
        let left = counts.into_iter().filter(|(number, ..)| *number > 0);
        let left = left.map(|(number, one, besides)| format!("{}{besides}", counted(number, one)));
        let message =
            format!("delete or remove first what is in it: {}", left.collect::<Vec<_>>().join(", "));
        Self::new(RefusalKind::OrganizationNotEmpty(contents), field, message)
    }

    /// A build would use more than the budget leaves.
    pub fn quota_exceeded(field: &[&str], refusal: QuotaRefusal) -> Self {
        let QuotaRefusal { scope, budget, used, cost } = refusal;
        let (whose, ask) = match scope {
            QuotaScope::Member => ("the owner's budget", "a larger allowance for one of their groups"),
            QuotaScope::Organization => ("the organization's cap", "a higher cap"),
        };
        let message = format!(
            "it would cost {cost} credits a day, and {used} of the {budget} of {whose} are in use: stop or delete \
             another workspace, or ask for {ask}"
        );
        Self::new(RefusalKind::QuotaExceeded(refusal), field, message)
    }

    /// The user can't be deleted while they own workspaces.
    pub fn user_owns_workspaces(field: &[&str], workspaces: i64) -> Self {
        let message = format!(
            "they own {}; delete what they own or give it to somebody else first",
            counted(workspaces, "workspace")
        );
        Self::new(RefusalKind::UserOwnsWorkspaces { workspaces }, field, message)
    }

    /// The template can't be deleted while workspaces are made of it.
    pub fn template_in_use(field: &[&str], workspaces: i64) -> Self {
        let message = format!(
            "{workspaces} workspaces are made of it: delete them first, or deprecate the template so that no new one is made"
        );
        Self::new(RefusalKind::TemplateInUse { workspaces }, field, message)
    }

    /// A version does not take the values of a workspace.
    pub fn parameter_mismatch(field: &[&str], mismatches: Vec<Mismatch>) -> Self {
        let names = mismatches.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; ");
        let message = format!("this version does not take the values of the workspace, give others: {names}");
        Self::new(RefusalKind::ParameterMismatch(mismatches), field, message)
    }

    /// Refuses a change whose author has read another version than the current one. Whoever expects none changes what is
    /// there, so the caller has locked it.
    ///
    /// # Errors
    /// `STALE_VERSION` when somebody changed it meanwhile.
    pub fn unless_current(expected: Option<i32>, current: i32) -> Result<(), Self> {
        let Some(expected) = expected.filter(|&expected| expected != current) else { return Ok(()) };
        let message = format!(
            "it has changed since: you expected version {expected}, it is at {current}; read it again"
        );
        Err(Self::new(RefusalKind::StaleVersion { current }, &["expectedVersion"], message))
    }

    /// The same of the item at this place of a list in the input. `own` are the fields of such an item: what is about
    /// another field is about the whole input.
    #[must_use]
    pub fn of_item(mut self, list: &str, at: usize, own: &[&str]) -> Self {
        let item = [list.to_owned(), at.to_string()];
        match self.field.first().map(String::as_str) {
            // A list of ids has no fields: an operation on one of them calls it by its own name.
            Some(name) if name == list || list.strip_suffix('s') == Some(name) => {
                self.field.splice(..1, item);
            }
            Some(name) if own.contains(&name) => {
                self.field.splice(..0, item);
            }
            Some(_) => {}
            None => self.field.extend(item),
        }
        self
    }
}
