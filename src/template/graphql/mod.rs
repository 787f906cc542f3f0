//! How templates look.

mod change;
mod file;
mod settings;
mod template;
mod variable;
mod version;

pub(crate) use change::TemplateChangeMutation;
pub(crate) use file::File;
use settings::TemplateSettings;
pub(crate) use template::{Template, TemplateFilter, TemplateMutation};
pub(crate) use variable::TemplateVariableInput;
pub(crate) use version::TemplateVersion;
