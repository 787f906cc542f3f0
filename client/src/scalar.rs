use crate::schema;

/// A point in time, UTC.
pub type DateTime = chrono::DateTime<chrono::Utc>;
cynic::impl_scalar!(DateTime, schema::DateTime);

/// Free-form JSON.
pub type Json = serde_json::Value;
cynic::impl_scalar!(Json, schema::JSON);
