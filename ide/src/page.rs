//! The page itself.

use crate::bundle::PAGE;

/// The `content-security-policy` that the page works under: scripts, workers and connections of its own origin, no
/// inline script, no other host. Styles may be inline because the editor writes its colours into the page.
/// Organization icons are the only images from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; \
    connect-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data: https:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shown where the build had no npm. The nonce is for a policy without `'unsafe-inline'`.
const NOT_BUNDLED: &str = include_str!("not-bundled.html");

/// Where the page finds the API and its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOptions<'a> {
    /// The path of the API, for HTTP and WebSocket alike. Default: `/graphql`.
    pub endpoint: &'a str,
    /// The path below which [`asset`](crate::asset()) is served, without a trailing slash. Default: `/graphql/ide`.
    pub assets: &'a str,
    /// The nonce of the response's policy, for a policy that names one instead of `'self'`. Empty by default.
    pub nonce: &'a str,
}

impl Default for PageOptions<'_> {
    fn default() -> Self {
        Self { endpoint: "/graphql", assets: "/graphql/ide", nonce: "" }
    }
}

/// Whether the editor is in this build.
#[must_use]
pub const fn is_bundled() -> bool {
    PAGE.is_some()
}

/// The HTML for a browser that asks for the endpoint. It holds no secret and may be cached as long as the build runs,
/// unless it carries a nonce.
#[must_use]
pub fn page(options: &PageOptions<'_>) -> String {
    PAGE.unwrap_or(NOT_BUNDLED)
        .replace("{{endpoint}}", &escaped(options.endpoint))
        .replace("{{assets}}", &escaped(options.assets))
        .replace("{{nonce}}", &escaped(options.nonce))
}

/// For use inside a quoted attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::asset;

    #[test]
    fn every_placeholder_is_filled_in() {
        let page = page(&PageOptions { nonce: "n0nce", ..PageOptions::default() });
        assert!(!page.contains("{{"), "{page}");
        assert!(page.contains("n0nce"));
    }

    #[test]
    fn options_cannot_break_out_of_their_attribute() {
        let page =
            page(&PageOptions { endpoint: "\"><script>", nonce: "\"><script>", ..PageOptions::default() });
        assert!(!page.contains("\"><script>"), "{page}");
    }

    #[test]
    fn the_page_asks_only_for_what_is_served() {
        let options = PageOptions { assets: "/below", ..PageOptions::default() };
        let page = page(&options);
        let asked: Vec<&str> = page.split('"').filter_map(|part| part.strip_prefix("/below/")).collect();
        assert_eq!(!asked.is_empty(), is_bundled());
        for path in asked {
            asset(path).unwrap();
        }
        assert!(!page.contains("//"), "the page names another host: {page}");
    }

    #[test]
    fn without_a_bundle_the_page_says_how_to_get_one() {
        assert!(NOT_BUNDLED.contains("GUILDHALL_IDE_DIST"));
        assert!(NOT_BUNDLED.contains("{{endpoint}}"));
    }
}
