//! Names and other short texts that people type, parsed into types that hold only what the rules allow.

mod link;

pub use link::{icon, link};

use crate::error::{Error, Refusal, Result};

/// The longest slug, in characters.
const SLUG_MAX: usize = 32;
/// The longest display name, in characters.
const DISPLAY_NAME_MAX: usize = 64;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 500;
/// Names with a meaning in paths and commands.
const RESERVED: [&str; 3] = ["new", "create", "me"];
/// The name of the default organization; no other organization may have it.
pub const DEFAULT: &str = "default";

/// How many things may be asked for by their names: as many as a page has.
const ASKED: usize = 100;

/// Names that a filter asks for in `argument`, as they are kept.
///
/// # Errors
/// BAD_USER_INPUT for more than a page has.
pub(crate) fn asked(argument: &'static str, names: Vec<String>) -> Result<Vec<String>> {
    if names.len() > ASKED {
        let message = format!("`{argument}` has at most {ASKED} entries, got {}", names.len());
        return Err(Error::BadInput { argument, message });
    }
    Ok(names.into_iter().map(|name| name.to_lowercase()).collect())
}

/// A name: 1–32 characters of `[a-z0-9]` in runs joined by single hyphens. Upper case is folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// Parses what somebody typed into `field`.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn parse(field: &[&str], text: &str) -> Result<Self, Refusal> {
        let slug = text.trim().to_ascii_lowercase();
        let problem = if slug.is_empty() {
            "a name can't be empty"
        } else if slug.len() > SLUG_MAX {
            "a name has at most 32 characters"
        } else if !slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            "a name has only letters a–z, digits and single hyphens between them"
        } else if slug.split('-').any(str::is_empty) {
            "hyphens stand alone between letters or digits, not at either end"
        } else if RESERVED.contains(&slug.as_str()) {
            "`new`, `create` and `me` are reserved; choose another name"
        } else {
            return Ok(Self(slug));
        };
        Err(Refusal::invalid(field, problem))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of something that is not the default organization.
    ///
    /// # Errors
    /// When it is `default`.
    pub fn not_default(self, field: &[&str]) -> Result<Self, Refusal> {
        if self.0 == DEFAULT {
            return Err(Refusal::invalid(
                field,
                "`default` is the default organization's name; choose another",
            ));
        }
        Ok(self)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

/// The name of a role, as somebody looks for it. In a pattern for a database it needs no escaping.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleName(Option<String>);

impl RoleName {
    /// The longest name of a role, in characters: that of a built-in one.
    const MAX: usize = 48;

    /// What somebody typed; no role has a name that is no slug.
    pub fn of(text: &str) -> Self {
        let slug = text.trim().to_ascii_lowercase();
        let is_one = (1..=Self::MAX).contains(&slug.len())
            && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        Self(is_one.then_some(slug))
    }

    /// The name, unless no role can have it.
    pub fn as_slug(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// A name as people read it; the slug where none is given.
///
/// # Errors
/// Says which rule it breaks.
pub fn display_name(field: &[&str], text: Option<&str>, name: &Slug) -> Result<String, Refusal> {
    let text = one_line(field, text.unwrap_or_default(), DISPLAY_NAME_MAX)?;
    Ok(if text.is_empty() { name.as_str().to_owned() } else { text })
}

/// A description.
///
/// # Errors
/// Says which rule it breaks.
pub fn description(field: &[&str], text: &str) -> Result<String, Refusal> {
    plain_text(field, text, DESCRIPTION_MAX)
}

/// Trimmed text of at most `max` characters, without control characters other than line breaks.
///
/// # Errors
/// Says which rule it breaks.
pub fn plain_text(field: &[&str], text: &str, max: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if length > max {
        return Err(Refusal::invalid(field, format!("at most {max} characters, got {length}")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Refusal::invalid(field, "control characters are not allowed"));
    }
    Ok(text.to_owned())
}

/// Trimmed text of at most `max` characters on one line: without control characters, breaks of lines, and marks that turn the
/// direction of what stands around it; and if there is any, some of it can be seen.
///
/// # Errors
/// Says which rule it breaks.
pub fn one_line(field: &[&str], text: &str, max: usize) -> Result<String, Refusal> {
    let text = plain_text(field, text, max)?;
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.chars().any(breaks) {
        return Err(Refusal::invalid(field, "it stands on one line: line breaks and tabs are not allowed"));
    }
    if text.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        return Err(Refusal::invalid(
            field,
            "characters that change the direction of writing are not allowed",
        ));
    }
    if !text.is_empty() && text.chars().all(is_invisible) {
        return Err(Refusal::invalid(field, "it has no character that can be seen"));
    }
    Ok(text)
}

fn is_invisible(c: char) -> bool {
    let joins = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}');
    joins || c.is_whitespace() || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{3164}')
}

/// An email address: enough of a check to catch a slip, not a proof.
///
/// # Errors
/// When it can't be one.
pub fn email(field: &[&str], text: &str) -> Result<String, Refusal> {
    let text = one_line(field, text, 254)?;
    let valid = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.chars().any(char::is_whitespace)
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    });
    if valid {
        Ok(text)
    } else {
        Err(Refusal::invalid(field, "expected an email address such as ada@example.com"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_folded_and_checked() {
        assert_eq!(
            Slug::parse(&["name"], " Data-Platform ").map(String::from),
            Ok("data-platform".to_owned())
        );
        let long = "a".repeat(33);
        for bad in ["", "-a", "a-", "a--b", "a_b", "a b", "ä", "new", "Create", "ME", "a\0", long.as_str()] {
            assert!(Slug::parse(&["name"], bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_line_is_one_line_and_can_be_seen() {
        for good in ["", "Ärzte Öl", "Team 👩‍💻", "علوم"] {
            assert!(one_line(&["name"], good, 64).is_ok(), "{good:?}");
        }
        for bad in ["a\nb", "a\tb", "a\u{202e}b", "a\u{2066}b", "a\u{2028}b", "\u{200b}", "a\u{1b}b"] {
            assert!(one_line(&["name"], bad, 64).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_of_roles_are_slugs() {
        assert_eq!(RoleName::of(" Owner ").as_slug(), Some("owner"));
        let ban = "organization-workspace-creation-ban";
        assert_eq!(RoleName::of(ban).as_slug(), Some(ban));
        for none in ["", "own.er", "own%", "_wner", "öwner", "x".repeat(49).as_str()] {
            assert_eq!(RoleName::of(none).as_slug(), None, "{none}");
        }
    }
}
