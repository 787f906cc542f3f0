//! From an operation to the tree of what it costs.

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::Value as Literal,
    executable::{Field, Selection, SelectionSet},
    schema::ExtendedType,
};

use super::{Amount, CostNode, Size};

/// Reads selections; the fields of fragments are those of where they are spread.
pub(super) struct Builder<'a> {
    pub(super) schema: &'a Schema,
    pub(super) document: &'a ExecutableDocument,
}

impl Builder<'_> {
    pub(super) fn set(&self, set: &SelectionSet, introspection: bool, nodes: &mut Vec<CostNode>) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => nodes.extend(self.field(field, introspection)),
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.selection_set, introspection, nodes)
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.set(&fragment.selection_set, introspection, nodes);
                    }
                }
            }
        }
    }

    fn field(&self, field: &Field, introspection: bool) -> Option<CostNode> {
        let inner = field.definition.ty.inner_named_type();
        let is_object = matches!(
            self.schema.types.get(inner),
            Some(ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_)) | None
        );
        let introspection = introspection || matches!(field.name.as_str(), "__schema" | "__type");
        let is_list = field.definition.ty.is_list();
        if !is_object && field.name.starts_with("__") {
            return None;
        }
        let mut children = Vec::new();
        if let Some(set) = &field.selection_set {
            self.set(set, introspection, &mut children);
            // Leaves cost nothing; at the root they matter, as fields of a mutation.
            children.retain(|child| child.own > 0);
        }
        let size = match (introspection, is_object) {
            // The schema is what it is: its lists are bounded, and so is how deep a document may follow them.
            (true, _) | (_, false) => Size::One,
            _ => size(field, is_list),
        };
        let name = field.response_name().to_string();
        Some(CostNode { name, own: u64::from(is_object), size, is_list, children })
    }
}

fn size(field: &Field, is_list: bool) -> Size {
    let declares = |name: &str| field.definition.argument_by_name(name).is_some();
    let amount = |name: &str| match field.specified_argument_by_name(name).map(|value| value.as_ref()) {
        Some(Literal::Int(int)) => Amount::Known(int.as_str().parse().unwrap_or(0)),
        Some(Literal::Variable(name)) => Amount::Variable(name.to_string()),
        Some(Literal::List(items)) => Amount::Known(items.len() as u64),
        _ => Amount::Unset,
    };
    if declares("first") || declares("last") {
        return Size::Page(vec![amount("first"), amount("last")]);
    }
    let listed = field.definition.arguments.iter().find(|argument| argument.ty.is_list());
    match listed {
        Some(argument) if is_list => Size::Items(amount(argument.name.as_str())),
        _ if is_list => Size::Inherited,
        _ => Size::One,
    }
}
