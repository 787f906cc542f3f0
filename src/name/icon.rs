//! Icons: what a page may show before a name, and nothing that it would run or send to a stranger.

use crate::error::Refusal;

/// The longest icon, in bytes.
const ICON_MAX: usize = 256;

/// An icon: one emoji, an `https:` URL or a site path; or nothing.
///
/// # Errors
/// For anything else, `javascript:` and `data:` among it.
pub fn icon(field: &[&str], text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.len() > ICON_MAX {
        let message = format!("an icon has at most {ICON_MAX} bytes, got {}", text.len());
        return Err(Refusal::invalid(field, message));
    }
    if text.is_empty() || is_url(text) || is_path(text) || is_emoji(text) {
        return Ok(text.to_owned());
    }
    Err(Refusal::invalid(
        field,
        "an icon is one emoji, an https: URL of a host, or a path that starts with a single `/`",
    ))
}

/// `https:`, a host and what follows it; nobody's password in it.
fn is_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label) && port.parse::<u16>().is_ok() && is_written(path)
}

/// From the root of the site, without a way up.
fn is_path(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let goes_up = path.split('/').any(|step| matches!(step, "." | "..") || step.contains("%2"));
    text.starts_with('/') && !text.starts_with("//") && !goes_up && is_written(text)
}

/// Only what RFC 3986 has in paths, queries and fragments: no quote, no bracket, nothing that ends an attribute.
fn is_written(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?%#".contains(&byte))
}

/// Exactly one emoji: a flag, a keycap, or pictures that are joined to one.
fn is_emoji(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    match letters.as_slice() {
        [a, b] if is_flag_letter(*a) && is_flag_letter(*b) => true,
        ['0'..='9' | '#' | '*', '\u{fe0f}', '\u{20e3}'] | ['0'..='9' | '#' | '*', '\u{20e3}'] => true,
        // The flags of regions: a black flag, and the region in letters that are not shown.
        ['\u{1f3f4}', region @ .., '\u{e007f}'] => {
            !region.is_empty() && region.iter().all(|c| matches!(c, '\u{e0020}'..='\u{e007e}'))
        }
        letters => letters.split(|&c| c == '\u{200d}').all(is_picture),
    }
}

fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// A picture, perhaps with the tone of its skin, perhaps said to be a picture and no letter.
fn is_picture(letters: &[char]) -> bool {
    let Some((&first, marks)) = letters.split_first() else { return false };
    let is_mark = |c: &char| matches!(c, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let pictures =
        matches!(first, '\u{1f000}'..='\u{1f1e5}' | '\u{1f200}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}');
    let symbols = matches!(first, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{25ff}')
        || matches!(first, '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{24c2}' | '\u{a9}' | '\u{ae}')
        || matches!(first, '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{3030}' | '\u{303d}')
        || matches!(first, '\u{3297}' | '\u{3299}');
    (pictures || symbols) && marks.len() <= 2 && marks.iter().all(is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_are_harmless() {
        for good in [
            "",
            "🚀",
            "👩‍💻",
            "https://example.com/a.svg",
            "/icons/1.svg",
            "❤️",
            "🇩🇪",
            "1️⃣",
            "https://a.example:8443/x?y=1#z",
        ] {
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
            "\u{200d}",
            "\u{fe0f}",
            "🚀🚀",
            "https:///x",
            "https://[::1",
            "https://user:pw@x.example/y",
            "https://x.example/\"onerror=",
            "https://x..example/",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a\"b",
        ] {
            assert!(icon(&["icon"], bad).is_err(), "{bad:?}");
        }
    }
}
