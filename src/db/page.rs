//! Keyset pages: stable under inserts and deletes, one statement however many parents.

use std::collections::HashMap;
use std::hash::Hash;

use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{
    Asterisk, Condition, Expr, ExprTrait, Func, IntoIden, JoinType, Order, Query, SelectStatement,
    SubQueryStatement, UnionType,
};
use sea_orm::{DbBackend, DbErr};

use super::dialect::{is_one_of, uuid_array};
use super::few::Few;
pub(crate) use super::keyset::{Cursor, Key, Keyset};
use super::list::Completion;
use super::row::{Columns, Read};
use super::{Db, statement};
use crate::error::Result;

/// Which page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageArgs {
    /// How many, 1–100.
    pub(crate) limit: u64,
    /// From the end (`last`, `before`).
    pub(crate) backward: bool,
    /// Strictly beyond this place.
    pub(crate) cursor: Option<Cursor>,
}

/// Some rows of a list, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Page<R> {
    /// The rows with their places.
    pub(crate) rows: Vec<(R, Cursor)>,
    /// There are rows after these.
    pub(crate) has_next: bool,
    /// There are rows before these.
    pub(crate) has_previous: bool,
}

/// A row of a page's statement.
#[derive(Clone)]
struct Keyed<R> {
    row: R,
    cursor: Cursor,
}

fn read_keyed<R: Read>(keyset: Keyset, columns: &mut Columns<'_>) -> Result<Keyed<R>, DbErr> {
    let row = R::read(columns)?;
    Ok(Keyed { row, cursor: Cursor::read(keyset, columns)? })
}

/// Completes `select` with the page's condition, order and limit, and selects the keys after its own columns.
fn bounded(mut select: SelectStatement, keyset: Keyset, args: &PageArgs) -> SelectStatement {
    for (i, key) in keyset.keys.iter().enumerate() {
        select.expr_as(key.expr(), format!("k{i}"));
    }
    let descending = keyset.descending != args.backward;
    if let Some(cursor) = &args.cursor {
        let keys = Expr::tuple(keyset.keys.iter().map(Key::expr));
        let values = Expr::tuple(cursor.values().iter().map(|value| Expr::val(value.to_value())));
        select.and_where(if descending { keys.lt(values) } else { keys.gt(values) });
    }
    let order = if descending { Order::Desc } else { Order::Asc };
    for key in keyset.keys {
        select.order_by_expr(key.expr(), order.clone());
    }
    select.limit(args.limit + 1);
    select
}

fn finish<R>(mut rows: Vec<Keyed<R>>, args: &PageArgs) -> Page<R> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    if args.backward {
        rows.reverse();
    }
    let beyond = args.cursor.is_some();
    let (has_next, has_previous) = if args.backward { (beyond, more) } else { (more, beyond) };
    Page { rows: rows.into_iter().map(|keyed| (keyed.row, keyed.cursor)).collect(), has_next, has_previous }
}

/// One page of a list. `select` says what and where, not the order.
pub(crate) async fn page<R: Read>(
    db: &Db,
    select: SelectStatement,
    keyset: Keyset,
    args: &PageArgs,
) -> Result<Page<R>> {
    let statement = bounded(select, keyset, args);
    let rows = db.rows_with(&statement, move |columns| read_keyed(keyset, columns)).await?;
    Ok(finish(rows, args))
}

/// One page of a list in parts, none of which is read further than a page goes. Where parts overlap, a row that is in several
/// of them comes once.
pub(crate) async fn page_of_parts<R: Read>(
    db: &Db,
    parts: Vec<SelectStatement>,
    overlapping: bool,
    keyset: Keyset,
    args: &PageArgs,
) -> Result<Page<R>> {
    let how = if overlapping { UnionType::Distinct } else { UnionType::All };
    let statement = merged(parts, how, keyset, args);
    let rows = db.rows_with(&statement, move |columns| read_keyed(keyset, columns)).await?;
    Ok(finish(rows, args))
}

/// One page of a list of things that may be few.
pub(crate) async fn page_of_few<R: Read>(
    db: &Db,
    select: &SelectStatement,
    few: &Few,
    keyset: Keyset,
    args: &PageArgs,
) -> Result<Page<R>> {
    let parts = few.parts(db.backend(), select);
    let mut statement = merged(parts, UnionType::All, keyset, args);
    statement.with_cte(few.expression(db.backend()));
    let rows = db.rows_with(&statement, move |columns| read_keyed(keyset, columns)).await?;
    Ok(finish(rows, args))
}

