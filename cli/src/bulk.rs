//! Mutations that answer for each item.

use guildhall_client::UserError;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Exit, Failure, lines};

/// Says what came of each of `names`, whose results stand in the same order; fails when one was refused. `sentence` is
/// what is said of one that was not.
pub(crate) fn report<T: Serialize>(
    context: &Context,
    names: &[String],
    results: &[T],
    user_errors: impl Fn(&T) -> &[UserError],
    sentence: impl Fn(&str, &T) -> String,
) -> Result<(), Failure> {
    if context.output.is_json() {
        context.output.json(results)?;
    }
    let mut refused = Vec::new();
    for (name, result) in names.iter().zip(results) {
        let errors = user_errors(result);
        if !errors.is_empty() {
            refused.push(format!("{name}: {}", lines(errors)));
        } else if !context.output.is_json() {
            context.output.line(&sentence(name, result))?;
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::new(Exit::Refused, refused.join("\n"))) }
}
