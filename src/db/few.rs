//! Lists of which no plan can tell whether they have few rows or many: the statement finds out as it runs (adr/0015).

use sea_orm::DbBackend;
use sea_orm::sea_query::{
    Asterisk, CommonTableExpression, Expr, ExprTrait, Func, JoinType, Query, SelectStatement,
    SubQueryStatement,
};

/// Fewer things than this are looked up and sorted. Where there are more, a list is walked along its order: a page is soon
/// full.
const FEW: u64 = 1000;

/// What a list is of: the things with these ids. `few` are the first of them, up to [`FEW`]. Are they fewer, then they are all,
/// and looked up; and otherwise the list is walked. The part that is not needed reads nothing.
pub(crate) struct Few {
    table: &'static str,
    alias: &'static str,
    ids: Box<dyn Fn(DbBackend) -> SelectStatement + Send + Sync>,
}

impl Few {
    /// Rows of a table, which a statement names as the second says. `ids` selects their ids, in no order, and may do so more than
    /// once. How many they are decides how the list is read, and may be told by the time that takes.
    pub(crate) fn new(
        (table, alias): (&'static str, &'static str),
        ids: impl Fn(DbBackend) -> SelectStatement + Send + Sync + 'static,
    ) -> Self {
        Self { table, alias, ids: Box::new(ids) }
    }

    /// `few`, with which the statement begins that has the parts.
    pub(super) fn expression(&self, backend: DbBackend) -> CommonTableExpression {
        let few = (self.ids)(backend).limit(FEW).take();
        let mut named = CommonTableExpression::new();
        named.table_name("few").query(few).materialized(true).to_owned()
    }

    /// The rows of a statement in two parts, one of which is empty.
    pub(super) fn parts(&self, backend: DbBackend, select: &SelectStatement) -> [SelectStatement; 2] {
        let counted = Query::select().expr(Func::count(Expr::col(Asterisk))).from("few").take();
        let counted = || Expr::from(SubQueryStatement::from(counted.clone()));
        let id = Expr::col((self.alias, "id"));
        let all = Query::select().column("id").from("few").and_where(counted().lt(FEW)).take();
        let (mut rare, mut common) = (select.clone(), select.clone());
        if backend == DbBackend::Postgres {
            // As an array, for which it looks up rows: what it expects of `in`, it may rather read a table of users for.
            let ids = Func::cust("array").arg(SubQueryStatement::from(all));
            rare.and_where(id.eq(Func::cust("any").arg(ids)));
            common.and_where(counted().gte(FEW));
        } else {
            rare.and_where(id.in_subquery(all));
            // SQLite would ask that of each row that it has read. A row that is looked up by a unique index comes before all
            // others, and leaves the order to them.
            let last = Query::select().column("id").from("few").limit(1).offset(FEW - 1).take();
            let there_is = Expr::col(("gate", "id")).eq(SubQueryStatement::from(last));
            common.join_as(JoinType::InnerJoin, self.table, "gate", there_is);
        }
        [rare, common]
    }
}
