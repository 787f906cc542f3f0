//! What the JSON columns hold.

use std::collections::BTreeMap;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

/// Names of roles or permissions, without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Names(pub Vec<String>);

/// Tags of a provisioner key, daemon or job: name → value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Tags(pub BTreeMap<String, String>);

/// What a daemon can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Engine {
    /// Terraform or OpenTofu.
    Terraform,
    /// Runs nothing.
    Echo,
}

/// The engines of a daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Engines(pub Vec<Engine>);

/// The variables of a template version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Variables(pub Vec<Variable>);

/// A `variable` block of a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Terraform type expression, e.g. `list(string)`.
    pub r#type: String,
    /// What the author says of it.
    pub description: String,
    /// Its default; `Some(null)` is a default of null.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default: Option<serde_json::Value>,
    /// No default: a value must be given.
    pub required: bool,
    /// Never shown, logged or returned.
    pub sensitive: bool,
    /// Null is a value.
    pub nullable: bool,
    /// For one build alone: by Terraform's `ephemeral`, or by the manifest.
    pub ephemeral: bool,
    /// Conditions, as written.
    pub validations: Vec<Validation>,
    /// Its name as people read it; empty where the manifest gives none.
    #[serde(default)]
    pub display_name: String,
    /// Emoji, URL or site path; may be empty.
    #[serde(default)]
    pub icon: String,
    /// Its place among the parameters; those without one come last.
    #[serde(default)]
    pub order: Option<i32>,
    /// Stays as it was when the workspace was made.
    #[serde(default)]
    pub immutable: bool,
}

/// Tells an absent member from null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

/// A `validation` block of a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The expression.
    pub condition: String,
    /// What to tell a person when it is false.
    pub error_message: String,
    /// What of the condition can be told without Terraform.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// A rule for the values of a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// It is one of these.
    OneOf(Vec<serde_json::Value>),
    /// A number that is not less.
    AtLeast(f64),
    /// A number that is more.
    MoreThan(f64),
    /// A number that is not more.
    AtMost(f64),
    /// A number that is less.
    LessThan(f64),
    /// A number without a fraction.
    Whole,
    /// A text of at least so many characters, or a collection of so many entries.
    LengthAtLeast(u32),
    /// The same the other way round.
    LengthAtMost(u32),
    /// A text in which the regular expression matches somewhere.
    Pattern(String),
}

/// The parameters of a build. The values of sensitive ones are sealed in a column of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Parameters(pub Vec<Parameter>);

/// A value given for a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The variable.
    pub name: String,
    /// Its value as text; `None` where it is sealed.
    pub value: Option<String>,
}

/// What a build left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Resources(pub Vec<Resource>);

/// A managed resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Terraform address.
    pub address: String,
    /// Terraform type.
    pub r#type: String,
    /// Its name in the module.
    pub name: String,
}

/// The apps of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Apps(pub Vec<App>);

/// An entry of the output `apps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// What a person reads.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Emoji, URL or site path; may be empty.
    pub icon: String,
}

/// The metadata of a workspace, in the order of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Metadata(pub BTreeMap<String, String>);

/// Why a quota stopped a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct QuotaRefusal {
    /// Whose budget it was.
    pub scope: QuotaScope,
    /// Credits a day that may be used.
    pub budget: i64,
    /// Credits a day that the other workspaces use.
    pub used: i64,
    /// Credits a day that the build would have cost.
    pub cost: i32,
}

/// Whose budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotaScope {
    /// The owner's, from their groups.
    Member,
    /// The organization's cap.
    Organization,
}
