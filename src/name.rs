//! Names and other short texts that people type, parsed into types that hold only what the rules allow.

use crate::error::Refusal;

/// The longest slug, in characters.
const SLUG_MAX: usize = 32;
/// The longest display name, in characters.
const DISPLAY_NAME_MAX: usize = 64;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 500;
/// The longest icon: an emoji, an `https:` URL or a site path, in bytes.
const ICON_MAX: usize = 256;
/// Names with a meaning in paths and commands.
const RESERVED: [&str; 3] = ["new", "create", "me"];
/// The name of the default organization; no other organization may have it.
pub const DEFAULT: &str = "default";

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

/// A name as people read it; the slug where none is given.
///
/// # Errors
/// Says which rule it breaks.
pub fn display_name(field: &[&str], text: Option<&str>, name: &Slug) -> Result<String, Refusal> {
    let text = plain_text(field, text.unwrap_or_default(), DISPLAY_NAME_MAX)?;
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

/// An icon: an emoji, an `https:` URL or a site path; or nothing.
///
/// # Errors
/// For anything else, `javascript:` and `data:` among it.
pub fn icon(field: &[&str], text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let printable = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let url = text.starts_with("https://") && text.len() > "https://".len();
    let path = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    let emoji = !text.is_ascii()
        && !text.chars().any(|c| c.is_alphanumeric() && !c.is_ascii_digit())
        && text.chars().count() <= 16;
    if text.is_empty() || (text.len() <= ICON_MAX && printable && (url || path || emoji)) {
        return Ok(text.to_owned());
    }
    Err(Refusal::invalid(field, "an icon is an emoji, an https: URL or a path that starts with a single `/`"))
}

/// An email address: enough of a check to catch a slip, not a proof.
///
/// # Errors
/// When it can't be one.
pub fn email(field: &[&str], text: &str) -> Result<String, Refusal> {
    let text = plain_text(field, text, 254)?;
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
    fn icons_are_harmless() {
        for good in ["", "🚀", "👩‍💻", "https://example.com/a.svg", "/icons/1.svg"] {
            assert!(icon(&["icon"], good).is_ok(), "{good:?}");
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://x",
            "//evil.example",
            "rocket",
            "https://",
            "/a b",
            "é",
        ] {
            assert!(icon(&["icon"], bad).is_err(), "{bad:?}");
        }
    }
}
