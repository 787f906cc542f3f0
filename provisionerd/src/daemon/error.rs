use std::path::PathBuf;

use guildhall_client::ClientError;

use crate::engine::terraform::DiscoveryError;

/// Why a daemon did not start, or ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// There is no Terraform and there must be one.
    #[error(transparent)]
    Engine(#[from] DiscoveryError),
    /// The server does not take the key.
    #[error(
        "the server refused the provisioner key: {0}. Check that it was not disabled, deleted or expired; \
         `guildhall provisioner keys create` makes a new one"
    )]
    Key(ClientError),
    /// The server runs registered documents alone, and does not know those of this daemon.
    #[error(
        "the server does not take what provisioners of version {version} say: {0} It registers the documents of its own version: run \
         the provisioner in that one, or give the server a manifest of this one's, which `guildhall schema --client-documents` \
         prints, with --persisted-manifest",
        version = env!("CARGO_PKG_VERSION")
    )]
    Document(ClientError),
    /// The server does not take the daemon, e.g. because the key is of another organization.
    #[error("the server refused to register this provisioner: {0}")]
    Refused(ClientError),
    /// The URL is wrong, or something else answers there.
    #[error(transparent)]
    Server(ClientError),
    /// Another daemon uses the folder.
    #[error(
        "a provisioner named `{name}` already runs on this machine with the folder {}: give this one another name",
        folder.display()
    )]
    Taken {
        /// Name of both.
        name: String,
        /// The folder.
        folder: PathBuf,
    },
    /// The name can't be one.
    #[error(
        "`{0}` is not a name for a provisioner: 1 to 32 of `a-z` and `0-9`, in runs joined by single hyphens"
    )]
    Name(String),
    /// The work folder can't be used.
    #[error("the work folder {} can't be used: {source}", path.display())]
    WorkDir {
        /// What could not be created, read or written.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

impl DaemonError {
    /// Why the server does not listen to this daemon: because of its key, unless it says otherwise.
    pub(super) fn shut_out(error: ClientError) -> Self {
        if error.refuses_document() { Self::Document(error) } else { Self::Key(error) }
    }
}
