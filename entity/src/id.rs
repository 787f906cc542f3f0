//! Typed ids. A row keeps a plain UUIDv7; outside it is a [TypeID](https://github.com/jetify-com/typeid): a prefix that
//! names the type, `_`, and the UUID in Crockford base32 (26 characters, sortable), e.g. `org_01h455vb4pex5vsknk084sn02q`.
//! An id of another type never parses.

use sea_orm::prelude::Uuid;

use crate::typeid::decode;
pub use crate::typeid::{any, prefix, public};

/// Why a text is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that starts with `{prefix}_` followed by 26 characters")]
pub struct IdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

/// An id with a type of its own.
pub trait TypedId: Copy + Eq + std::fmt::Display + std::str::FromStr<Err = IdError> {
    /// The text before the `_`.
    const PREFIX: &'static str;

    /// The id of the row.
    fn uuid(self) -> Uuid;
}

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::DeriveValueType)]
        pub struct $name(pub Uuid);

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }


        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;

            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&public($prefix, self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&public($prefix, self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                decode(text, $prefix).map(Self).ok_or(IdError { prefix: $prefix })
            }
        }
    )*};
}

typed_id! {
    /// An organization.
    OrganizationId = "org",
    /// A user.
    UserId = "usr",
    /// A group. The Everyone group has the UUID of its organization.
    GroupId = "grp",
    /// A role. Built-in ones have ids made from those of their organizations.
    RoleId = "role",
    /// A sign-in.
    SessionId = "ses",
    /// An API token.
    ApiTokenId = "atok",
    /// A provisioner key.
    ProvisionerKeyId = "pkey",
    /// A provisioner daemon.
    ProvisionerDaemonId = "pdmn",
    /// A provisioner job.
    ProvisionerJobId = "job",
    /// An uploaded file.
    FileId = "file",
    /// A template.
    TemplateId = "tpl",
    /// A template version.
    TemplateVersionId = "tver",
    /// A dry run of a template version.
    TemplateDryRunId = "tdry",
    /// An entry of a template's access list; has no public face.
    TemplateAclId = "tacl",
    /// A workspace.
    WorkspaceId = "wks",
    /// A workspace build.
    WorkspaceBuildId = "bld",
    /// An entry of the audit log.
    AuditLogId = "aud",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_typeid_specification_round_trips() {
        let uuid = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").expect("a constant UUID");
        let id = OrganizationId(uuid);
        assert_eq!(id.to_string(), "org_01h455vb4pex5vsknk084sn02q");
        assert_eq!("org_01h455vb4pex5vsknk084sn02q".parse(), Ok(id));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "org",
            "org_",
            "usr_01h455vb4pex5vsknk084sn02q",
            "org_01h455vb4pex5vsknk084sn02",
            "org_01h455vb4pex5vsknk084sn02qq",
            "org_81h455vb4pex5vsknk084sn02q",
            "org_01H455VB4PEX5VSKNK084SN02Q",
            "org_01h455vb4pex5vsknk084sn02é",
            "org_u1h455vb4pex5vsknk084sn02q",
        ] {
            assert_eq!(text.parse::<OrganizationId>(), Err(IdError { prefix: "org" }), "{text:?}");
        }
    }
}