/// The page that the beginnings of the parts make together.
fn merged(
    parts: impl IntoIterator<Item = SelectStatement>,
    how: UnionType,
    keyset: Keyset,
    args: &PageArgs,
) -> SelectStatement {
    let members = parts.into_iter().map(|part| nested(bounded(part, keyset, args)));
    let union = members.reduce(|mut union, member| union.union(how, member).take()).unwrap_or_default();
    let mut statement = nested(union);
    order_pages(&mut statement, keyset, args);
    statement.limit(args.limit + 1);
    statement
}

/// The same page of the lists of several parents, in one statement (on SQLite in more for hundreds of them). `parent` is the
/// column that holds the parent's id. A parent without rows has an empty page. `completion` adds to each page what is read
/// for its rows alone.
pub(crate) async fn pages<P, R>(
    db: &Db,
    parents: &[P],
    parent: (&'static str, &'static str),
    select: SelectStatement,
    keyset: Keyset,
    completion: Option<Completion>,
    args: &PageArgs,
) -> Result<HashMap<P, Page<R>>>
where
    P: Copy + Eq + Hash + Send + Sync + From<Uuid> + Into<Uuid> + 'static,
    R: Read,
{
    let column = || Expr::col((parent.0.into_iden(), parent.1.into_iden()));
    let of = |mut select: SelectStatement, value: Expr| {
        select.and_where(column().eq(value));
        completed(bounded(select, keyset, args), completion, keyset, args)
    };
    let ids: Vec<Uuid> = parents.iter().map(|&id| id.into()).collect();
    let statements = match ids.as_slice() {
        [] => return Ok(HashMap::new()),
        [only] => {
            let statement = of(select, Expr::val(*only));
            let rows = db.rows_with(&statement, move |columns| read_keyed(keyset, columns)).await?;
            return Ok(HashMap::from([(P::from(*only), finish(rows, args))]));
        }
        _ if db.backend() == DbBackend::Postgres => {
            let outer = Expr::col(("parent".into_iden(), "id".into_iden()));
            let mut statement = Query::select();
            statement
                .expr(outer.clone())
                .column(("page".into_iden(), Asterisk))
                .from_subquery(unnest(&ids), "parent")
                .join_lateral(JoinType::InnerJoin, of(select, outer), "page", Condition::all());
            order_pages(&mut statement, keyset, args);
            vec![statement]
        }
        [first, ..] => {
            let member = |id: &Uuid| tagged(Expr::val(*id), of(select.clone(), Expr::val(*id)));
            unions(db.backend(), &ids, &member(first), member)
        }
    };
    let mut rows = Vec::new();
    for statement in &statements {
        let read = move |columns: &mut Columns<'_>| {
            Ok((P::from(columns.next::<Uuid>()?), read_keyed(keyset, columns)?))
        };
        rows.extend(db.rows_with(statement, read).await?);
    }
    let mut by_parent: HashMap<P, Vec<Keyed<R>>> = parents.iter().map(|&id| (id, Vec::new())).collect();
    for (parent, row) in rows {
        by_parent.entry(parent).or_default().push(row);
    }
    Ok(by_parent.into_iter().map(|(parent, rows)| (parent, finish(rows, args))).collect())
}

/// Members of a union that SQLite takes (`SQLITE_MAX_COMPOUND_SELECT` is 500).
const UNION_MEMBERS: usize = 400;
/// Parameters of a statement that SQLite takes (`SQLITE_MAX_VARIABLE_NUMBER` is 32,766).
const PARAMETERS: usize = 32_000;

/// One union for as many parents as a statement takes: for a page of parents, that is all of them.
fn unions(
    backend: DbBackend,
    ids: &[Uuid],
    sample: &SelectStatement,
    member: impl Fn(&Uuid) -> SelectStatement,
) -> Vec<SelectStatement> {
    let parameters = statement::written(backend, sample).1.0.len();
    let members = (PARAMETERS / parameters.max(1)).clamp(1, UNION_MEMBERS);
    let union = |ids: &[Uuid]| {
        let mut members = ids.iter().map(&member);
        let mut statement = members.next().unwrap_or_default();
        for member in members {
            statement.union(UnionType::All, member);
        }
        statement
    };
    ids.chunks(members).map(union).collect()
}

