//! What the modules of the nouns share: from the shapes on the wire to results.

use crate::{ClientError, UserError, schema};

/// A page of a connection.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The objects, in the order of the connection.
    pub nodes: Vec<T>,
    /// Whether a further page follows.
    pub has_next: bool,
    /// Pass it as `after` for what follows; `None` for an empty page.
    pub end_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Every object of a connection, at most `limit` (rounded up to whole pages): calls `page` with the cursor of
    /// each page in turn.
    ///
    /// # Errors
    /// The first one of `page`.
    pub async fn all(
        limit: usize,
        mut page: impl AsyncFnMut(Option<String>) -> Result<Self, ClientError>,
    ) -> Result<Vec<T>, ClientError> {
        let mut nodes = Vec::new();
        let mut after = None;
        loop {
            let next = page(after).await?;
            nodes.extend(next.nodes);
            // A server that promises more but has no cursor to it would be asked for the same page for ever.
            if !next.has_next || next.end_cursor.is_none() || nodes.len() >= limit {
                return Ok(nodes);
            }
            after = next.end_cursor;
        }
    }
}

#[derive(cynic::QueryFragment)]
pub(crate) struct PageInfo {
    pub(crate) has_next_page: bool,
    pub(crate) end_cursor: Option<String>,
}

/// Declares the fragment of a connection of `$node` and its way to a [`Page`].
macro_rules! connection {
    ($connection:ident, $node:ty) => {
        #[derive(cynic::QueryFragment)]
        struct $connection {
            nodes: Vec<$node>,
            page_info: crate::answer::PageInfo,
        }

        impl From<$connection> for crate::Page<$node> {
            fn from(connection: $connection) -> Self {
                let crate::answer::PageInfo { has_next_page, end_cursor } = connection.page_info;
                Self { nodes: connection.nodes, has_next: has_next_page, end_cursor }
            }
        }
    };
}
pub(crate) use connection;

/// The result of a mutation from its payload: the object and the user errors.
pub(crate) fn accepted<T>(payload: Option<(Option<T>, Vec<UserError>)>) -> Result<T, ClientError> {
    match payload {
        Some((_, errors)) if !errors.is_empty() => Err(ClientError::Refused(errors)),
        Some((Some(result), _)) => Ok(result),
        Some((None, _)) | None => Err(ClientError::Incomplete),
    }
}

/// A nullable object that somebody asked for by `name`.
pub(crate) fn found<T>(object: Option<T>, kind: &'static str, name: &str) -> Result<T, ClientError> {
    object.ok_or_else(|| ClientError::NotFound { kind, name: name.to_owned() })
}
