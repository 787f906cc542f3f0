//! Links that a page offers to follow: to a program or a site, never to a script.

use crate::error::Refusal;

/// The longest link, in bytes.
const LINK_MAX: usize = 2048;
/// Schemes whose links a browser would run, or read from where it is.
const SCRIPTS: [&str; 5] = ["javascript", "vbscript", "data", "blob", "file"];

/// A link: `scheme://…` of anything that opens links, such as an editor, or a site path.
///
/// # Errors
/// For anything else, `javascript:` and `data:` among it.
pub fn link(field: &[&str], text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.len() > LINK_MAX {
        let message = format!("a link has at most {LINK_MAX} bytes, got {}", text.len());
        return Err(Refusal::invalid(field, message));
    }
    // Nothing that ends an attribute, and nothing that is not seen. Our daemon has the same rules (provisionerd, engine/link.rs).
    let is_written = |c: char| !c.is_control() && !c.is_whitespace() && !"\"<>\\^`{|}".contains(c);
    let is_path = text.starts_with('/') && !text.starts_with("//");
    if text.chars().all(is_written) && (is_path || is_elsewhere(text)) {
        return Ok(text.to_owned());
    }
    let message =
        "a link is an address such as https://…, or a path that starts with a single `/`; never a script";
    Err(Refusal::invalid(field, message))
}

/// Another site, or a program by its own scheme.
fn is_elsewhere(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !SCRIPTS.contains(&scheme.to_ascii_lowercase().as_str());
    is_scheme && !rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_run_nothing() {
        for good in [
            "https://a.example/x?y=1#z",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/",
            "vscode://ms-vscode-remote.remote-ssh/ssh",
            "jetbrains-gateway://connect#type=coder",
            "/apps/ide",
        ] {
            assert_eq!(link(&["url"], good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "javascript://%0aalert(1)",
            "JavaScript://%0aalert(1)",
            "data:text/html,x",
            "data://x",
            "file:///etc/passwd",
            "//evil.example",
            "/\\evil.example",
            "https://",
            "https://a b",
            "https://a\"onclick=\"x",
            "mailto:a@example.com",
            "x",
        ] {
            assert!(link(&["url"], bad).is_err(), "{bad:?}");
        }
        assert!(link(&["url"], &format!("https://{}", "a".repeat(LINK_MAX))).is_err());
    }
}
