use guildhall_entity::json::{Rule, Validation};
use serde_json::json;

use super::*;
use crate::error::RefusalKind;

fn variable(name: &str, kind: &str, required: bool) -> Variable {
    Variable {
        name: name.into(),
        r#type: kind.into(),
        description: String::new(),
        default: None,
        required,
        sensitive: name == "token",
        nullable: true,
        ephemeral: false,
        validations: Vec::new(),
        display_name: String::new(),
        icon: String::new(),
        order: None,
        immutable: false,
    }
}

fn ruled(name: &str, kind: &str, rules: Vec<Rule>) -> Variable {
    let validation =
        Validation { condition: String::new(), error_message: "the author says no".into(), rules };
    Variable { validations: vec![validation], ..variable(name, kind, false) }
}

fn given(name: &str, value: &str) -> Given {
    Given::now(name.into(), value.into())
}

fn refusals(outcome: Result<Vec<Value>>) -> Vec<Refusal> {
    match outcome {
        Ok(_) => Vec::new(),
        Err(Error::Refused(refusals)) => refusals,
        Err(other) => panic!("{other:?}"),
    }
}

fn mismatches(outcome: Result<Vec<Value>>) -> Vec<(String, MismatchKind)> {
    let mut refusals = refusals(outcome);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    match refusals.remove(0).kind {
        RefusalKind::ParameterMismatch(list) => list.into_iter().map(|one| (one.name, one.kind)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_are_checked_one_by_one() {
    let variables = Variables(vec![
        variable("cpu", "number", true),
        variable("zones", "list(string)", false),
        variable("token", "string", false),
        variable("workspace", "object({})", true),
    ]);
    let good = check(&variables, vec![given("cpu", "2"), given("token", "x")], None).expect("they fit");
    assert_eq!(good.len(), 2);
    assert_eq!(good[1].keeping, Keeping::Sealed);
    let problems = |values| refusals(check(&variables, values, None)).len();
    assert_eq!(problems(vec![]), 1);
    assert_eq!(problems(vec![given("cpu", "two")]), 1);
    assert_eq!(problems(vec![given("cpu", "NaN")]), 1);
    assert_eq!(problems(vec![given("cpu", "2"), given("cpu", "3")]), 1);
    assert_eq!(problems(vec![given("cpu", "2"), given("zones", "a")]), 1);
    assert_eq!(problems(vec![given("cpu", "2"), given("workspace", "{}")]), 1);
    assert_eq!(problems(vec![given("ram", "2")]), 2);
}

#[test]
fn earlier_values_are_kept_where_nothing_new_is_given() {
    let variables = Variables(vec![variable("cpu", "number", true)]);
    let before = vec![given("cpu", "2"), given("gone", "x")];
    let kept = check(&variables, Vec::new(), Some(before.clone())).expect("they fit");
    assert_eq!(kept, vec![Value { name: "cpu".into(), value: "2".into(), keeping: Keeping::Open }]);
    let changed = check(&variables, vec![given("cpu", "4")], Some(before)).expect("they fit");
    assert_eq!(changed[0].value, "4");
}

#[test]
fn conditions_that_the_import_understood_hold_before_the_build() {
    let variables = Variables(vec![
        ruled("region", "string", vec![Rule::OneOf(vec![json!("eu"), json!("us")])]),
        ruled("cpu", "number", vec![Rule::AtLeast(1.0), Rule::AtMost(8.0), Rule::Whole]),
        ruled("name", "string", vec![Rule::Pattern("^[a-z]+$".into()), Rule::LengthAtMost(5)]),
        ruled("zones", "list(string)", vec![Rule::LengthAtLeast(1)]),
        ruled("code", "string", vec![Rule::Pattern(r"^\d+$".into())]),
        ruled("odd", "string", vec![Rule::Pattern("(unclosed".into())]),
    ]);
    let wrong = |name: &str, value: &str| refusals(check(&variables, vec![given(name, value)], None)).len();
    for (name, good) in [
        ("region", "eu"),
        ("cpu", "8"),
        ("cpu", "1.0"),
        ("name", "abc"),
        ("zones", "[\"a\"]"),
        ("code", "42"),
        // Terraform's to judge: `\d` means other digits here, and this is no pattern of ours.
        ("code", "४२"),
        ("odd", "x"),
    ] {
        assert_eq!(wrong(name, good), 0, "{name} = {good}");
    }
    for (name, bad) in [
        ("region", "mars"),
        ("cpu", "9"),
        ("cpu", "0"),
        ("cpu", "1.5"),
        ("name", "ABC"),
        ("name", "abcdef"),
        ("zones", "[]"),
        ("code", "4x"),
    ] {
        assert_eq!(wrong(name, bad), 1, "{name} = {bad}");
    }
    let told = refusals(check(&variables, vec![given("region", "mars")], None)).remove(0);
    assert_eq!(told.message, "`region` is one of eu, us: the author says no");
    assert_eq!(told.field, ["parameters", "0"]);
}

#[test]
fn immutable_values_stay_and_ephemeral_ones_do_not() {
    let variables = Variables(vec![
        Variable { immutable: true, default: Some(json!("eu")), ..variable("region", "string", false) },
        Variable { ephemeral: true, ..variable("code", "string", false) },
        Variable { ephemeral: true, ..variable("key", "string", true) },
    ]);
    let first = vec![given("region", "us"), given("code", "1"), given("key", "k")];
    let kept = check(&variables, first.clone(), None).expect("they fit");
    let keeping: Vec<_> = kept.iter().map(|value| value.keeping).collect();
    assert_eq!(keeping, [Keeping::Open, Keeping::ForOneBuild, Keeping::Sealed]);
    let again = |region: &str, before: &[Given]| {
        let values = vec![given("region", region), given("key", "k")];
        refusals(check(&variables, values, Some(before.to_vec()))).len()
    };
    assert_eq!((again("us", &first), again("eu", &first)), (0, 1));
    // What was never given had its default.
    assert_eq!((again("eu", &[]), again("us", &[])), (0, 1));
    // What nobody could do without is taken over, sealed.
    let next = check(&variables, Vec::new(), Some(first)).expect("they fit");
    let named: Vec<_> = next.iter().map(|value| (value.name.as_str(), value.keeping)).collect();
    assert_eq!(named, [("region", Keeping::Open), ("key", Keeping::Sealed)]);
}

#[test]
fn a_version_that_breaks_earlier_values_names_each() {
    let variables = Variables(vec![
        variable("cpu", "number", false),
        ruled("region", "string", vec![Rule::OneOf(vec![json!("eu")])]),
        ruled("disk", "number", vec![Rule::AtMost(10.0)]),
        ruled("name", "string", vec![Rule::Pattern("^x".into())]),
        variable("image", "string", true),
    ]);
    let before = vec![
        given("cpu", "many"),
        given("region", "us"),
        given("disk", "20"),
        given("name", "abc"),
        given("old", "1"),
    ];
    let named = mismatches(check(&variables, Vec::new(), Some(before.clone())));
    let expected = [
        ("cpu", MismatchKind::Type),
        ("region", MismatchKind::Option),
        ("disk", MismatchKind::Range),
        ("name", MismatchKind::Pattern),
        ("image", MismatchKind::Missing),
        ("old", MismatchKind::Removed),
    ];
    assert_eq!(named, expected.map(|(name, kind)| (name.to_owned(), kind)));
    // New values for all of them heal it; what is gone is dropped.
    let healed = [("cpu", "2"), ("region", "eu"), ("disk", "5"), ("name", "xyz"), ("image", "debian")]
        .map(|(n, v)| given(n, v));
    assert_eq!(check(&variables, healed.to_vec(), Some(before)).expect("they fit").len(), 5);
}

#[test]
fn null_is_a_value_only_where_the_module_can_do_without_one() {
    for (required, nullable, kind, fits) in [
        (true, false, "number", false),
        (true, false, "list(string)", false),
        (true, false, "string", true),
        (true, true, "number", true),
        (false, false, "number", true),
    ] {
        let variables = Variables(vec![Variable { nullable, ..variable("cpu", kind, required) }]);
        let checked = check(&variables, vec![given("cpu", "null")], None);
        assert_eq!(checked.is_ok(), fits, "{kind} {required} {nullable}: {checked:?}");
    }
}
