//! How templates look.

mod access;
mod change;
mod compare;
mod dry_run;
mod file;
mod mutation;
mod parameter;
mod settings;
mod template;
mod variable;
mod version;
mod version_change;

pub(crate) use access::{GroupTemplateAccess, GroupTemplateFilter, TemplateAccessMutation, TemplateRole};
pub(crate) use change::TemplateChangeMutation;
pub(crate) use compare::ComparisonQuery;
pub(crate) use dry_run::{DryRunMutation, TemplateVersionDryRun};
pub(crate) use file::File;
pub(crate) use mutation::TemplateMutation;
use settings::TemplateSettings;
pub(crate) use template::{Template, TemplateFilter, TemplateQuery};
pub(crate) use variable::TemplateVariableInput;
pub(crate) use version::TemplateVersion;
pub(crate) use version_change::TemplateVersionChangeMutation;
