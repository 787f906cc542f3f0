//! What a subscription is about: the same question asked of a record in memory and, on the way back from a cursor, of rows.

use guildhall_entity::event::Column;
use guildhall_entity::id::OrganizationId;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};

use crate::authz::Resource;
use crate::events::Record;

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
            && self.prefix.is_none_or(|prefix| record.prefix == prefix)
            && self.subject.is_none_or(|id| record.subject == Some(id))
            && (self.resources.is_empty() || record.resource.is_some_and(|one| self.resources.contains(&one)))
    }

    /// The same, of rows.
    pub(super) fn condition(&self) -> Condition {
        let told = if self.audit { Column::AuditLogId } else { Column::Kind };
        let mut all = Condition::all().add(Expr::col(told).is_not_null());
        if let Some(id) = self.organization {
            all = all.add(Expr::col(Column::OrganizationId).eq(id));
        }
        if let Some(prefix) = self.prefix {
            all = all.add(Expr::col(Column::SubjectPrefix).eq(prefix));
        }
        if let Some(id) = self.subject {
            all = all.add(Expr::col(Column::SubjectId).eq(id));
        }
        if !self.resources.is_empty() {
            let names = self.resources.iter().map(|resource| resource.as_str());
            all = all.add(Expr::col(Column::Resource).is_in(names));
        }
        all
    }
}