/// `select page.* from (…) as page`: a member of a union can't carry its own order and limit.
fn nested(select: SelectStatement) -> SelectStatement {
    Query::select().column(("page".into_iden(), Asterisk)).from_subquery(select, "page").take()
}

/// A page with what is joined with its rows, in its order.
fn completed(
    page: SelectStatement,
    completion: Option<Completion>,
    keyset: Keyset,
    args: &PageArgs,
) -> SelectStatement {
    let Some(complete) = completion else { return page };
    let mut statement = complete(page);
    for i in 0..keyset.keys.len() {
        let key = || format!("k{i}").into_iden();
        statement.expr_as(Expr::col(("page".into_iden(), key())), key());
    }
    order_pages(&mut statement, keyset, args);
    statement
}

/// The same with its parent before it.
fn tagged(parent: Expr, select: SelectStatement) -> SelectStatement {
    Query::select().expr(parent).column(("page".into_iden(), Asterisk)).from_subquery(select, "page").take()
}

fn unnest(ids: &[Uuid]) -> SelectStatement {
    Query::select().expr_as(Func::cust("unnest").arg(uuid_array(ids)), "id").take()
}

/// PostgreSQL promises no order across a lateral join, and nobody across a union.
fn order_pages(statement: &mut SelectStatement, keyset: Keyset, args: &PageArgs) {
    let order = if keyset.descending == args.backward { Order::Asc } else { Order::Desc };
    for i in 0..keyset.keys.len() {
        statement.order_by_expr(Expr::col(("page".into_iden(), format!("k{i}").into_iden())), order.clone());
    }
}

/// How many rows the list has.
pub(crate) async fn count(db: &Db, mut select: SelectStatement) -> Result<i64> {
    select.expr(Func::count(Expr::col(Asterisk)));
    let row = db.rows_with(&select, |columns| columns.next::<i64>()).await?;
    Ok(row.into_iter().next().unwrap_or_default())
}

/// How many rows such a list has.
pub(crate) async fn count_of_few(db: &Db, select: &SelectStatement, few: &Few) -> Result<i64> {
    let [rare, common] = few.parts(db.backend(), select);
    let one = |mut part: SelectStatement| part.expr_as(Expr::val(1), "one").take();
    let found = one(rare).union(UnionType::All, one(common)).take();
    let mut all = Query::select().from_subquery(found, "found").take();
    all.with_cte(few.expression(db.backend()));
    count(db, all).await
}

/// How many rows the lists of several parents have, in one statement.
pub(crate) async fn counts<P>(
    db: &Db,
    parents: &[P],
    parent: (&'static str, &'static str),
    mut select: SelectStatement,
) -> Result<HashMap<P, i64>>
where
    P: Copy + Eq + Hash + Send + Sync + From<Uuid> + Into<Uuid> + 'static,
{
    let column = || Expr::col((parent.0.into_iden(), parent.1.into_iden()));
    let ids: Vec<Uuid> = parents.iter().map(|&id| id.into()).collect();
    let count = || Expr::from(Func::count(Expr::col(Asterisk)));
    let statement = if db.backend() == DbBackend::Postgres {
        // Each list by its own index. All of them at once, PostgreSQL would rather merge indexes and sort.
        let parent = Expr::col(("parent".into_iden(), "id".into_iden()));
        select.expr(count()).and_where(column().eq(parent.clone()));
        Query::select()
            .expr(parent)
            .expr(Expr::from(SubQueryStatement::from(select)))
            .from_subquery(unnest(&ids), "parent")
            .take()
    } else {
        let of_parents = is_one_of(column(), &ids);
        select.expr(column()).expr(count()).and_where(of_parents).add_group_by([column()]);
        select
    };
    let read = |columns: &mut Columns<'_>| Ok((P::from(columns.next::<Uuid>()?), columns.next::<i64>()?));
    let rows = db.rows_with(&statement, read).await?;
    let mut counts: HashMap<P, i64> = parents.iter().map(|&id| (id, 0)).collect();
    counts.extend(rows);
    Ok(counts)
}
