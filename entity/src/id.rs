//! Typed ids. A row keeps a plain UUIDv7; outside it is a [TypeID](https://github.com/jetify-com/typeid): a prefix that
//! names the type, `_`, and the UUID in Crockford base32 (26 characters, sortable), e.g. `org_01h455vb4pex5vsknk084sn02q`.
//! An id of another type never parses.

use sea_orm::prelude::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LENGTH: usize = 26;

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

/// The prefix of a public id, whatever its type: the part before the last `_`.
pub fn prefix(id: &str) -> Option<&str> {
    id.rsplit_once('_').map(|(prefix, _)| prefix)
}

/// The public id of a row whose type is known by its prefix alone.
pub fn public(prefix: &str, uuid: Uuid) -> String {
    encode(prefix, uuid)
}

/// The row's id in a public id of any type; `None` for anything that is no id.
pub fn any(id: &str) -> Option<Uuid> {
    let (prefix, suffix) = id.rsplit_once('_')?;
    let known = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_lowercase());
    if known { decode_suffix(suffix) } else { None }
}

fn encode(prefix: &str, uuid: Uuid) -> String {
    let bits = uuid.as_u128();
    let mut text = String::with_capacity(prefix.len() + 1 + SUFFIX_LENGTH);
    text.push_str(prefix);
    text.push('_');
    for position in (0..SUFFIX_LENGTH).rev() {
        text.push(char::from(ALPHABET[(bits >> (5 * position) & 31) as usize]));
    }
    text
}

fn decode(text: &str, expected: &'static str) -> Result<Uuid, IdError> {
    let suffix = text.strip_prefix(expected).and_then(|rest| rest.strip_prefix('_'));
    suffix.and_then(decode_suffix).ok_or(IdError { prefix: expected })
}

fn decode_suffix(suffix: &str) -> Option<Uuid> {
    if suffix.len() != SUFFIX_LENGTH {
        return None;
    }
    let mut bits: u128 = 0;
    for (position, byte) in suffix.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        // 26 × 5 = 130 bits: the first character carries three.
        if position == 0 && digit > 7 {
            return None;
        }
        bits = bits << 5 | digit as u128;
    }
    Some(Uuid::from_u128(bits))
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
                f.write_str(&encode($prefix, self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&encode($prefix, self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                decode(text, $prefix).map(Self)
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
