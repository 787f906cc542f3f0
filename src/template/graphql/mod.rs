//! How templates look.

mod change;
mod compare;
mod dry_run;
mod file;
mod parameter;
mod settings;
mod template;
mod variable;
mod version;
mod version_change;

pub(crate) use change::TemplateChangeMutation;
pub(crate) use compare::TemplateQuery;
pub(crate) use dry_run::{DryRunMutation, TemplateVersionDryRun};
pub(crate) use file::File;
use settings::TemplateSettings;
pub(crate) use template::{Template, TemplateFilter, TemplateMutation};
pub(crate) use variable::TemplateVariableInput;
pub(crate) use version::TemplateVersion;
pub(crate) use version_change::TemplateVersionChangeMutation;
