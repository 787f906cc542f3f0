//! What browsers get from people and templates to open and to show: nothing that they would run, or send to a stranger.
//! The server refuses what is neither; a provisioner, which reads a template before, says so in the template's log.

/// The longest URL, in bytes.
const URL_MAX: usize = 2048;
/// Schemes of what carries its own content, which may be a program, or is the reader's own.
const FORBIDDEN: [&str; 5] = ["javascript", "vbscript", "data", "blob", "file"];
/// The longest icon, in bytes.
const ICON_MAX: usize = 256;

/// What [`is_url`] takes, for people.
pub const URL: &str = "a URL with `://` that is no script, no data and no file, or a path that starts with a \
                              single `/`, of at most 2048 bytes and without spaces and quotes";
/// What [`icon`] takes, for people.
pub const ICON: &str =
    "one emoji, an https: URL of a host, or a path that starts with a single `/`, of at most 256 bytes";

/// Whether `text` is where a person may be sent: to another site, to a program by its own scheme, or to a page of this site.
pub fn is_url(text: &str) -> bool {
    let is_written = |c: char| !c.is_whitespace() && !c.is_control() && !"\"<>\\^`{|}".contains(c);
    let is_elsewhere = text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !FORBIDDEN.iter().any(|forbidden| scheme.eq_ignore_ascii_case(forbidden))
            && !rest.is_empty()
    });
    let is_here = text.starts_with('/') && !text.starts_with("//");
    text.len() <= URL_MAX && text.chars().all(is_written) && (is_elsewhere || is_here)
}

/// An icon without the space around it: one emoji, an `https:` URL or a site path; or nothing.
pub fn icon(text: &str) -> Option<&str> {
    let text = text.trim();
    let known = text.is_empty() || is_picture_url(text) || is_picture_path(text) || is_emoji(text);
    (text.len() <= ICON_MAX && known).then_some(text)
}

/// `https:`, a host and what follows it; nobody's password in it.
fn is_picture_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label) && port.parse::<u16>().is_ok() && is_plain(path)
}

/// From the root of the site, without a way up.
fn is_picture_path(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let goes_up = path.split('/').any(|step| matches!(step, "." | "..") || step.contains("%2"));
    text.starts_with('/') && !text.starts_with("//") && !goes_up && is_plain(text)
}

/// Only what RFC 3986 has in paths, queries and fragments: no quote, no bracket, nothing that ends an attribute.
fn is_plain(text: &str) -> bool {
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
    fn urls_lead_somewhere_and_run_nothing() {
        let long = |length: usize| format!("https://x.example/{}", "x".repeat(length - 18));
        for good in [
            "/docs",
            "jetbrains-gateway://connect#type=coder",
            "https://ide.example.com/?folder=/home/ada#top",
            "http://dev.localhost:8443/",
            "http://[::1]:8080/",
            "https://x.example/ü",
            "vscode://vscode-remote/ssh-remote+dev/home",
            "ssh://ada@dev.example",
            "coder+dev.2-x://open",
            "/apps/1?javascript:x",
            "/",
            &long(2048),
        ] {
            assert!(is_url(good), "{good:?}");
        }
        for bad in [
            "",
            "x",
            "ide.example.com",
            "javascript:alert(1)",
            "JavaScript://x.example/%0aalert(1)",
            "java\tscript://x",
            " javascript://x",
            "vbscript://x",
            "data:text/html,x",
            "data://text/html,x",
            "blob://x",
            "FILE:///etc/passwd",
            "mailto:ada@example.com",
            "://x",
            "https://",
            "1x://y",
            "h_t://x",
            "//evil.example",
            "/\\evil.example",
            "https://x.example/a b",
            "https://x.example/\"onclick=",
            "https://x.example/<b>",
            "https://x.example/\n",
            "https://x.example/\u{a0}",
            "https://x.example/\u{7f}",
            "https://x.example/{id}",
            "https://x.example/`|^",
            &long(2049),
        ] {
            assert!(!is_url(bad), "{bad:?}");
        }
    }

    #[test]
    fn icons_are_harmless() {
        for good in [
            "",
            " 🚀 ",
            "👩‍💻",
            "https://example.com/a.svg",
            "/icons/1.svg",
            "❤️",
            "🇩🇪",
            "1️⃣",
            "https://a.example:8443/x?y=1#z",
        ] {
            assert_eq!(icon(good), Some(good.trim()));
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
            "/a\"b",
            "https://user:pw@x.example/y",
            "https://x.example/\"onerror=",
            "https://x..example/",
            "/a/../b",
            "/a/%2e%2e/b",
            &format!("/{}", "x".repeat(256)),
        ] {
            assert_eq!(icon(bad), None, "{bad:?}");
        }
    }
}
