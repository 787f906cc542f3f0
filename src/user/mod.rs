//! Users: people and service accounts of the deployment. Owns the table `user`; refuses names that break the rules and
//! site roles that the author does not hold.

mod account;
mod change;
pub(crate) mod graphql;
mod store;

pub(crate) use account::{Account, account_in, locked_in};
pub(crate) use change::{
    Patch, decided_over_in, delete_in, set_password_in, set_site_roles, set_status_in, update,
};
pub(crate) use store::{SeenUser, UserCard, UserList, UserOrder, UserRow, of_user};

use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::kind::LoginType;
use secrecy::SecretString;
use serde_json::json;

use crate::audit::{Action, Change, Facts, facts};
use crate::authn::password;
use crate::authz::policy::BuiltinRole;
use crate::authz::{Actor, Object, Permission, Resource};
use crate::db::{Db, Tx};
use crate::error::{Refusal, Result};
use crate::name::{self, Slug};

/// The longest name as people read it, in characters.
const NAME_MAX: usize = 128;

/// A user to be made.
#[derive(Debug)]
pub(crate) struct NewUser {
    username: Slug,
    email: String,
    name: String,
    password: Option<SecretString>,
    service_account: bool,
}

impl NewUser {
    /// Checks what somebody typed.
    ///
    /// # Errors
    /// All the rules it breaks, at once.
    pub(crate) fn parse(
        username: &str,
        email: &str,
        full_name: &str,
        password: Option<SecretString>,
        service_account: bool,
    ) -> Result<Self> {
        let (typed, username) = (username, Slug::parse(&["username"], username));
        let email = change::email(email, service_account);
        let full_name = name::one_line(&["name"], full_name, NAME_MAX);
        let checked = match &password {
            Some(_) if service_account => {
                let message = "a service account has no password; its programs carry API tokens";
                Err(Refusal::invalid(&["password"], message))
            }
            Some(password) => password::check(&["password"], password)
                .and_then(|()| password::check_unlike(&["password"], password, typed)),
            None => Ok(()),
        };
        match (username, email, full_name, checked) {
            (Ok(username), Ok(email), Ok(full_name), Ok(())) => {
                let name = if full_name.is_empty() { username.as_str().to_owned() } else { full_name };
                Ok(Self { username, email, name, password, service_account })
            }
            (username, email, full_name, checked) => Err(crate::error::Error::Refused(
                [username.err(), email.err(), full_name.err(), checked.err()].into_iter().flatten().collect(),
            )),
        }
    }
}

/// Creates a user with these site roles, as a member of these organizations.
///
/// # Errors
/// FORBIDDEN without `USER_CREATE` (and `MEMBER_CREATE` in each organization); refusals for names in use and for roles
/// that would give more than the actor has.
pub(crate) async fn create(
    db: &Db,
    actor: &Actor,
    new: NewUser,
    site_roles: &[String],
    organizations: &[OrganizationId],
) -> Result<UserId> {
    let permit = actor.authorize(Permission::UserCreate, Object::SITE)?;
    let site_roles = crate::role::check_site_assignment(actor, &["siteRoles"], site_roles)?;
    let not_found = |at: usize| Refusal::not_found(&["organizationIds", &at.to_string()], "organization");
    for (at, &organization) in organizations.iter().enumerate() {
        if db.find(actor, organization).await?.is_none() {
            return Err(not_found(at).into());
        }
        actor.require(Permission::MemberCreate, Object::in_organization(organization))?;
    }
    let insert = prepare(db, new, site_roles).await?;
    let tx = db.begin(permit).await?;
    let (id, mut changes) = insert_in(&tx, insert).await?;
    for (at, &organization) in organizations.iter().enumerate() {
        // Whoever names one twice means it.
        if !organizations[..at].contains(&organization) {
            let change = crate::member::insert_in(&tx, organization, id, Vec::new()).await?;
            changes.push(change.ok_or_else(|| not_found(at))?);
        }
    }
    tx.commit_all(changes).await?;
    Ok(id)
}

/// The first user, ready to be written: an owner, whose password is hashed.
pub(crate) struct FirstUser(store::Insert);

impl FirstUser {
    /// Makes of a user to be made the first one.
    pub(crate) async fn prepare(db: &Db, new: NewUser) -> Result<Self> {
        Ok(Self(prepare(db, new, vec![BuiltinRole::Owner.name().to_owned()]).await?))
    }

    /// The id that they will have.
    pub(crate) fn id(&self) -> UserId {
        self.0.id
    }

    /// Their username.
    pub(crate) fn username(&self) -> &str {
        &self.0.username
    }
}

/// Creates the first user, an owner and administrator of the default organization, in the transaction that signs them in.
/// The caller has checked the setup token.
///
/// # Errors
/// A refusal once an owner exists.
pub(crate) async fn insert_first_in(
    tx: &Tx,
    FirstUser(insert): FirstUser,
    default_organization: OrganizationId,
) -> Result<Vec<Change>> {
    store::owner::lock_in(tx).await?;
    if store::owner::exists_in(tx).await? {
        return Err(an_owner_is_there().into());
    }
    let (id, mut changes) = insert_in(tx, insert).await?;
    let roles = vec![BuiltinRole::OrganizationAdmin.name().to_owned()];
    changes.extend(crate::member::insert_in(tx, default_organization, id, roles).await?);
    Ok(changes)
}

/// The refusal of a first user who is not the first.
pub(crate) fn an_owner_is_there() -> Refusal {
    Refusal::conflict(&[], "an owner exists already; sign in, or ask an owner for an account")
}

/// Whether an owner exists: until then the deployment waits for its first user.
pub(crate) async fn an_owner_exists(db: &Db) -> Result<bool> {
    store::owner::exists(db).await
}

/// Finds a user by name, if the actor can see them.
pub(crate) async fn find_by_username(db: &Db, actor: &Actor, username: &str) -> Result<Option<SeenUser>> {
    store::find_by_username(db, actor, username).await
}

/// Hashes the password before the transaction begins: on SQLite nobody else writes meanwhile.
async fn prepare(db: &Db, new: NewUser, site_roles: Vec<String>) -> Result<store::Insert> {
    let login_type = if new.password.is_some() { LoginType::Password } else { LoginType::None };
    let password_hash = match new.password {
        Some(password) => Some(password::hash(db.clock(), password).await?),
        None => None,
    };
    Ok(store::Insert {
        id: db.clock().id(),
        username: new.username.into(),
        email: new.email,
        name: new.name,
        login_type,
        password_hash,
        site_roles,
        is_service_account: new.service_account,
    })
}

async fn insert_in(tx: &Tx, insert: store::Insert) -> Result<(UserId, Vec<Change>)> {
    let (id, username, email) = (insert.id, insert.username.clone(), insert.email.clone());
    let after = facts(json!({
        "username": username, "email": email, "name": insert.name, "siteRoles": insert.site_roles,
        "loginType": insert.login_type.as_str(), "serviceAccount": insert.is_service_account,
    }));
    let inserted = store::insert_in(tx, insert).await;
    change::refuse_taken(inserted, &username)?;
    Ok((id, vec![Change::new(Action::Create, Resource::User, None, id, username, &Facts::new(), &after)]))
}
