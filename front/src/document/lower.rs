//! From a validated operation to the form async-graphql executes, without a second parser.
//!
//! Lowering does what the executor leaves out: fragments are spread in place, selections of one response name are
//! merged (a mutation selected twice runs once), and `@skip` and `@include` are decided.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::{Argument, Value as Literal},
    executable::{Field, Operation, OperationType, Selection, SelectionSet},
    parser::SourceSpan,
    schema::ExtendedType,
    validation::Valid,
};
use async_graphql::{
    Name, Pos, Positioned, Variables,
    parser::types::{self as target, DocumentOperations},
};

use super::{
    collect::{Collector, Condition},
    lines::Lines,
};
use crate::coerce::number;

/// Lowers one operation. `variables` decide conditions; with `None` the operation must not be [`conditional`].
pub(super) fn lower(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Node<Operation>,
    lines: &Lines<'_>,
    variables: Option<&Variables>,
) -> target::ExecutableDocument {
    let collector = Collector::new(schema, document, variables);
    let mut lowering = Lowering { schema, collector, lines, names: HashMap::new() };
    let definition = lowering.operation(operation);
    let pos = lowering.lines.pos(0);
    let operations = match &operation.name {
        None => DocumentOperations::Single(Positioned::new(definition, pos)),
        Some(name) => {
            let name = lowering.name(name.as_str());
            DocumentOperations::Multiple(std::iter::once((name, Positioned::new(definition, pos))).collect())
        }
    };
    target::ExecutableDocument { operations, fragments: HashMap::new() }
}

/// Whether a reachable `@skip` or `@include` depends on a variable.
pub(super) fn conditional(document: &Valid<ExecutableDocument>, operation: &Operation) -> bool {
    // Fragments are looked at whether this operation uses them or not: the answer only has to be safe.
    set_is_conditional(&operation.selection_set)
        || document.fragments.values().any(|fragment| set_is_conditional(&fragment.selection_set))
}

fn set_is_conditional(set: &SelectionSet) -> bool {
    set.selections.iter().any(|selection| {
        let by_variable = selection.directives().iter().any(|directive| {
            is_condition(directive.name.as_str())
                && directive
                    .specified_argument_by_name("if")
                    .is_some_and(|value| value.as_variable().is_some())
        });
        by_variable
            || match selection {
                Selection::Field(field) => field.selection_set.as_ref().is_some_and(set_is_conditional),
                Selection::InlineFragment(fragment) => set_is_conditional(&fragment.selection_set),
                Selection::FragmentSpread(_) => false,
            }
    })
}

/// One selection as the executor is given it.
type Item = Positioned<target::Selection>;

struct Lowering<'a> {
    schema: &'a Schema,
    collector: Collector<'a>,
    lines: &'a Lines<'a>,
    /// Names that occur more than once share their text.
    names: HashMap<&'a str, Name>,
}

impl<'a> Lowering<'a> {
    fn operation(&mut self, operation: &'a Node<Operation>) -> target::OperationDefinition {
        let ty = match operation.operation_type {
            OperationType::Query => target::OperationType::Query,
            OperationType::Mutation => target::OperationType::Mutation,
            OperationType::Subscription => target::OperationType::Subscription,
        };
        let variable_definitions = operation.variables.iter().filter_map(|variable| {
            let pos = self.pos(variable.location());
            let definition = target::VariableDefinition {
                name: Positioned::new(self.name(variable.name.as_str()), pos),
                var_type: Positioned::new(target::Type::new(&variable.ty.to_string())?, pos),
                directives: Vec::new(),
                // Coercion has put defaults among the variables.
                default_value: None,
            };
            Some(Positioned::new(definition, pos))
        });
        let variable_definitions = variable_definitions.collect();
        let set = &operation.selection_set;
        let selection_set = self.sets(set.ty.as_str(), &[set], self.pos(operation.location()));
        target::OperationDefinition { ty, variable_definitions, directives: Vec::new(), selection_set }
    }

