//! Words of the API as people type and read them: permissions as `resource:action`, kinds of things, what was done to
//! them. What is no such word is refused here, with those that were perhaps meant.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use guildhall_client::Permission;
use guildhall_client::permission::{AuditAction, AuditStatus, Resource};

/// How alike two words are, from 0 to 1, where one may be meant for the other.
const ALIKE: f64 = 0.85;
/// How many guesses help.
const GUESSES: usize = 3;

/// A parser of words that tells shells which there are.
#[derive(Clone)]
pub(crate) struct Words<T> {
    parse: fn(&str) -> Result<T, String>,
    known: fn() -> Vec<PossibleValue>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Words<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        self.parse.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.known)().into_iter()))
    }
}

/// Permissions: `group:create` or `GROUP_CREATE`.
pub(crate) fn permissions() -> Words<Permission> {
    Words {
        parse: permission,
        // With a help, a shell that gives colons a meaning of their own gets them escaped.
        known: || {
            Permission::KNOWN.iter().map(|word| PossibleValue::new(notation(word)).help(*word)).collect()
        },
    }
}

/// Kinds of things: `provisioner-key` or `PROVISIONER_KEY`.
pub(crate) fn resources() -> Words<Resource> {
    Words {
        parse: |text| one_of("kind of thing", Resource::KNOWN, text).map(Resource),
        known: || plain(Resource::KNOWN),
    }
}

/// What is done: `sign-in` or `SIGN_IN`.
pub(crate) fn actions() -> Words<AuditAction> {
    Words {
        parse: |text| one_of("action", AuditAction::KNOWN, text).map(AuditAction),
        known: || plain(AuditAction::KNOWN),
    }
}

/// What becomes of it: `denied` or `DENIED`.
pub(crate) fn outcomes() -> Words<AuditStatus> {
    Words {
        parse: |text| one_of("outcome", AuditStatus::KNOWN, text).map(AuditStatus),
        known: || plain(AuditStatus::KNOWN),
    }
}

/// A permission as people read it: `group:read-members`.
pub(crate) fn spoken(permission: &Permission) -> String {
    notation(&permission.0)
}

/// Several of them, those of a resource together.
pub(crate) fn all_spoken(permissions: &[Permission]) -> Vec<String> {
    let mut words = permissions.iter().map(spoken).collect::<Vec<_>>();
    words.sort();
    words
}

/// What the server says, with permissions as people read them.
pub(crate) fn told(text: &str) -> String {
    let outside = |letter: char| !(letter.is_ascii_uppercase() || letter == '_');
    let part = |part: &str| {
        let word = part.strip_suffix(outside).unwrap_or(part);
        match Permission::KNOWN.contains(&word) {
            true => format!("{}{}", notation(word), &part[word.len()..]),
            false => part.to_owned(),
        }
    };
    text.split_inclusive(outside).map(part).collect()
}

fn plain(known: &[&str]) -> Vec<PossibleValue> {
    known.iter().map(|word| PossibleValue::new(hyphened(word))).collect()
}

fn hyphened(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}

fn notation(word: &str) -> String {
    let permission = Permission(word.to_owned());
    match permission.parts() {
        Some((resource, action)) => format!("{}:{}", hyphened(resource), hyphened(action)),
        None => hyphened(word),
    }
}

/// A word as the API writes it.
fn named(text: &str) -> String {
    text.trim().to_uppercase().replace([':', '-', ' '], "_")
}

fn one_of(what: &str, known: &[&str], text: &str) -> Result<String, String> {
    let name = named(text);
    if known.contains(&name.as_str()) {
        return Ok(name);
    }
    let all = known.iter().map(|word| hyphened(word)).collect::<Vec<_>>();
    Err(format!("there is no such {what}; there are {}", all.join(", ")))
}

fn permission(text: &str) -> Result<Permission, String> {
    let name = named(text);
    if Permission::KNOWN.contains(&name.as_str()) {
        return Ok(Permission(name));
    }
    let list = "`guildhall roles permissions` lists what there is";
    let guesses = guesses(&name);
    if guesses.is_empty() {
        return Err(format!("there is no such permission; {list}"));
    }
    Err(format!("there is no such permission; perhaps {}? {list}", guesses.join(" or ")))
}

/// What may have been meant: the most alike, or all of a resource that stands alone.
fn guesses(name: &str) -> Vec<String> {
    let of_resource = |word: &&&str| {
        word.strip_prefix(name).is_some_and(|rest| rest.starts_with('_')) && Resource::KNOWN.contains(&name)
    };
    let own = Permission::KNOWN.iter().filter(of_resource).map(|word| notation(word)).collect::<Vec<_>>();
    if !own.is_empty() {
        return own;
    }
    let mut alike = Permission::KNOWN
        .iter()
        .map(|word| (strsim::jaro_winkler(word, name), word))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .collect::<Vec<_>>();
    alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    alike.into_iter().take(GUESSES).map(|(_, word)| notation(word)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use rstest::rstest;

    use super::*;

    #[rstest]
    fn a_permission_has_one_meaning_however_it_is_written(
        #[values("group:read-members", "group:read_members", "GROUP_READ_MEMBERS", " Group-Read-Members ")]
        text: &str,
    ) {
        assert_eq!(permission(text).unwrap(), Permission("GROUP_READ_MEMBERS".to_owned()));
    }

    #[test]
    fn every_permission_is_read_as_it_is_printed() {
        for word in Permission::KNOWN {
            let known = Permission((*word).to_owned());
            assert_eq!(permission(&spoken(&known)).unwrap(), known);
            assert_eq!(spoken(&known).matches(':').count(), 1, "{word}");
        }
    }

    #[rstest]
    #[case("group:creat", "group:create")]
    #[case("gruop:create", "group:create")]
    #[case("WORKSPACE_STRAT", "workspace:start")]
    #[case("quota", "quota:read or quota:update")]
    #[case("pigeon:fly", "`guildhall roles permissions`")]
    fn another_word_is_refused_with_what_was_perhaps_meant(#[case] text: &str, #[case] part: &str) {
        let message = permission(text).unwrap_err();
        assert!(message.contains(part) && message.contains("roles permissions"), "{message}");
    }

    #[test]
    fn what_the_server_says_is_said_in_the_same_words() {
        assert_eq!(
            told("this needs GROUP_CREATE, PROVISIONER_DAEMON_SERVE; not GROUP_ or A_B"),
            "this needs group:create, provisioner-daemon:serve; not GROUP_ or A_B"
        );
        assert_eq!(told("QUOTA_READ"), "quota:read");
    }

    #[test]
    fn short_lists_are_named_whole() {
        assert_eq!(one_of("action", AuditAction::KNOWN, "sign-in").unwrap(), "SIGN_IN");
        let message = one_of("action", AuditAction::KNOWN, "nope").unwrap_err();
        assert!(message.contains("cancel, create, delete"), "{message}");
    }
}
