//! GraphiQL: the page for a browser that opens `/graphql`, and its files.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderName, StatusCode, header};

/// The page.
pub(super) fn page() -> Response {
    let html = guildhall_ide::page(&guildhall_ide::PageOptions::default());
    let headers = [
        (header::CONTENT_SECURITY_POLICY, guildhall_ide::CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    (headers, Html(html)).into_response()
}

/// A file of the page. Names carry a hash of the content.
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = guildhall_ide::asset(&path) else {
        return super::refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such file");
    };
    let common = [
        (header::CONTENT_TYPE, asset.mime),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::VARY, "accept-encoding"),
    ];
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    if accepts.is_some_and(|accepts| accepts.contains(asset.encoding)) {
        return (common, [(header::CONTENT_ENCODING, asset.encoding)], asset.bytes).into_response();
    }
    match asset.decoded() {
        Ok(bytes) => (common, bytes).into_response(),
        Err(error) => super::answer(&crate::error::Error::internal(error)),
    }
}
