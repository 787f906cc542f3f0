//! What a template's module declares, read from its files without running anything.
//!
//! Both syntaxes of Terraform are read, `*.tf` and `*.tf.json`, and override files are merged over what they
//! override. Only the root of the module counts: its variables are the template's parameters, of which the manifest
//! `guildhall.toml` may say more.

mod error;
mod hcl;
mod json;
mod manifest;
mod rule;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::error::ModuleError;
pub use self::manifest::MANIFEST;
pub use self::rule::Rule;
pub use self::value::parse as parse_value;
use crate::engine::Resource;

/// Declared by a template that wants to know the workspace it builds; never a parameter.
pub const RESERVED_VARIABLE: &str = "workspace";
/// Name of the file that replaces the module's own backend.
pub const BACKEND_FILE: &str = "zz_guildhall_override.tf";
/// One file of a module; longer ones are data, not configuration.
const MAX_FILE: u64 = 4 * 1024 * 1024;
const MAX_README: usize = 256 * 1024;

/// A module as far as Guildhall looks into it.
#[derive(Debug, Default, PartialEq)]
pub struct Module {
    /// In the order of their declaration, file by file.
    pub variables: Vec<Variable>,
    /// Whether it declares [`RESERVED_VARIABLE`].
    pub wants_workspace: bool,
    /// `resource` blocks of the root, one each whatever their `count`.
    pub resources: Vec<Resource>,
    /// Text of the readme; empty if there is none.
    pub readme: String,
}

/// A `variable` block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variable {
    /// Label of the block.
    pub name: String,
    /// Type expression as written, e.g. `list(string)`; `None` if there is none, which admits anything.
    pub type_expression: Option<String>,
    /// Empty if there is none.
    pub description: String,
    /// `None` = required; `null` is a default like others.
    pub default: Option<Value>,
    /// The value must not be shown.
    pub sensitive: bool,
    /// `null` is accepted; Terraform's own default is yes.
    pub nullable: bool,
    /// The value is for one build: kept in no plan or state, or said so by the manifest.
    pub ephemeral: bool,
    /// `validation` blocks in order.
    pub validations: Vec<Validation>,
    /// From the manifest, as what follows; empty if there is none.
    pub display_name: String,
    /// Empty if there is none.
    pub icon: String,
    /// Place in forms and lists.
    pub order: Option<i32>,
    /// Stays as it was when the workspace was made.
    pub immutable: bool,
}

/// A `validation` block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Validation {
    /// Expression as written.
    pub condition: String,
    /// What to tell who broke it.
    pub error_message: String,
    /// What of the condition can be told without Terraform.
    pub rules: Vec<Rule>,
}

/// A `variable` block as written: what is absent is not yet decided, because an override may come.
#[derive(Debug, Default)]
struct VariableBlock {
    name: String,
    place: Place,
    type_expression: Option<String>,
    description: Option<String>,
    default: Option<Value>,
    sensitive: Option<bool>,
    nullable: Option<bool>,
    ephemeral: Option<bool>,
    validations: Vec<Validation>,
}

/// Where something stands, for messages; prints as `main.tf:12`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the file.
    pub file: String,
    /// One-based; `None` in JSON.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(out, ":{line}"))
    }
}

/// What one file declares.
#[derive(Debug, Default)]
struct Declarations {
    variables: Vec<VariableBlock>,
    resources: Vec<Resource>,
    /// `backend` or `cloud`, if the file says where state goes.
    backend: Option<&'static str>,
}

impl Module {
    /// Reads the module whose root is `folder`. Blocks: asynchronous callers use `spawn_blocking`.
    ///
    /// # Errors
    /// The folder holds no configuration, or some that can't be used; see [`ModuleError`].
    pub fn read(folder: &Path) -> Result<Self, ModuleError> {
        let files = Files::list(folder)?;
        if files.primary.is_empty() {
            return Err(ModuleError::NoConfiguration);
        }
        let mut blocks: Vec<VariableBlock> = Vec::new();
        let mut positions: BTreeMap<String, usize> = BTreeMap::new();
        let mut module = Self { readme: files.readme()?, ..Self::default() };
        for file in &files.primary {
            let declared = read_file(file)?;
            for block in declared.variables {
                if let Some(first) = positions.insert(block.name.clone(), blocks.len()) {
                    return Err(ModuleError::duplicate(&block, &blocks[first]));
                }
                blocks.push(block);
            }
            module.resources.extend(declared.resources);
        }
        for file in &files.overrides {
            let declared = read_file(file)?;
            // Terraform lets the last override win. One that comes after ours would send the state elsewhere.
            if let Some(block) = declared.backend
                && name_of(file).as_str() > BACKEND_FILE
            {
                return Err(ModuleError::Backend { file: name_of(file), block });
            }
            for block in declared.variables {
                let Some(&position) = positions.get(&block.name) else {
                    return Err(ModuleError::nothing_to_override(&block));
                };
                blocks[position].merge(block);
            }
        }
        module.wants_workspace = positions.contains_key(RESERVED_VARIABLE);
        module.variables = blocks
            .into_iter()
            .filter(|block| block.name != RESERVED_VARIABLE)
            .map(VariableBlock::finish)
            .collect();
        manifest::read(folder, &mut module.variables)?;
        Ok(module)
    }

