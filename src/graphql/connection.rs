//! Connections as in the Relay specification, with `nodes` and `totalCount`.

use std::borrow::Cow;

use async_graphql::{Context, Object, OutputType, SimpleObject, TypeName};
use futures_util::future::BoxFuture;
use sea_orm::prelude::Uuid;

use super::context::{Ask, Request};
use crate::db::boxed;
use crate::db::list::List;
use crate::db::page::{self, Cursor, Keyset, Page, PageArgs};
use crate::error::{Error, Result};

const PAGE_DEFAULT: u64 = 25;
const PAGE_MAX: i32 = 100;

/// A type that stands in connections.
pub(crate) trait Node: OutputType + Clone {
    /// The list its connections page through.
    type List: List;

    /// Its name, before `Connection` and `Edge`.
    const NAME: &'static str;

    /// The list with what its rows have only where it is asked for. `asks` says whether a field of the type is selected.
    fn with(list: Self::List, asks: impl Fn(&str) -> bool) -> Self::List {
        let _ = asks;
        list
    }

    /// From a row of the list.
    fn from_row(row: <Self::List as List>::Row, request: &Request) -> Self;
}

/// The arguments of a connection field, before they are checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paging {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

impl Paging {
    /// Checks the bounds and reads the cursor.
    fn check(&self, keyset: Keyset) -> Result<PageArgs> {
        let bounds = |argument: &'static str, value: i32| match value {
            1..=PAGE_MAX => Ok(u64::from(value.unsigned_abs())),
            _ => Err(bad(argument, format!("`{argument}` must be between 1 and {PAGE_MAX}, got {value}"))),
        };
        let place = |argument: &'static str, text: &String| {
            Cursor::decode(text, keyset).ok_or_else(|| {
                bad(
                    argument,
                    format!(
                        "`{argument}` is not a cursor of this list in this order; pass one that it returned"
                    ),
                )
            })
        };
        match (self.first, &self.after, self.last, &self.before) {
            (_, _, None, None) => Ok(PageArgs {
                limit: self.first.map_or(Ok(PAGE_DEFAULT), |n| bounds("first", n))?,
                backward: false,
                cursor: self.after.as_ref().map(|text| place("after", text)).transpose()?,
            }),
            (None, None, _, _) => Ok(PageArgs {
                limit: self.last.map_or(Ok(PAGE_DEFAULT), |n| bounds("last", n))?,
                backward: true,
                cursor: self.before.as_ref().map(|text| place("before", text)).transpose()?,
            }),
            (_, _, last, _) => {
                // The one of the two at odds that was given.
                let argument = if last.is_some() { "last" } else { "before" };
                let message =
                    "page either forward with `first` and `after` or backward with `last` and `before`";
                Err(bad(argument, message.into()))
            }
        }
    }
}

fn bad(argument: &'static str, message: String) -> Error {
    Error::BadInput { argument, message }
}

/// A page of a list.
pub(crate) struct Connection<N: Node> {
    nodes: Vec<N>,
    cursors: Vec<Cursor>,
    has_next: bool,
    has_previous: bool,
    list: N::List,
    parent: Option<Uuid>,
}

impl<N: Node> Connection<N> {
    /// A page of a parent's list, batched with its neighbours.
    pub(crate) fn of<'a>(
        ctx: &'a Context<'_>,
        parent: impl Into<Uuid>,
        list: N::List,
        paging: Paging,
    ) -> BoxFuture<'a, Result<Self>> {
        let (request, parent) = (ctx.request(), parent.into());
        let list = N::with(list, |field| asks(ctx, field));
        boxed(async move {
            let args = paging.check(list.keyset())?;
            let page = request.page(parent, &list, args).await?;
            Ok(Self::new(page, list, Some(parent), request))
        })
    }

    /// A page of a list without a parent.
    pub(crate) fn root<'a>(
        ctx: &'a Context<'_>,
        list: N::List,
        paging: Paging,
    ) -> BoxFuture<'a, Result<Self>> {
        let request = ctx.request();
        let list = N::with(list, |field| asks(ctx, field));
        boxed(async move {
            let keyset = list.keyset();
            let args = paging.check(keyset)?;
            let (db, actor) = (&request.db, &request.actor);
            let with_columns = |mut select| {
                list.columns(actor, &mut select);
                select
            };
            let parts = list.parts(actor);
            let page = if let Some(few) = list.few(actor) {
                page::page_of_few(db, &with_columns(list.source(actor)), &few, keyset, &args).await?
            } else if parts.is_empty() {
                page::page(db, with_columns(list.source(actor)), keyset, &args).await?
            } else {
                let parts = parts.into_iter().map(with_columns).collect();
                page::page_of_parts(db, parts, N::List::OVERLAPPING, keyset, &args).await?
            };
            Ok(Self::new(page, list, None, request))
        })
    }

    fn new(
        page: Page<<N::List as List>::Row>,
        list: N::List,
        parent: Option<Uuid>,
        request: &Request,
    ) -> Self {
        let (nodes, cursors) =
            page.rows.into_iter().map(|(row, cursor)| (N::from_row(row, request), cursor)).unzip();
        Self { nodes, cursors, has_next: page.has_next, has_previous: page.has_previous, list, parent }
    }
}

/// Whether a field of the entries of this connection is selected.
fn asks(ctx: &Context<'_>, field: &str) -> bool {
    let selected = ctx.look_ahead();
    let nodes = [selected.field("nodes"), selected.field("edges").field("node")];
    nodes.iter().any(|node| node.field(field).exists())
}

impl<N: Node> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Connection", N::NAME))
    }
}

/// A page of a list.
#[Object(name_type)]
impl<N: Node> Connection<N> {
    /// The page's entries with their cursors.
    async fn edges(&self) -> Vec<Edge<N>> {
        let keyset = self.list.keyset();
        self.nodes
            .iter()
            .zip(&self.cursors)
            .map(|(node, cursor)| Edge { cursor: cursor.encode(keyset), node: node.clone() })
            .collect()
    }

    /// The page's entries.
    async fn nodes(&self) -> &[N] {
        &self.nodes
    }

    /// Where the page stands in the list.
    async fn page_info(&self) -> PageInfo {
        let keyset = self.list.keyset();
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.cursors.first().map(|cursor| cursor.encode(keyset)),
            end_cursor: self.cursors.last().map(|cursor| cursor.encode(keyset)),
        }
    }

    /// How many entries the whole list has that the viewer can see. Computed only when selected.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i64> {
        let request = ctx.request();
        if let Some(parent) = self.parent {
            return request.count(parent, &self.list).await;
        }
        let source = self.list.source(&request.actor);
        match self.list.few(&request.actor) {
            Some(few) => boxed(page::count_of_few(&request.db, &source, &few)).await,
            None => boxed(page::count(&request.db, source)).await,
        }
    }
}

/// An entry of a page.
pub(crate) struct Edge<N> {
    cursor: String,
    node: N,
}

impl<N: Node> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Edge", N::NAME))
    }
}

/// An entry of a page.
#[Object(name_type)]
impl<N: Node> Edge<N> {
    /// The entry's place in the list; opaque. Pass it as `after` or `before`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The entry.
    async fn node(&self) -> &N {
        &self.node
    }
}

/// Where a page stands in its list.
#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    /// There are entries after these.
    has_next_page: bool,
    /// There are entries before these.
    has_previous_page: bool,
    /// The cursor of the first entry; null on an empty page.
    start_cursor: Option<String>,
    /// The cursor of the last entry; null on an empty page.
    end_cursor: Option<String>,
}
