//! Parameters of two versions, and what of their difference breaks workspaces that are there.

use guildhall_entity::json::{Rule, Variable, Variables};

use super::ChangeKind;
use crate::template::parameter;

/// A parameter that is not the same in both.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParameterChange {
    pub(crate) name: String,
    pub(crate) kind: ChangeKind,
    /// Whether values of workspaces that are there may not fit any more, or get lost.
    pub(crate) is_breaking: bool,
    /// What changed, in words.
    pub(crate) reasons: Vec<String>,
    pub(crate) before: Option<Variable>,
    pub(crate) after: Option<Variable>,
}

/// The parameters that differ: those of the earlier version in its order, then the added ones.
pub(crate) fn parameters(from: &Variables, to: &Variables) -> Vec<ParameterChange> {
    let find = |variables: &Variables, name: &str| {
        parameter::parameters(variables).find(|variable| variable.name == name).cloned()
    };
    let mut changes = Vec::new();
    for before in parameter::parameters(from) {
        let change = match find(to, &before.name) {
            None => Some((ChangeKind::Removed, true, vec!["is no parameter any more".to_owned()], None)),
            Some(after) if after == *before => None,
            Some(after) => {
                let (is_breaking, reasons) = compare(before, &after);
                Some((ChangeKind::Changed, is_breaking, reasons, Some(after)))
            }
        };
        if let Some((kind, is_breaking, reasons, after)) = change {
            let (name, before) = (before.name.clone(), Some(before.clone()));
            changes.push(ParameterChange { name, kind, is_breaking, reasons, before, after });
        }
    }
    for after in parameter::parameters(to).filter(|after| find(from, &after.name).is_none()) {
        let reason = if after.required { "is new and needs a value" } else { "is new and has a default" };
        changes.push(ParameterChange {
            name: after.name.clone(),
            kind: ChangeKind::Added,
            is_breaking: after.required,
            reasons: vec![reason.to_owned()],
            before: None,
            after: Some(after.clone()),
        });
    }
    changes
}

