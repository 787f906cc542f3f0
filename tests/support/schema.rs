//! The committed schema, walked: tests that cover every field of a kind ask here which fields there are.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, InputValueDefinition, Type, TypeKind, TypeSystemDefinition};

/// `schema.graphql`.
pub(crate) struct Schema {
    types: BTreeMap<String, TypeKind>,
    one_of: BTreeSet<String>,
}

/// A field of an object.
pub(crate) struct Field {
    pub(crate) name: String,
    /// The named type inside lists and non-null.
    pub(crate) ty: String,
    pub(crate) is_list: bool,
    pub(crate) arguments: Vec<Input>,
}

/// An argument, or a field of an input object.
pub(crate) struct Input {
    pub(crate) name: String,
    /// The named type inside lists and non-null.
    pub(crate) ty: String,
    pub(crate) is_list: bool,
    pub(crate) is_required: bool,
}

impl Input {
    fn of(definition: &InputValueDefinition) -> Self {
        let ty = &definition.ty.node;
        Self {
            name: definition.name.node.to_string(),
            ty: named(ty),
            is_list: matches!(ty.base, BaseType::List(_)),
            is_required: !ty.nullable && definition.default_value.is_none(),
        }
    }
}

fn named(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => named(inner),
    }
}

/// Entries of a page in generated selections: few, for pages multiply.
const PAGE: &str = "first: 3";

impl Schema {
    /// The contract; `contract.rs` keeps it equal to what is served.
    pub(crate) fn committed() -> Self {
        let document = parse_schema(include_str!("../../schema.graphql")).unwrap();
        let mut one_of = BTreeSet::new();
        let mut types = BTreeMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let name = ty.node.name.node.to_string();
            if ty.node.directives.iter().any(|directive| directive.node.name.node == "oneOf") {
                one_of.insert(name.clone());
            }
            types.insert(name, ty.node.kind);
        }
        Self { types, one_of }
    }

    fn kind(&self, name: &str) -> Option<&TypeKind> {
        self.types.get(name)
    }

    /// The fields of an object; none for anything else.
    pub(crate) fn fields(&self, object: &str) -> Vec<Field> {
        let Some(TypeKind::Object(object)) = self.kind(object) else { return Vec::new() };
        let field = |field: &async_graphql::parser::types::FieldDefinition| Field {
            name: field.name.node.to_string(),
            ty: named(&field.ty.node),
            is_list: matches!(field.ty.node.base, BaseType::List(_)),
            arguments: field.arguments.iter().map(|argument| Input::of(&argument.node)).collect(),
        };
        object.fields.iter().map(|definition| field(&definition.node)).collect()
    }

    /// The fields of an input object; none for anything else.
    pub(crate) fn inputs(&self, input: &str) -> Vec<Input> {
        let Some(TypeKind::InputObject(input)) = self.kind(input) else { return Vec::new() };
        input.fields.iter().map(|field| Input::of(&field.node)).collect()
    }

    /// Whether exactly one field of this input is to be given.
    pub(crate) fn is_one_of(&self, input: &str) -> bool {
        self.one_of.contains(input)
    }

    /// The values of an enum; none for anything else.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let Some(TypeKind::Enum(values)) = self.kind(name) else { return Vec::new() };
        values.values.iter().map(|value| value.node.value.node.to_string()).collect()
    }

    /// The objects that a value of this type can be.
    pub(crate) fn possible(&self, name: &str) -> Vec<String> {
        match self.kind(name) {
            Some(TypeKind::Object(_)) => vec![name.to_owned()],
            Some(TypeKind::Union(union)) => union.members.iter().map(|name| name.node.to_string()).collect(),
            Some(TypeKind::Interface(_)) => {
                let implements = |kind: &TypeKind| match kind {
                    TypeKind::Object(object) => object.implements.iter().any(|found| found.node == name),
                    _ => false,
                };
                let found = self.types.iter().filter(|(_, kind)| implements(kind));
                found.map(|(name, _)| name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every object that a query can reach.
    pub(crate) fn readable(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec!["Query".to_owned()];
        while let Some(next) = open.pop() {
            if found.insert(next.clone()) {
                open.extend(self.fields(&next).iter().flat_map(|field| self.possible(&field.ty)));
            }
        }
        found
    }

    /// Everything of a type, `depth` objects deep (a connection is no step of its own), each object with `__typename`.
    pub(crate) fn selection(&self, ty: &str, depth: usize) -> String {
        self.parts(ty, depth).join(" ")
    }

    /// [`Schema::selection`] in parts that are documents of a reasonable size: one of all leaves, one for each object field.
    pub(crate) fn parts(&self, ty: &str, depth: usize) -> Vec<String> {
        if let Some(connected) = self.connected(ty) {
            return vec![format!(
                "totalCount pageInfo {{ {} }} nodes {{ __typename }} edges {{ __typename cursor node {{ {} }} }} __typename",
                self.selection("PageInfo", 0),
                self.selection(&connected, depth),
            )];
        }
        if !matches!(self.kind(ty), Some(TypeKind::Object(_))) {
            let fragment = |ty: String| format!("... on {ty} {{ {} }}", self.selection(&ty, depth));
            return self.possible(ty).into_iter().map(fragment).collect();
        }
        let (objects, leaves): (Vec<_>, Vec<_>) =
            self.fields(ty).into_iter().partition(|field| !self.possible(&field.ty).is_empty());
        let leaves = leaves.into_iter().map(|field| field.name);
        let mut parts =
            vec![std::iter::once("__typename".to_owned()).chain(leaves).collect::<Vec<_>>().join(" ")];
        if depth > 0 {
            parts.extend(objects.iter().map(|field| {
                let page = field.arguments.iter().any(|argument| argument.name == "first");
                let page = if page { format!("({PAGE})") } else { String::new() };
                format!("{}{page} {{ {} }}", field.name, self.selection(&field.ty, depth - 1))
            }));
        }
        parts
    }

    /// What a connection connects.
    fn connected(&self, ty: &str) -> Option<String> {
        let edges = self.fields(ty).into_iter().find(|field| field.name == "edges")?;
        Some(self.fields(&edges.ty).into_iter().find(|field| field.name == "node")?.ty)
    }
}
