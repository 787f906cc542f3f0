//! Values for the parameters of a template version: checked before anything is queued, one by one.

mod fit;
mod kept;

use guildhall_entity::json::{Variable, Variables};

use crate::error::{Error, Mismatch, MismatchKind, Refusal, Result};
use fit::fits;
pub(crate) use kept::{Kept, join, split};

/// Values that are looked at: more than any template has parameters.
const GIVEN_MAX: usize = 1000;
/// Parameters that are named to somebody who took another name for one.
const NAMED_MAX: usize = 20;
/// The variable that receives the context of a build.
const RESERVED: &str = "workspace";

/// A value for a variable: given by somebody, or that of the build before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) value: String,
    /// It was kept sealed, and stays so, whatever a later version says of its variable: who gave it was told that it is never
    /// shown.
    pub(crate) was_sealed: bool,
}

impl Given {
    /// One that somebody gives now.
    pub(crate) fn now(name: String, value: String) -> Self {
        Self { name, value, was_sealed: false }
    }
}

/// A checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) keeping: Keeping,
}

/// How a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// In the open.
    Open,
    /// Sealed, and never shown.
    Sealed,
    /// The same, and erased when the build ends that it is for.
    ForOneBuild,
}

impl Value {
    /// The same, to be erased if it is secret.
    pub(crate) fn for_one_build(self) -> Self {
        match self.keeping {
            Keeping::Open => self,
            Keeping::Sealed | Keeping::ForOneBuild => Self { keeping: Keeping::ForOneBuild, ..self },
        }
    }
}

/// Checks what somebody gave, over the values of the build before (`None` for the first build). Of those, the ephemeral ones
/// that have a default are not taken over, and those of variables that the version no longer has are dropped.
///
/// # Errors
/// One refusal for each value that was given and is wrong, or that the first build lacks; `ParameterMismatch` for values of
/// the build before that this version does not take, and for what it needs besides.
pub(crate) fn check(
    variables: &Variables,
    given: Vec<Given>,
    before: Option<Vec<Given>>,
) -> Result<Vec<Value>> {
    if given.len() > GIVEN_MAX {
        let message = format!("at most {GIVEN_MAX} values at once, got {}", given.len());
        return Err(Refusal::invalid(&["parameters"], message).into());
    }
    let mut refusals = wrong(variables, &given, before.as_deref());
    let mut mismatches = Vec::new();
    let mut values = Vec::new();
    for variable in parameters(variables) {
        let named = |value: &&Given| value.name == variable.name;
        let earlier = before.iter().flatten().find(named).filter(|_| !is_forgotten(variable));
        if let Some(value) = given.iter().find(named) {
            values.push(checked(variable, value));
        } else if let Some(value) = earlier {
            match fits(variable, &value.value) {
                Ok(()) => values.push(checked(variable, value)),
                Err((kind, message)) => mismatches.push(mismatch(variable, kind, message)),
            }
        } else if variable.required {
            let message =
                format!("the template needs a value for `{}`{}", variable.name, described(variable));
            if before.is_some() {
                mismatches.push(mismatch(variable, MismatchKind::Missing, message));
            } else {
                refusals.push(Refusal::invalid(&["parameters"], message));
            }
        }
    }
    if !mismatches.is_empty() {
        let gone = before.iter().flatten().filter(|value| find(variables, &value.name).is_none());
        mismatches.extend(gone.map(|value| Mismatch {
            name: value.name.clone(),
            kind: MismatchKind::Removed,
            message: format!("`{}` is no parameter any more; its value is dropped", value.name),
        }));
        refusals.push(Refusal::parameter_mismatch(&["parameters"], mismatches));
    }
    if refusals.is_empty() { Ok(values) } else { Err(Error::Refused(refusals)) }
}

/// Whether a value is for one build alone. One that must be given is taken over, or nothing could be stopped without it.
fn is_forgotten(variable: &Variable) -> bool {
    variable.ephemeral && !variable.required
}

/// What is wrong with the values that were given.
fn wrong(variables: &Variables, given: &[Given], before: Option<&[Given]>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (i, value) in given.iter().enumerate() {
        let at = i.to_string();
        let mut refuse = |message| refusals.push(Refusal::invalid(&["parameters", at.as_str()], message));
        let Some(variable) = find(variables, &value.name) else {
            refuse(unknown(variables, &value.name));
            continue;
        };
        if given[..i].iter().any(|earlier| earlier.name == value.name) {
            refuse(format!("`{}` is given twice", variable.name));
        }
        if let Err((_, problem)) = fits(variable, &value.value) {
            refuse(problem);
        }
        if variable.immutable && before.is_some_and(|before| changes(variable, before, &value.value)) {
            refuse(format!("`{}` can't be changed once the workspace was made", variable.name));
        }
    }
    refusals
}

/// Whether a value is another than that of the build before, which may have been the default.
fn changes(variable: &Variable, before: &[Given], value: &str) -> bool {
    match before.iter().find(|earlier| earlier.name == variable.name) {
        Some(earlier) => earlier.value != value,
        None => variable.default.as_ref().is_some_and(|default| match default {
            serde_json::Value::String(text) => text != value,
            other => serde_json::from_str::<serde_json::Value>(value).map_or(true, |value| value != *other),
        }),
    }
}

fn checked(variable: &Variable, value: &Given) -> Value {
    let keeping = if is_forgotten(variable) {
        Keeping::ForOneBuild
    } else if variable.sensitive || variable.ephemeral || value.was_sealed {
        Keeping::Sealed
    } else {
        Keeping::Open
    };
    Value { name: variable.name.clone(), value: value.value.clone(), keeping }
}

fn mismatch(variable: &Variable, kind: MismatchKind, message: String) -> Mismatch {
    Mismatch { name: variable.name.clone(), kind, message }
}

/// The variables that people give values for, in the order of the module.
pub(crate) fn parameters(variables: &Variables) -> impl Iterator<Item = &Variable> {
    variables.0.iter().filter(|variable| variable.name != RESERVED)
}

fn find<'a>(variables: &'a Variables, name: &str) -> Option<&'a Variable> {
    parameters(variables).find(|variable| variable.name == name)
}

fn described(variable: &Variable) -> String {
    if variable.description.is_empty() { String::new() } else { format!(" ({})", variable.description) }
}

fn unknown(variables: &Variables, name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    let names: Vec<_> = parameters(variables).map(|variable| variable.name.as_str()).collect();
    if names.is_empty() {
        return format!("the template has no parameter `{shown}`; it has none at all");
    }
    let (some, more) = names.split_at(names.len().min(NAMED_MAX));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    format!("the template has no parameter `{shown}`; it has {}{more}", some.join(", "))
}

#[cfg(test)]
mod tests;
