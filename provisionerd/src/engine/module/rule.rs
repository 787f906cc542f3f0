//! What the condition of a validation says, where that can be told without running Terraform.
//!
//! A condition is a conjunction of parts. Each part that is understood becomes a rule; a value that breaks one breaks the
//! condition, whatever the other parts say. What is not understood is Terraform's alone to judge.

use hcl_edit::expr::{BinaryOperator, Expression, FuncCall, TraversalOperator};
use serde_json::Value;

use super::hcl::literal;

/// A rule for the values of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// It is one of these, all of one type.
    OneOf(Vec<Value>),
    /// A number that is not less.
    AtLeast(f64),
    /// A number that is more.
    MoreThan(f64),
    /// A number that is not more.
    AtMost(f64),
    /// A number that is less.
    LessThan(f64),
    /// A number without a fraction.
    Whole,
    /// A text of at least so many characters, or a collection of so many entries.
    LengthAtLeast(u32),
    /// The same the other way round.
    LengthAtMost(u32),
    /// A text in which the regular expression (RE2) matches somewhere.
    Pattern(String),
}

/// The rules in the condition `text` of a validation of the variable `name`.
pub(super) fn understand(name: &str, text: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    if let Ok(condition) = text.parse::<Expression>() {
        conjunction(name, &condition, &mut rules);
    }
    rules
}

fn conjunction(name: &str, expression: &Expression, rules: &mut Vec<Rule>) {
    match bare(expression) {
        Expression::BinaryOp(operation) if *operation.operator.value() == BinaryOperator::And => {
            conjunction(name, &operation.lhs_expr, rules);
            conjunction(name, &operation.rhs_expr, rules);
        }
        // `var.x == null || …`: rules are for values, and null is none.
        Expression::BinaryOp(operation) if *operation.operator.value() == BinaryOperator::Or => {
            let (left, right) = (&operation.lhs_expr, &operation.rhs_expr);
            if is_null(name, left) {
                conjunction(name, right, rules);
            } else if is_null(name, right) {
                conjunction(name, left, rules);
            }
        }
        Expression::BinaryOp(operation) => {
            let (left, right) = (&operation.lhs_expr, &operation.rhs_expr);
            rules.extend(comparison(name, left, *operation.operator.value(), right));
        }
        Expression::FuncCall(call) => rules.extend(test(name, call)),
        _ => {}
    }
}

/// An expression without the parentheses around it.
fn bare(mut expression: &Expression) -> &Expression {
    while let Expression::Parenthesis(inner) = expression {
        expression = inner.inner();
    }
    expression
}

fn is_null(name: &str, expression: &Expression) -> bool {
    let Expression::BinaryOp(operation) = bare(expression) else { return false };
    let null = |side: &Expression| matches!(bare(side), Expression::Null(_));
    let (left, right) = (&operation.lhs_expr, &operation.rhs_expr);
    *operation.operator.value() == BinaryOperator::Eq
        && ((is_variable(name, left) && null(right)) || (is_variable(name, right) && null(left)))
}

/// `var.<name>`.
fn is_variable(name: &str, expression: &Expression) -> bool {
    let Expression::Traversal(traversal) = bare(expression) else { return false };
    let Expression::Variable(root) = &traversal.expr else { return false };
    let [operator] = traversal.operators.as_slice() else { return false };
    matches!(operator.value(), TraversalOperator::GetAttr(attribute) if attribute.as_str() == name)
        && root.as_str() == "var"
}

/// `name(var.<variable>)`.
fn is_call(function: &str, variable: &str, expression: &Expression) -> bool {
    let Expression::FuncCall(call) = bare(expression) else { return false };
    matches!(named(call, function).as_deref(), Some([argument]) if is_variable(variable, argument))
}

/// The arguments of a call, if it is one of this function.
fn named<'a>(call: &'a FuncCall, function: &str) -> Option<Vec<&'a Expression>> {
    let is_it =
        !call.name.is_namespaced() && call.name.name.as_str() == function && !call.args.expand_final();
    is_it.then(|| call.args.iter().collect())
}

