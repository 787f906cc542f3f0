//! Documents: from text to something validated that can be executed many times.

mod absent;
mod collect;
mod diagnostics;
pub(crate) mod dry_run;
pub(crate) mod lines;
mod lower;
mod measure;
mod nulls;
mod rules;
mod scalars;
mod variables;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::Document as Ast,
    executable::{self, OperationType as Kind},
    introspection,
    validation::Valid,
};
use async_graphql::{Name, Variables, parser::types};

use crate::{
    Limits,
    coerce::{Declared, OwnScalar, constant},
    cost::CostPlan,
    digest::Digest,
    error::{ErrorCode, GraphqlError, Phase, Refused},
    scan::{scan, syntax_error},
    syntax::grammar,
};
use dry_run::DryRun;
use lines::Lines;

/// The kind of an operation.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OperationKind {
    /// Reads once.
    Query,
    /// Writes once.
    Mutation,
    /// Reads a stream of events.
    Subscription,
}

impl OperationKind {
    /// The keyword of the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

/// A validated document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) text: Arc<str>,
    pub(crate) hash: Digest,
    operations: Vec<Arc<Operation>>,
    /// Estimated bytes this document keeps in memory.
    pub(crate) weight: u64,
}

/// One operation of a validated document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) kind: OperationKind,
    pub(crate) variables: Vec<Declared>,
    pub(crate) cost: CostPlan,
    /// Whether it asks about the schema, which the executor is not asked about.
    pub(crate) asks_schema: bool,
    dry_run: DryRun,
    form: Form,
    /// What the compiler has read, where requests need it again: it takes more memory than what the executor is given.
    source: Option<Arc<Valid<ExecutableDocument>>>,
}

/// What the executor is given.
#[derive(Debug)]
enum Form {
    /// The same for every request.
    Fixed(types::ExecutableDocument),
    /// Lowered for each request, as its variables decide what is selected.
    Conditional(Arc<str>),
}

/// Memory a document takes: measured at about 150 bytes a token for what the executor is given, and as much again for
/// what the compiler has read.
fn weight(text: &str, tokens: usize, operations: &[Arc<Operation>]) -> u64 {
    let per_token = if operations.iter().any(|operation| operation.source.is_some()) { 300 } else { 160 };
    (1_024 + 2 * text.len() + per_token * tokens) as u64
}

impl Document {
    /// Checks everything about a document that does not depend on a request.
    ///
    /// # Errors
    /// See [`scan`] and `measure`; `GRAPHQL_PARSE_FAILED` or `GRAPHQL_VALIDATION_FAILED` otherwise, and `BAD_USER_INPUT` for
    /// a literal that is no value of a scalar of the schema's own. A panic of the compiler is caught and reported as `INTERNAL_SERVER_ERROR`.
    pub(crate) fn prepare(
        schema: &Valid<Schema>,
        own: &OwnScalar<'_>,
        text: &str,
        limits: &Limits,
    ) -> Result<Self, Refused> {
        let tokens = scan(text, limits)?;
        let validated = AssertUnwindSafe(|| Self::validated(schema, own, text, tokens, limits));
        catch_unwind(validated).unwrap_or_else(|_| {
            tracing::error!(document = %Digest::of(text), "the compiler panicked while it read a document");
            let error = GraphqlError::new(ErrorCode::InternalServerError, "The document could not be read.");
            Err(Refused { phase: Phase::Document(http::StatusCode::INTERNAL_SERVER_ERROR), ..error.into() })
        })
    }

    fn validated(
        schema: &Valid<Schema>,
        own: &OwnScalar<'_>,
        text: &str,
        tokens: usize,
        limits: &Limits,
    ) -> Result<Self, Refused> {
        grammar::check(text).map_err(|error| syntax_error(text, error.at, error.message))?;
        let lines = Lines::of(text);
        let ast =
            Ast::parse(text, "request").map_err(|failed| diagnostics::syntax(&failed.errors, &lines))?;
        measure::measure(&ast, limits, &lines)?;
        let valid = |ast: &Ast| match ast.to_executable_validate(schema) {
            Ok(document) => Ok(document),
            Err(failed) if rules::only_counts_roots(&failed.errors, &failed.partial) => {
                Ok(Valid::assume_valid(failed.partial))
            }
            Err(failed) => Err(diagnostics::invalid(&failed.errors, &lines, limits.errors)),
        };
        nulls::without(&ast).iter().try_for_each(|stricter| valid(stricter).map(drop))?;
        let document = valid(&ast)?;
        rules::check(schema, &document, &lines, limits)?;
        scalars::check(schema, own, &document, &lines)?;
        let document = Arc::new(document);
        let shared: Arc<str> = Arc::from(text);
        let mut operations = Vec::with_capacity(document.operations.len());
        for operation in document.operations.iter() {
            if introspection::check_max_depth(&document, operation).is_err() {
                let message = "The operation follows the lists of the introspection schema in circles.";
                return Err(GraphqlError::new(ErrorCode::QueryTooComplex, message).into());
            }
            operations.push(Arc::new(Operation::of(schema, &document, operation, &shared, &lines, limits)));
        }
        let weight = weight(text, tokens, &operations);
        Ok(Self { text: shared, hash: Digest::of(text), operations, weight })
    }

