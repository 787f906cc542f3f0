//! How templates look.

mod file;
mod template;
mod variable;
mod version;

pub(crate) use file::File;
pub(crate) use template::{Template, TemplateFilter, TemplateMutation};
pub(crate) use variable::TemplateVariableInput;
pub(crate) use version::TemplateVersion;
