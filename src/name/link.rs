//! Links and icons that people and templates give, by the rules of the crate `link`.

use guildhall_link as rules;

use crate::error::Refusal;

/// An icon: one emoji, an `https:` URL or a site path; or nothing.
///
/// # Errors
/// For anything else, `javascript:` and `data:` among it.
pub fn icon(field: &[&str], text: &str) -> Result<String, Refusal> {
    let refused = || Refusal::invalid(field, format!("an icon is {}", rules::ICON));
    rules::icon(text).map(str::to_owned).ok_or_else(refused)
}

/// A link: `scheme://…` of anything that opens links, such as an editor, or a site path.
///
/// # Errors
/// For anything else, `javascript:` and `data:` among it.
pub fn link(field: &[&str], text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let refused = || Refusal::invalid(field, format!("a link is {}", rules::URL));
    rules::is_url(text).then(|| text.to_owned()).ok_or_else(refused)
}
