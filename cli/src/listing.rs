//! The manner of every list: `--query` looks for a text, `--sort` says what comes first, `--limit` how many come.

use clap::{Args, ValueEnum};
use guildhall_client::{ClientError, Page};

use crate::numbers::some;

/// The options of a list of things with names.
#[derive(Debug, Args)]
pub struct Listing {
    /// Only those with this text in their names
    #[arg(long, value_name = "TEXT")]
    pub(crate) query: Option<String>,
    #[command(flatten)]
    pub(crate) order: Sorted,
}

/// The options of a list of things with names that can't be searched.
#[derive(Debug, Args)]
pub struct Sorted {
    /// What comes first
    #[arg(long, default_value = "name")]
    pub(crate) sort: Sort,
    #[command(flatten)]
    pub(crate) limit: Limit,
}

/// How much of a list.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limit {
    /// At most so many; default: all
    #[arg(long, value_name = "N", value_parser = some)]
    limit: Option<usize>,
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// By name, a to z
    Name,
    /// The newest
    #[value(alias = "created")]
    Newest,
    /// The oldest
    Oldest,
}

/// What comes first, of things without names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Age {
    /// The newest
    Newest,
    /// The oldest
    Oldest,
}

/// An order of a list that can be sorted by name and age.
pub(crate) trait Order {
    /// As the API calls it.
    fn of(sort: Sort) -> Self;
}

/// The orders of the API that `Sort` means.
macro_rules! orders {
    ($($order:ty),* $(,)?) => {$(
        impl Order for $order {
            fn of(sort: Sort) -> Self {
                match sort {
                    Sort::Name => Self::NameAsc,
                    Sort::Newest => Self::CreatedAtDesc,
                    Sort::Oldest => Self::CreatedAtAsc,
                }
            }
        }
    )*};
}

orders! {
    guildhall_client::api_token::ApiTokenOrder,
    guildhall_client::group::GroupOrder,
    guildhall_client::organization::OrganizationOrder,
    guildhall_client::provisioner_daemon::ProvisionerDaemonOrder,
    guildhall_client::provisioner_key::ProvisionerKeyOrder,
    guildhall_client::template::TemplateOrder,
    guildhall_client::workspace::WorkspaceOrder,
}

impl Limit {
    /// No more than this.
    pub(crate) fn of(limit: usize) -> Self {
        Self { limit: Some(limit) }
    }

    /// What is left of it after so many.
    pub(crate) fn after(self, count: usize) -> Self {
        Self { limit: self.limit.map(|limit| limit.saturating_sub(count)) }
    }

    /// The beginning of a list, page by page.
    pub(crate) async fn read<T>(
        self,
        page: impl AsyncFnMut(Option<String>) -> Result<Page<T>, ClientError>,
    ) -> Result<Vec<T>, ClientError> {
        let most = self.limit.unwrap_or(usize::MAX);
        if most == 0 {
            return Ok(Vec::new());
        }
        let mut found = Page::all(most, page).await?;
        found.truncate(most);
        Ok(found)
    }
}
