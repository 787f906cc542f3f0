use serde::Serialize;

use crate::schema;

/// A point in time, UTC.
pub type DateTime = chrono::DateTime<chrono::Utc>;
cynic::impl_scalar!(DateTime, schema::DateTime);

/// Free-form JSON.
pub type Json = serde_json::Value;
cynic::impl_scalar!(Json, schema::JSON);

/// Where a page of a connection ends and whether more follows.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    /// Whether a further page follows.
    pub has_next_page: bool,
    /// Pass it as `after` for the page that follows; `None` for an empty page.
    pub end_cursor: Option<String>,
}
