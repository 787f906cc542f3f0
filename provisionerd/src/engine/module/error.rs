use super::{Place, VariableBlock};

/// Why a module can't be used. Every message names the file, and the line where there is one.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// There is nothing to run.
    #[error(
        "the archive holds no Terraform module: there is no `*.tf` or `*.tf.json` file at its root. \
         Push the folder that holds them, not one above it"
    )]
    NoConfiguration,
    /// A file is not valid HCL or JSON.
    #[error("{file}:{line}:{column}: {message}\n  {line} | {source_line}")]
    Syntax {
        /// Name of the file.
        file: String,
        /// One-based.
        line: usize,
        /// One-based, in characters.
        column: usize,
        /// What was expected.
        message: String,
        /// The line as it stands there, cut to a readable length.
        source_line: String,
    },
    /// A block is there, but not as Terraform wants it.
    #[error("{place}: {message}")]
    Block {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        message: String,
    },
    /// An override file takes the state away from Guildhall.
    #[error(
        "{file} declares a `{block}` block that would overrule the backend in which Guildhall keeps the state: \
         remove the block"
    )]
    Backend {
        /// Name of the file.
        file: String,
        /// `backend` or `cloud`.
        block: &'static str,
    },
    /// A file is not UTF-8.
    #[error("{file} is not UTF-8 text: save it as UTF-8")]
    NotText {
        /// Name of the file.
        file: String,
    },
    /// A file is larger than configuration ever is.
    #[error("{file} has {size} bytes; {limit} are accepted in one file of configuration")]
    TooLarge {
        /// Name of the file.
        file: String,
        /// Bytes.
        size: u64,
        /// Most bytes.
        limit: u64,
    },
    /// A file could not be read.
    #[error("{file}: {source}")]
    Io {
        /// Name of the file.
        file: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

impl ModuleError {
    pub(super) fn duplicate(second: &VariableBlock, first: &VariableBlock) -> Self {
        let message = format!("variable `{}` is declared twice; first at {}", second.name, first.place);
        Self::Block { place: second.place.clone(), message }
    }

    pub(super) fn nothing_to_override(block: &VariableBlock) -> Self {
        let message = format!("there is no variable `{}` to override", block.name);
        Self::Block { place: block.place.clone(), message }
    }
}
