//! `guildhall.toml`: what a template says of its parameters beyond Terraform's language.
//!
//! ```toml
//! [parameters.region]
//! display_name = "Region"   # for people
//! icon         = "🌍"       # an emoji, an https: URL or a site path
//! order        = 1          # smaller ones first
//! immutable    = true       # stays as it was when the workspace was made
//!
//! [parameters.code]
//! ephemeral    = true       # for one build: not taken over by the next; needs a default
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{ModuleError, Place, Variable};
use guildhall_link as link;

/// Name of the file.
pub const MANIFEST: &str = "guildhall.toml";
const MAX_SIZE: u64 = 64 * 1024;
const MAX_DISPLAY_NAME: usize = 64;
const SHOWN_LINE: usize = 160;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(default)]
    parameters: BTreeMap<Spanned<String>, Spanned<Parameter>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameter {
    display_name: Option<Spanned<String>>,
    icon: Option<Spanned<String>>,
    order: Option<Spanned<i64>>,
    immutable: bool,
    ephemeral: bool,
}

/// Reads the manifest in `folder`, if there is one, into the variables that it speaks of.
///
/// # Errors
/// With the line, for what is not TOML, not known, or breaks a rule.
pub(super) fn read(folder: &Path, variables: &mut [Variable]) -> Result<(), ModuleError> {
    let path = folder.join(MANIFEST);
    let file = || MANIFEST.to_owned();
    let size = match fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() => found.len(),
        _ => return Ok(()),
    };
    if size > MAX_SIZE {
        return Err(ModuleError::TooLarge { file: file(), size, limit: MAX_SIZE });
    }
    let bytes = fs::read(&path).map_err(|source| ModuleError::Io { file: file(), source })?;
    let text = String::from_utf8(bytes).map_err(|_| ModuleError::NotText { file: file() })?;
    apply(&text, variables)
}

fn apply(text: &str, variables: &mut [Variable]) -> Result<(), ModuleError> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| syntax(text, &error))?;
    for (name, parameter) in manifest.parameters {
        let refuse = |span: Range<usize>, message: String| ModuleError::Block {
            place: Place { file: MANIFEST.to_owned(), line: Some(line_of(text, span.start)) },
            message,
        };
        let known = variables.iter().map(|variable| variable.name.as_str()).collect::<Vec<_>>().join(", ");
        let Some(variable) = variables.iter_mut().find(|variable| variable.name == *name.get_ref()) else {
            let message = format!("the module has no variable `{}`; it has {known}", name.get_ref());
            return Err(refuse(name.span(), message));
        };
        let parameter = parameter.into_inner();
        if parameter.immutable && (parameter.ephemeral || variable.ephemeral) {
            let message =
                format!("`{}` can't be both immutable and ephemeral: nothing of it is kept", variable.name);
            return Err(refuse(name.span(), message));
        }
        if parameter.ephemeral && variable.default.is_none() {
            let message =
                format!("`{}` needs a default to be ephemeral: for builds without a value", variable.name);
            return Err(refuse(name.span(), message));
        }
        if let Some(text) = parameter.display_name {
            variable.display_name = display_name(text.get_ref()).map_err(|why| refuse(text.span(), why))?;
        }
        if let Some(text) = parameter.icon {
            variable.icon = icon(text.get_ref()).map_err(|why| refuse(text.span(), why))?;
        }
        if let Some(order) = parameter.order {
            let number = i32::try_from(*order.get_ref());
            let why = |_| refuse(order.span(), "`order` is a whole number of 32 bits".to_owned());
            variable.order = Some(number.map_err(why)?);
        }
        variable.immutable = parameter.immutable;
        variable.ephemeral |= parameter.ephemeral;
    }
    Ok(())
}

fn display_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length > MAX_DISPLAY_NAME || text.chars().any(char::is_control) {
        return Err(format!(
            "`display_name` has at most {MAX_DISPLAY_NAME} characters, all of them printable; got {length}"
        ));
    }
    Ok(text.to_owned())
}

fn icon(text: &str) -> Result<String, String> {
    link::icon(text).map(str::to_owned).ok_or_else(|| format!("`icon` is {}", link::ICON))
}

fn syntax(text: &str, error: &toml::de::Error) -> ModuleError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = line_of(text, start);
    ModuleError::Syntax {
        file: MANIFEST.to_owned(),
        line,
        column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
        message: error.message().to_owned(),
        source_line: text.lines().nth(line - 1).unwrap_or_default().chars().take(SHOWN_LINE).collect(),
    }
}

/// One-based.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::{Variable, apply};

    fn variables() -> Vec<Variable> {
        let named = |name: &str| Variable {
            name: name.to_owned(),
            default: (name == "code").then(|| "".into()),
            ..Variable::default()
        };
        vec![named("region"), named("code")]
    }

    #[test]
    fn a_manifest_adds_to_the_variables() {
        let mut variables = variables();
        let text = "[parameters.region]\ndisplay_name = \" Region \"\nicon = \"🌍\"\norder = -1\nimmutable = true\n\n\
                    [parameters.code]\nephemeral = true\n";
        apply(text, &mut variables).unwrap();
        let [region, code] = variables.as_slice() else { panic!("{variables:?}") };
        assert_eq!((region.display_name.as_str(), region.icon.as_str()), ("Region", "🌍"));
        assert_eq!((region.order, region.immutable, region.ephemeral), (Some(-1), true, false));
        assert_eq!((code.order, code.immutable, code.ephemeral), (None, false, true));
        apply("", &mut variables).unwrap();
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let long = format!("[parameters.code]\ndisplay_name = \"{}\"", "x".repeat(65));
        for (text, place, why) in [
            ("parameters = 1", "guildhall.toml:1:", "invalid type"),
            ("\n[parameters.region", "guildhall.toml:2:", ""),
            ("\n\n[parameter.region]\n", "guildhall.toml:3:", "unknown field `parameter`"),
            ("[parameters.region]\nimmutabel = true", "guildhall.toml:2:", "unknown field `immutabel`"),
            ("[parameters.region]\nimmutable = \"yes\"", "guildhall.toml:2:", "invalid type"),
            (
                "[parameters.region]\norder = 1\n[parameters.zone]\n",
                "guildhall.toml:3:",
                "no variable `zone`; it has region, code",
            ),
            ("[parameters.region]\norder = 9999999999", "guildhall.toml:2:", "32 bits"),
            ("[parameters.region]\n\nicon = \"javascript:x\"", "guildhall.toml:3:", "https:"),
            ("[parameters.region]\nephemeral = true", "guildhall.toml:1:", "needs a default"),
            ("[parameters.code]\nimmutable = true\nephemeral = true", "guildhall.toml:1:", "both"),
            (long.as_str(), "guildhall.toml:2:", "at most 64"),
        ] {
            let told = apply(text, &mut variables()).unwrap_err().to_string();
            assert!(told.starts_with(place) && told.contains(why), "{text:?}: {told}");
        }
    }
}