    /// The operation a request selects.
    ///
    /// # Errors
    /// `OPERATION_RESOLUTION_FAILURE` when there is none of that name, or several and no name was given.
    pub(crate) fn operation(&self, name: Option<&str>) -> Result<&Arc<Operation>, GraphqlError> {
        let failure =
            |message: &'static str| Err(GraphqlError::new(ErrorCode::OperationResolutionFailure, message));
        match (name, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, []) => failure("The document has no operation."),
            (None, _) => {
                failure("The document has several operations: name one of them in \"operationName\".")
            }
            (Some(name), operations) => {
                let found = operations.iter().find(|operation| operation.name.as_deref() == Some(name));
                found.map_or_else(
                    || failure("The document has no operation of the name in \"operationName\"."),
                    Ok,
                )
            }
        }
    }
}

impl Operation {
    fn of(
        schema: &Valid<Schema>,
        document: &Arc<Valid<ExecutableDocument>>,
        operation: &Node<executable::Operation>,
        text: &Arc<str>,
        lines: &Lines<'_>,
        limits: &Limits,
    ) -> Self {
        let form = if lower::conditional(document, operation) {
            Form::Conditional(Arc::clone(text))
        } else {
            Form::Fixed(lower::lower(schema, document, operation, lines, None))
        };
        let mut roots = operation.root_fields(document);
        let asks_schema = roots.any(|field| matches!(field.name.as_str(), "__schema" | "__type"));
        let needed = asks_schema || matches!(form, Form::Conditional(_));
        let declared = |variable: &executable::VariableDefinition| Declared {
            name: Name::new(variable.name.as_str()),
            ty: variable.ty.as_ref().clone(),
            default: variable.default_value.as_ref().map(|default| constant(default)),
        };
        Self {
            name: operation.name.as_ref().map(|name| Arc::from(name.as_str())),
            kind: match operation.operation_type {
                Kind::Query => OperationKind::Query,
                Kind::Mutation => OperationKind::Mutation,
                Kind::Subscription => OperationKind::Subscription,
            },
            variables: operation.variables.iter().map(|variable| declared(variable)).collect(),
            cost: CostPlan::of(schema, document, operation, limits),
            asks_schema,
            dry_run: DryRun::of(document, operation),
            form,
            source: needed.then(|| Arc::clone(document)),
        }
    }

    /// Whether only the price of the operation is asked for.
    pub(crate) fn is_dry_run(&self, variables: &Variables) -> bool {
        self.dry_run.is_asked_for(variables)
    }

    /// Whether a resolver will want the price.
    pub(crate) fn asks_price(&self) -> bool {
        self.dry_run.asks_price()
    }

    /// The form for the executor, with conditions decided by `variables`.
    pub(crate) fn executable(
        &self,
        schema: &Valid<Schema>,
        variables: &Variables,
    ) -> types::ExecutableDocument {
        let mut executable = self.lowered(schema, variables);
        if self.variables.iter().any(|declared| !variables.contains_key(&declared.name)) {
            absent::remove(&mut executable, variables);
        }
        if self.is_dry_run(variables) {
            dry_run::reduce(&mut executable);
        }
        executable
    }

    fn lowered(&self, schema: &Valid<Schema>, variables: &Variables) -> types::ExecutableDocument {
        match &self.form {
            Form::Fixed(executable) => executable.clone(),
            Form::Conditional(text) => {
                let (document, operation) = self.source().expect("a conditional form keeps its source");
                lower::lower(schema, document, operation, &Lines::of(text), Some(variables))
            }
        }
    }

    /// This operation as the compiler has read it, and its document, where they were kept.
    pub(crate) fn source(&self) -> Option<(&Valid<ExecutableDocument>, &Node<executable::Operation>)> {
        let document = self.source.as_deref()?;
        let operation = match &self.name {
            Some(name) => document.operations.named.get(name.as_ref()),
            None => document.operations.anonymous.as_ref(),
        };
        Some((document, operation?))
    }
}