    fn sets(
        &mut self,
        parent: &'a str,
        sets: &[&'a SelectionSet],
        pos: Pos,
    ) -> Positioned<target::SelectionSet> {
        let groups = self.collector.groups(parent, sets);
        let mut items = Vec::with_capacity(groups.len());
        for alike in groups.chunk_by(|one, next| one.on == next.on) {
            let fields = alike.iter().map(|group| self.field(&group.fields)).collect();
            items.extend(self.conditional(&alike[0].on, fields));
        }
        Positioned::new(target::SelectionSet { items }, pos)
    }

    /// Fields that apply to some objects only. The executor knows objects and interfaces; a union becomes its members.
    fn conditional(&mut self, on: &Condition<'a>, mut fields: Vec<Item>) -> Vec<Item> {
        let pos = fields.first().map(|field| field.pos).unwrap_or_default();
        for condition in on.path.iter().rev() {
            fields = if self.schema.types.get(*condition).is_some_and(ExtendedType::is_union) {
                on.types.iter().map(|member| self.fragment(member, fields.clone(), pos)).collect()
            } else {
                vec![self.fragment(condition, fields, pos)]
            };
        }
        fields
    }

    fn fragment(&mut self, condition: &'a str, items: Vec<Item>, pos: Pos) -> Item {
        let on = Positioned::new(self.name(condition), pos);
        let fragment = target::InlineFragment {
            type_condition: Some(Positioned::new(target::TypeCondition { on }, pos)),
            directives: Vec::new(),
            selection_set: Positioned::new(target::SelectionSet { items }, pos),
        };
        Positioned::new(target::Selection::InlineFragment(Positioned::new(fragment, pos)), pos)
    }

    fn field(&mut self, fields: &[&'a Node<Field>]) -> Item {
        let first = fields[0];
        let pos = self.pos(first.location());
        let sets: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        let selection_set = match sets.first() {
            Some(set) => self.sets(set.ty.as_str(), &sets, pos),
            None => Positioned::new(target::SelectionSet::default(), pos),
        };
        let directives = first.directives.iter().filter(|directive| !is_condition(directive.name.as_str()));
        let directives = directives.map(|directive| {
            let directive_pos = self.pos(directive.location());
            let lowered = target::Directive {
                name: Positioned::new(self.name(directive.name.as_str()), directive_pos),
                arguments: self.arguments(&directive.arguments),
            };
            Positioned::new(lowered, directive_pos)
        });
        let directives = directives.collect();
        let field = target::Field {
            alias: first.alias.as_ref().map(|alias| Positioned::new(self.name(alias.as_str()), pos)),
            name: Positioned::new(self.name(first.name.as_str()), pos),
            arguments: self.arguments(&first.arguments),
            directives,
            selection_set,
        };
        Positioned::new(target::Selection::Field(Positioned::new(field, pos)), pos)
    }

    fn arguments(
        &mut self,
        arguments: &'a [Node<Argument>],
    ) -> Vec<(Positioned<Name>, Positioned<async_graphql_value::Value>)> {
        let lower = |argument: &'a Node<Argument>| {
            let pos = self.pos(argument.location());
            let value = self.value(&argument.value);
            (Positioned::new(self.name(argument.name.as_str()), pos), Positioned::new(value, pos))
        };
        arguments.iter().map(lower).collect()
    }

    fn value(&mut self, literal: &'a Literal) -> async_graphql_value::Value {
        use async_graphql_value::Value as Lowered;
        match literal {
            Literal::Variable(name) => Lowered::Variable(self.name(name.as_str())),
            Literal::Null => Lowered::Null,
            Literal::Enum(name) => Lowered::Enum(self.name(name.as_str())),
            Literal::String(text) => Lowered::String(text.clone()),
            Literal::Boolean(flag) => Lowered::Boolean(*flag),
            Literal::Int(int) => number(int.as_str()).into_value(),
            Literal::Float(float) => number(float.as_str()).into_value(),
            Literal::List(items) => Lowered::List(items.iter().map(|item| self.value(item)).collect()),
            Literal::Object(fields) => Lowered::Object(
                fields.iter().map(|(name, value)| (self.name(name.as_str()), self.value(value))).collect(),
            ),
        }
    }

    fn name(&mut self, text: &'a str) -> Name {
        self.names.entry(text).or_insert_with(|| Name::new(text)).clone()
    }

    fn pos(&self, span: Option<SourceSpan>) -> Pos {
        self.lines.start(span).unwrap_or_default()
    }
}

fn is_condition(directive: &str) -> bool {
    matches!(directive, "skip" | "include")
}
