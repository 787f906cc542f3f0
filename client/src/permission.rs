//! Words of the API that people type: permissions, kinds of things, and what is done to them.
//!
//! They are kept as texts, because the lists grow with the server, so an answer of a newer one is understood. The lists
//! here are those of `schema.graphql`; a test compares them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schema;

macro_rules! word {
    ($($(#[$doc:meta])* $name:ident: $($known:literal)*;)*) => {$(
        $(#[$doc])*
        #[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Those that this client knows, in the order of the schema.
            pub const KNOWN: &'static [&'static str] = &[$($known),*];
        }

        impl cynic::Enum for $name {
            type SchemaType = schema::$name;
        }
        cynic::impl_coercions!($name, schema::$name);

        impl schema::variable::Variable for $name {
            const TYPE: cynic::variables::VariableType =
                cynic::variables::VariableType::Named(stringify!($name));
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

word! {
    /// A resource and an action, e.g. `WORKSPACE_CREATE`.
    Permission:
        "AUDIT_LOG_READ"
        "DEPLOYMENT_SETTINGS_READ"
        "DEPLOYMENT_SETTINGS_UPDATE"
        "GROUP_CREATE"
        "GROUP_DELETE"
        "GROUP_READ"
        "GROUP_READ_MEMBERS"
        "GROUP_UPDATE"
        "IDP_SYNC_READ"
        "IDP_SYNC_UPDATE"
        "MEMBER_CREATE"
        "MEMBER_DELETE"
        "MEMBER_READ"
        "MEMBER_READ_CONTACT"
        "MEMBER_UPDATE"
        "ORGANIZATION_CREATE"
        "ORGANIZATION_DELETE"
        "ORGANIZATION_READ"
        "ORGANIZATION_UPDATE"
        "PROVISIONER_DAEMON_DELETE"
        "PROVISIONER_DAEMON_READ"
        "PROVISIONER_DAEMON_SERVE"
        "PROVISIONER_DAEMON_UPDATE"
        "PROVISIONER_JOB_CANCEL"
        "PROVISIONER_JOB_READ"
        "PROVISIONER_KEY_CREATE"
        "PROVISIONER_KEY_DELETE"
        "PROVISIONER_KEY_READ"
        "PROVISIONER_KEY_UPDATE"
        "QUOTA_READ"
        "QUOTA_UPDATE"
        "ROLE_ASSIGN"
        "ROLE_CREATE"
        "ROLE_DELETE"
        "ROLE_READ"
        "ROLE_UPDATE"
        "TEMPLATE_CREATE"
        "TEMPLATE_DELETE"
        "TEMPLATE_INSIGHTS"
        "TEMPLATE_READ"
        "TEMPLATE_UPDATE"
        "TEMPLATE_USE"
        "TOKEN_CREATE"
        "TOKEN_DELETE"
        "TOKEN_READ"
        "USER_CREATE"
        "USER_DELETE"
        "USER_READ"
        "USER_READ_CONTACT"
        "USER_UPDATE"
        "WORKSPACE_CREATE"
        "WORKSPACE_DELETE"
        "WORKSPACE_MANAGE_STATE"
        "WORKSPACE_READ"
        "WORKSPACE_START"
        "WORKSPACE_STOP"
        "WORKSPACE_UPDATE";
    /// A kind of thing, e.g. `TEMPLATE`.
    Resource:
        "AUDIT_LOG"
        "DEPLOYMENT_SETTINGS"
        "GROUP"
        "IDP_SYNC"
        "MEMBER"
        "ORGANIZATION"
        "PROVISIONER_DAEMON"
        "PROVISIONER_JOB"
        "PROVISIONER_KEY"
        "QUOTA"
        "ROLE"
        "TEMPLATE"
        "TOKEN"
        "USER"
        "WORKSPACE";
    /// What was done, e.g. `CREATE`.
    AuditAction: "CANCEL" "CREATE" "DELETE" "DOWNLOAD" "RESTART" "SIGN_IN" "SIGN_OUT" "START" "STOP" "UPDATE";
    /// What became of it.
    AuditStatus: "DENIED" "FAILURE" "SUCCESS";
}

impl Permission {
    /// Its resource and its action; `None` for one of a resource that this client does not know.
    #[must_use]
    pub fn parts(&self) -> Option<(&str, &str)> {
        // No resource is the beginning of another, up to an underscore.
        Resource::KNOWN.iter().find_map(|resource| {
            let action = self.0.strip_prefix(resource)?.strip_prefix('_')?;
            Some((&self.0[..resource.len()], action))
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    /// The values of an enumeration of the schema.
    fn values(name: &str) -> Vec<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql");
        let schema = std::fs::read_to_string(path).unwrap();
        let (_, rest) = schema.split_once(&format!("\nenum {name} {{\n")).unwrap();
        let (body, _) = rest.split_once("\n}").unwrap();
        // Descriptions stand between lines of quotes.
        let mut inside = false;
        let lines = body.lines().filter(|line| {
            let quotes = line.trim() == "\"\"\"";
            inside ^= quotes;
            !inside && !quotes
        });
        lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn the_words_are_those_of_the_schema() {
        assert_eq!(Permission::KNOWN, values("Permission"));
        assert_eq!(Resource::KNOWN, values("Resource"));
        assert_eq!(AuditAction::KNOWN, values("AuditAction"));
        assert_eq!(AuditStatus::KNOWN, values("AuditStatus"));
    }

    #[test]
    fn every_permission_is_a_resource_and_an_action() {
        for word in Permission::KNOWN {
            let permission = Permission((*word).to_owned());
            let (resource, action) = permission.parts().unwrap_or_else(|| panic!("{word}"));
            assert_eq!(format!("{resource}_{action}"), *word);
            let longer =
                Resource::KNOWN.iter().any(|one| one.len() > resource.len() && word.starts_with(one));
            assert!(!longer, "{word} is of two resources");
        }
        assert_eq!(Permission("PIGEON_FLY".to_owned()).parts(), None);
    }
}