fn comparison(name: &str, left: &Expression, operator: BinaryOperator, right: &Expression) -> Option<Rule> {
    use BinaryOperator::{Eq, Greater, GreaterEq, Less, LessEq, NotEq};
    // The variable to the left.
    let (subject, operator, other) = if literal(bare(left)).is_some() {
        let mirrored = match operator {
            Less => Greater,
            LessEq => GreaterEq,
            Greater => Less,
            GreaterEq => LessEq,
            same => same,
        };
        (right, mirrored, left)
    } else {
        (left, operator, right)
    };
    if operator == Eq {
        let whole = |one: &Expression, two: &Expression| {
            is_variable(name, one) && ["floor", "ceil"].iter().any(|function| is_call(function, name, two))
        };
        return (whole(subject, other) || whole(other, subject)).then_some(Rule::Whole);
    }
    let bound = literal(bare(other))?.as_f64()?;
    if is_variable(name, subject) {
        return match operator {
            Greater => Some(Rule::MoreThan(bound)),
            GreaterEq => Some(Rule::AtLeast(bound)),
            Less => Some(Rule::LessThan(bound)),
            LessEq => Some(Rule::AtMost(bound)),
            _ => None,
        };
    }
    if is_call("length", name, subject) {
        return match operator {
            Greater => count(bound + 1.0).map(Rule::LengthAtLeast),
            GreaterEq => count(bound).map(Rule::LengthAtLeast),
            Less => count(bound - 1.0).map(Rule::LengthAtMost),
            LessEq => count(bound).map(Rule::LengthAtMost),
            NotEq if bound == 0.0 => Some(Rule::LengthAtLeast(1)),
            _ => None,
        };
    }
    // `length(regexall("…", var.x)) > 0`.
    let Expression::FuncCall(call) = bare(subject) else { return None };
    let arguments = named(call, "length")?;
    let [Expression::FuncCall(found)] = arguments.as_slice() else { return None };
    let some = bound == 0.0 && matches!(operator, Greater | NotEq) || bound == 1.0 && operator == GreaterEq;
    if some { pattern(name, &named(found, "regexall")?) } else { None }
}

/// A whole number that a length can be held against.
fn count(bound: f64) -> Option<u32> {
    // Exact: whole and in range.
    (bound.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&bound)).then_some(bound as u32)
}

/// `contains([…], var.x)`, `can(regex("…", var.x))`.
fn test(name: &str, call: &FuncCall) -> Option<Rule> {
    if let Some([options, subject]) = named(call, "contains").as_deref() {
        let Value::Array(options) = literal(bare(options))? else { return None };
        let of_one_type = |is: fn(&Value) -> bool| options.iter().all(is);
        let simple =
            of_one_type(Value::is_string) || of_one_type(Value::is_number) || of_one_type(Value::is_boolean);
        return (is_variable(name, subject) && simple && !options.is_empty()).then_some(Rule::OneOf(options));
    }
    let arguments = named(call, "can")?;
    let [Expression::FuncCall(inner)] = arguments.as_slice() else { return None };
    pattern(name, &named(inner, "regex")?)
}

fn pattern(name: &str, arguments: &[&Expression]) -> Option<Rule> {
    let [pattern, subject] = arguments else { return None };
    match literal(bare(pattern))? {
        Value::String(pattern) if is_variable(name, subject) => Some(Rule::Pattern(pattern)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Rule, understand};

    #[test]
    fn common_conditions_are_understood() {
        let one_of = |options: &[&str]| Rule::OneOf(options.iter().map(|option| json!(option)).collect());
        for (condition, rules) in [
            (r#"contains(["eu", "us"], var.x)"#, vec![one_of(&["eu", "us"])]),
            ("contains([1, 2], var.x)", vec![Rule::OneOf(vec![json!(1), json!(2)])]),
            ("var.x >= 1 && var.x <= 8", vec![Rule::AtLeast(1.0), Rule::AtMost(8.0)]),
            (
                "(0 < var.x) && -1.5 < var.x && 10 > var.x",
                vec![Rule::MoreThan(0.0), Rule::MoreThan(-1.5), Rule::LessThan(10.0)],
            ),
            ("floor(var.x) == var.x", vec![Rule::Whole]),
            ("var.x == ceil(var.x)", vec![Rule::Whole]),
            ("length(var.x) > 0 && length(var.x) < 5", vec![Rule::LengthAtLeast(1), Rule::LengthAtMost(4)]),
            (r#"can(regex("^[a-z]+\\d$", var.x))"#, vec![Rule::Pattern(r"^[a-z]+\d$".into())]),
            (r#"length(regexall("a", var.x)) > 0"#, vec![Rule::Pattern("a".into())]),
            ("var.x == null || var.x > 2", vec![Rule::MoreThan(2.0)]),
            // The part that is understood holds in any case.
            ("var.x > 2 && var.x % 2 == 0", vec![Rule::MoreThan(2.0)]),
        ] {
            assert_eq!(understand("x", condition), rules, "{condition}");
        }
    }

    #[test]
    fn what_is_not_certain_is_left_to_terraform() {
        for condition in [
            "var.y > 1",
            "var.x > var.y",
            "var.x > 1 || var.x < -1",
            "!contains([\"a\"], var.x)",
            "contains([\"a\", 1], var.x)",
            "contains([], var.x)",
            "contains(local.all, var.x)",
            "contains([\"a\"], var.x.y)",
            "can(regex(var.x, \"a\"))",
            "alltrue([for one in var.x : one > 1])",
            "var.x == 4",
            "length(var.x) == 4",
            "provider::a::contains([\"a\"], var.x)",
            "not an expression",
            "",
        ] {
            assert_eq!(understand("x", condition), [], "{condition}");
        }
    }
}
