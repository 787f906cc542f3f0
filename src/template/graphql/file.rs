//! How files look.

use async_graphql::{ID, Object};
use data_encoding::HEXLOWER;

use crate::graphql::scalar::DateTime;
use crate::template::FileRow;

/// A file.
#[derive(Clone)]
pub(crate) struct File(FileRow);

impl From<FileRow> for File {
    fn from(row: FileRow) -> Self {
        Self(row)
    }
}

/// An uploaded archive. `PUT /files` with the archive as body (tar, tar.gz or zip, at most 100 MiB) makes one. Visible
/// to who uploaded it and to those who can see a template version made from it.
#[Object]
impl File {
    /// `file_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was uploaded.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// SHA-256 of its bytes, in lower-case hexadecimal.
    async fn sha256(&self) -> String {
        HEXLOWER.encode(&self.0.sha256)
    }

    /// Its media type.
    async fn mimetype(&self) -> &str {
        &self.0.mimetype
    }

    /// Its size in bytes.
    async fn size(&self) -> i64 {
        self.0.size
    }

    /// Where to download it: a path below the server's URL.
    async fn url(&self) -> String {
        format!("/files/{}", self.0.id)
    }
}
