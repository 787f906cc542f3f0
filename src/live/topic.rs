//! What a subscription is about: the same question asked of a record in memory and, on the way back from a cursor, of rows.

use guildhall_entity::event::Column;
use guildhall_entity::id::OrganizationId;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};

use crate::authz::Resource;
use crate::events::{Kind, Record};

/// What a subscription is about: all of these together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topic {
    /// Only in this organization.
    pub(crate) organization: Option<OrganizationId>,
    /// Only things of this type, by the prefix of their ids.
    pub(crate) prefix: Option<&'static str>,
    /// Only this thing.
    pub(crate) subject: Option<Uuid>,
    /// Only these kinds of things; all where there is none.
    pub(crate) resources: Vec<Resource>,
    /// What the audit log tells of, instead of what became of things.
    pub(crate) audit: bool,
}

impl Topic {
    /// Whether a record is about it.
    pub(super) fn concerns(&self, record: &Record) -> bool {
        let told = if self.audit { record.audit.is_some() } else { record.kind.is_some() };
        told && self.organization.is_none_or(|id| record.organization == Some(id))
            && (self.is_told_of(record) || self.ends_with(record))
    }

    /// Whether a record that it concerns is of the things that it is about: else it is only its end.
    pub(super) fn is_told_of(&self, record: &Record) -> bool {
        self.prefix.is_none_or(|prefix| record.prefix == prefix)
            && self.subject.is_none_or(|id| record.subject == Some(id))
            && (self.resources.is_empty() || record.resource.is_some_and(|one| self.resources.contains(&one)))
    }

    /// Whether with a record that it concerns there is nothing more to tell: what it is about is gone, or the organization of
    /// that.
    pub(super) fn ends_with(&self, record: &Record) -> bool {
        let named = [self.subject, self.organization.map(|id| id.0)];
        record.kind == Some(Kind::Deleted) && record.subject.is_some() && named.contains(&record.subject)
    }

    /// The same, of rows.
    pub(super) fn condition(&self) -> Condition {
        let told = if self.audit { Column::AuditLogId } else { Column::Kind };
        let mut all = Condition::all().add(Expr::col(told).is_not_null());
        let mut things = Condition::all();
        if let Some(prefix) = self.prefix {
            things = things.add(Expr::col(Column::SubjectPrefix).eq(prefix));
        }
        if let Some(id) = self.subject {
            things = things.add(Expr::col(Column::SubjectId).eq(id));
        }
        if !self.resources.is_empty() {
            let names = self.resources.iter().map(|resource| resource.as_str());
            things = things.add(Expr::col(Column::Resource).is_in(names));
        }
        let Some(id) = self.organization else { return all.add(things) };
        all = all.add(Expr::col(Column::OrganizationId).eq(id));
        if things.is_empty() {
            return all;
        }
        let end =
            Expr::col(Column::SubjectId).eq(id.0).and(Expr::col(Column::Kind).eq(Kind::Deleted.as_str()));
        all.add(Condition::any().add(things).add(end))
    }
}