    /// The names of the variables that have no default.
    #[must_use]
    pub fn required(&self) -> Vec<&str> {
        self.variables
            .iter()
            .filter(|variable| variable.default.is_none())
            .map(|variable| variable.name.as_str())
            .collect()
    }
}

impl VariableBlock {
    fn merge(&mut self, over: Self) {
        self.type_expression = over.type_expression.or(self.type_expression.take());
        self.description = over.description.or(self.description.take());
        self.default = over.default.or(self.default.take());
        self.sensitive = over.sensitive.or(self.sensitive);
        self.nullable = over.nullable.or(self.nullable);
        self.ephemeral = over.ephemeral.or(self.ephemeral);
        if !over.validations.is_empty() {
            self.validations = over.validations;
        }
    }

    fn finish(self) -> Variable {
        let mut validations = self.validations;
        for validation in &mut validations {
            validation.rules = rule::understand(&self.name, &validation.condition);
        }
        Variable {
            name: self.name,
            type_expression: self.type_expression,
            description: self.description.unwrap_or_default(),
            default: self.default,
            sensitive: self.sensitive.unwrap_or(false),
            nullable: self.nullable.unwrap_or(true),
            ephemeral: self.ephemeral.unwrap_or(false),
            validations,
            ..Variable::default()
        }
    }
}

/// The files of a module's root in the order Terraform reads them.
struct Files {
    primary: Vec<PathBuf>,
    overrides: Vec<PathBuf>,
    readme: Option<PathBuf>,
}

impl Files {
    fn list(folder: &Path) -> Result<Self, ModuleError> {
        let mut names = Vec::new();
        let io = |source| ModuleError::Io { file: folder.display().to_string(), source };
        for entry in fs::read_dir(folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            if entry.file_type().map_err(io)?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        let mut files = Self { primary: Vec::new(), overrides: Vec::new(), readme: None };
        for name in names {
            if name.eq_ignore_ascii_case("readme.md") {
                files.readme = Some(folder.join(&name));
            }
            // What editors leave behind is not configuration; Terraform ignores the same names.
            let ignored = name.starts_with('.') || name.starts_with('#') || name == BACKEND_FILE;
            let Some(stem) = name.strip_suffix(".tf").or_else(|| name.strip_suffix(".tf.json")) else {
                continue;
            };
            match stem == "override" || stem.ends_with("_override") {
                _ if ignored => {}
                true => files.overrides.push(folder.join(&name)),
                false => files.primary.push(folder.join(&name)),
            }
        }
        Ok(files)
    }

    fn readme(&self) -> Result<String, ModuleError> {
        let Some(path) = &self.readme else { return Ok(String::new()) };
        let bytes = fs::read(path).map_err(|source| ModuleError::Io { file: name_of(path), source })?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if text.len() > MAX_README {
            text.truncate(text.floor_char_boundary(MAX_README));
            text.push_str("\n\n…");
        }
        Ok(text)
    }
}

fn read_file(path: &Path) -> Result<Declarations, ModuleError> {
    let file = name_of(path);
    let io = |source| ModuleError::Io { file: file.clone(), source };
    let size = fs::metadata(path).map_err(io)?.len();
    if size > MAX_FILE {
        return Err(ModuleError::TooLarge { file, size, limit: MAX_FILE });
    }
    let bytes = fs::read(path).map_err(io)?;
    let Ok(text) = String::from_utf8(bytes) else { return Err(ModuleError::NotText { file }) };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if file.ends_with(".json") { json::read(&file, text) } else { hcl::read(&file, text) }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
