//! Guessing passwords is slow: there are so many sign-ins a minute for an account, and for an address. All servers of a
//! deployment share the count. Who guesses at an account from elsewhere can't lock its owner out: where they are signed in
//! already, or were until lately, they may sign in again.

use std::net::IpAddr;

use chrono::TimeDelta;
use data_encoding::HEXLOWER;

use super::{secret, store};
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission};
use crate::db::{Db, Unaudited};
use crate::error::{Error, Result};

const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Counts an attempt to sign in to an account: by its username, or by what was typed where there is none of that name. A limit of
/// zero is none.
///
/// # Errors
/// [`Error::TooMany`] when the account or the address has used up its attempts.
pub(super) async fn count(db: &Db, limit: u32, origin: &Origin, account: &str) -> Result<()> {
    if limit == 0 {
        return Ok(());
    }
    let account = account.trim().to_lowercase();
    if let Some(ip) = origin.ip {
        count_one(db, limit, origin, &key("address", &network(ip))).await?;
        if store::has_session_from(db, &account, &ip.to_string()).await? {
            return Ok(());
        }
    }
    count_one(db, limit, origin, &key("account", &account)).await
}

/// Counts a guess at the password of an account by somebody who is signed in to it: a session that was left open is no way
/// to the password.
///
/// # Errors
/// [`Error::TooMany`] when the account has used up its attempts.
pub(super) async fn count_own(db: &Db, limit: u32, origin: &Origin, username: &str) -> Result<()> {
    if limit == 0 {
        return Ok(());
    }
    count_one(db, limit, origin, &key("own", username)).await
}

async fn count_one(db: &Db, limit: u32, origin: &Origin, key: &str) -> Result<()> {
    let now = db.clock().now();
    let system = Actor::system(System::SignIn, origin.clone());
    let tx = db.begin(system.authorize(Permission::TokenCreate, Object::SITE)?).await?;
    store::forget_attempts_in(&tx, now - WINDOW).await?;
    let (attempts, began_at) = store::count_attempt_in(&tx, key).await?;
    tx.commit_unaudited(Unaudited::SignInAttempt).await?;
    if attempts <= i64::from(limit) {
        return Ok(());
    }
    let wait = (began_at + WINDOW - now).num_seconds().max(1);
    Err(Error::TooMany { what: "sign-ins", limit, retry_after: wait.unsigned_abs() })
}

/// What one person holds: an address of IPv4, a network of IPv6.
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn key(kind: &str, value: &str) -> String {
    format!("{kind}:{}", HEXLOWER.encode(&secret::hash(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_one_person_holds() {
        let of = |ip: &str| network(ip.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