fn compare(before: &Variable, after: &Variable) -> (bool, Vec<String>) {
    let mut reasons = Vec::new();
    let mut is_breaking = false;
    let mut note = |breaks: bool, reason: String| {
        is_breaking |= breaks;
        reasons.push(reason);
    };
    if before.r#type != after.r#type {
        note(true, format!("its type was {}, it is {}", before.r#type, after.r#type));
    }
    match (before.required, after.required) {
        (false, true) => note(true, "has no default any more".to_owned()),
        (true, false) => note(false, "has a default".to_owned()),
        // A default of a sensitive one is not told.
        _ if before.default != after.default => note(false, "has another default".to_owned()),
        _ => {}
    }
    let rules = |variable: &Variable| -> Vec<Rule> {
        variable.validations.iter().flat_map(|validation| validation.rules.clone()).collect()
    };
    let (old, new) = (rules(before), rules(after));
    if new.iter().any(|rule| !old.iter().any(|old| implies(old, rule))) {
        note(true, "takes fewer values".to_owned());
    } else if old != new {
        note(false, "takes more values".to_owned());
    }
    let unread = |variable: &Variable| -> Vec<String> {
        let opaque = variable.validations.iter().filter(|validation| validation.rules.is_empty());
        opaque.map(|validation| validation.condition.clone()).collect()
    };
    if unread(before) != unread(after) {
        note(!unread(after).is_empty(), "has other conditions, which Terraform judges".to_owned());
    }
    for (was, is, on, off) in [
        (before.nullable, after.nullable, "takes null", "does not take null any more"),
        (before.sensitive, after.sensitive, "is sensitive", "is not sensitive any more"),
        (before.ephemeral, after.ephemeral, "is ephemeral", "is not ephemeral any more"),
        (before.immutable, after.immutable, "can't be changed any more", "can be changed"),
    ] {
        if was != is {
            // What is ephemeral is not taken over: a value must be given each time.
            let breaks = (off.contains("null") && was) || (on == "is ephemeral" && is && after.required);
            note(breaks, if is { on } else { off }.to_owned());
        }
    }
    if reasons.is_empty() {
        reasons.push("is described otherwise".to_owned());
    }
    (is_breaking, reasons)
}

/// Whether every value that keeps `old` keeps `new`.
fn implies(old: &Rule, new: &Rule) -> bool {
    match (old, new) {
        (Rule::OneOf(old), Rule::OneOf(new)) => old.iter().all(|option| new.contains(option)),
        (Rule::AtLeast(old) | Rule::MoreThan(old), Rule::AtLeast(new))
        | (Rule::MoreThan(old), Rule::MoreThan(new)) => old >= new,
        (Rule::AtLeast(old), Rule::MoreThan(new)) => old > new,
        (Rule::AtMost(old) | Rule::LessThan(old), Rule::AtMost(new))
        | (Rule::LessThan(old), Rule::LessThan(new)) => old <= new,
        (Rule::AtMost(old), Rule::LessThan(new)) => old < new,
        (Rule::LengthAtLeast(old), Rule::LengthAtLeast(new)) => old >= new,
        (Rule::LengthAtMost(old), Rule::LengthAtMost(new)) => old <= new,
        (old, new) => old == new,
    }
}

#[cfg(test)]
mod tests {
    use guildhall_entity::json::Validation;
    use serde_json::json;

    use super::*;

    fn variable(name: &str, rules: Vec<Rule>) -> Variable {
        Variable {
            name: name.into(),
            r#type: "string".into(),
            description: String::new(),
            default: None,
            required: true,
            sensitive: false,
            nullable: true,
            ephemeral: false,
            validations: vec![Validation { condition: "c".into(), error_message: String::new(), rules }],
            display_name: String::new(),
            icon: String::new(),
            order: None,
            immutable: false,
        }
    }

    #[test]
    fn what_breaks_is_told_from_what_does_not() {
        let base = || variable("x", vec![Rule::OneOf(vec![json!("a"), json!("b")])]);
        let of = |options: &[&str]| {
            variable("x", vec![Rule::OneOf(options.iter().map(|option| json!(option)).collect())])
        };
        let changed = |after: Variable| {
            let changes = parameters(&Variables(vec![base()]), &Variables(vec![after]));
            changes.first().map(|change| (change.kind, change.is_breaking))
        };
        assert_eq!(changed(base()), None);
        for (after, breaks) in [
            (Variable { r#type: "number".into(), ..base() }, true),
            (Variable { required: false, default: Some(json!("a")), ..base() }, false),
            (Variable { description: "words".into(), ..base() }, false),
            (Variable { nullable: false, ..base() }, true),
            (Variable { immutable: true, ..base() }, false),
            (Variable { ephemeral: true, ..base() }, true),
            (of(&["a"]), true),
            (of(&["a", "b", "c"]), false),
            (variable("x", vec![]), true),
            (variable("x", vec![Rule::Pattern("a".into())]), true),
        ] {
            assert_eq!(changed(after.clone()), Some((ChangeKind::Changed, breaks)), "{after:?}");
        }
        let moved = parameters(&Variables(vec![base()]), &Variables(vec![variable("y", vec![])]));
        let told: Vec<_> = moved.iter().map(|one| (one.name.as_str(), one.kind, one.is_breaking)).collect();
        assert_eq!(told, [("x", ChangeKind::Removed, true), ("y", ChangeKind::Added, true)]);
    }

    #[test]
    fn a_rule_may_only_become_wider() {
        use Rule::{AtLeast, AtMost, LengthAtMost, LessThan, MoreThan, Whole};
        for (old, new, holds) in [
            (AtLeast(2.0), AtLeast(1.0), true),
            (AtLeast(1.0), AtLeast(2.0), false),
            (MoreThan(1.0), AtLeast(1.0), true),
            (AtLeast(1.0), MoreThan(1.0), false),
            (AtMost(8.0), AtMost(16.0), true),
            (AtMost(8.0), LessThan(8.0), false),
            (LengthAtMost(3), LengthAtMost(2), false),
            (Whole, Whole, true),
            (Whole, AtLeast(0.0), false),
        ] {
            assert_eq!(implies(&old, &new), holds, "{old:?} {new:?}");
        }
    }
}
