//! What is selected at one place: `CollectFields` of the specification, for every type that an object there can have.
//!
//! A place of an abstract type is executed as one list of selections for objects of any type. So that the answer has
//! its fields in the order in which they are met first, what applies to some types only stays where it is written.

use std::{collections::HashMap, rc::Rc};

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::Value as Literal,
    executable::{DirectiveList, Field, Selection, SelectionSet},
    schema::ExtendedType,
};
use async_graphql::{Value, Variables};

/// Selections of one response name that are one field of the answer.
pub(super) struct Group<'a> {
    pub(super) fields: Vec<&'a Node<Field>>,
    pub(super) on: Condition<'a>,
    /// The group before this one of the same response name.
    before: Option<usize>,
}

/// The objects that a selection applies to.
#[derive(Clone, PartialEq)]
pub(super) struct Condition<'a> {
    /// Their types, in order of their names.
    pub(super) types: Rc<[&'a str]>,
    /// The type conditions that say so, the outermost first; none where it is every object of the place.
    pub(super) path: Vec<&'a str>,
}

/// Collects the fields of one operation, place by place.
pub(super) struct Collector<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    variables: Option<&'a Variables>,
    /// Types of the objects of a composite type, by its name.
    objects: HashMap<&'a str, Rc<[&'a str]>>,
}

#[derive(Default)]
struct Collected<'a> {
    groups: Vec<Group<'a>>,
    /// The last group of each response name.
    last: HashMap<&'a str, usize>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        schema: &'a Schema,
        document: &'a ExecutableDocument,
        variables: Option<&'a Variables>,
    ) -> Self {
        Self { schema, document, variables, objects: HashMap::new() }
    }

    /// The fields that `sets` select of an object of the type `parent`, in the order of the answer.
    pub(super) fn groups(&mut self, parent: &'a str, sets: &[&'a SelectionSet]) -> Vec<Group<'a>> {
        let everything = Condition { types: self.objects(parent), path: Vec::new() };
        let mut collected = Collected::default();
        for set in sets {
            self.fragment(parent, &everything, set, &everything.types, &mut collected);
        }
        collected.groups
    }

    /// Collects a set with a type condition, its own type, at a place that is known to be of type `ty`.
    fn fragment(
        &mut self,
        ty: &'a str,
        on: &Condition<'a>,
        set: &'a SelectionSet,
        place: &Rc<[&'a str]>,
        collected: &mut Collected<'a>,
    ) {
        let condition = set.ty.as_str();
        if condition == ty || self.schema.is_subtype(condition, ty) {
            self.set(ty, on, set, place, collected);
        } else if let Some(narrower) = self.narrower(on, condition, place) {
            self.set(condition, &narrower, set, place, collected);
        }
    }

    fn set(
        &mut self,
        ty: &'a str,
        on: &Condition<'a>,
        set: &'a SelectionSet,
        place: &Rc<[&'a str]>,
        collected: &mut Collected<'a>,
    ) {
        for selection in &set.selections {
            if !self.included(selection.directives()) {
                continue;
            }
            let inner = match selection {
                Selection::Field(field) => {
                    collected.add(field, on);
                    continue;
                }
                Selection::InlineFragment(fragment) => &fragment.selection_set,
                Selection::FragmentSpread(spread) => match self.document.fragments.get(&spread.fragment_name)
                {
                    Some(fragment) => &fragment.selection_set,
                    None => continue,
                },
            };
            self.fragment(ty, on, inner, place, collected);
        }
    }

    /// `on` and `condition` both; `None` where no object is of both.
    fn narrower(
        &mut self,
        on: &Condition<'a>,
        condition: &'a str,
        place: &Rc<[&'a str]>,
    ) -> Option<Condition<'a>> {
        let objects = self.objects(condition);
        let both = |ty: &&'a str| objects.binary_search(ty).is_ok();
        let types: Rc<[&'a str]> = on.types.iter().copied().filter(|ty| both(ty)).collect();
        if types.is_empty() {
            return None;
        }
        // Inside a condition the executor knows the object itself, and every field it has.
        if types == on.types && !on.path.is_empty() {
            return Some(on.clone());
        }
        let alone = place.iter().filter(|ty| both(ty)).count() == types.len();
        let mut path = if alone { Vec::new() } else { on.path.clone() };
        path.push(condition);
        Some(Condition { types, path })
    }

    fn objects(&mut self, ty: &'a str) -> Rc<[&'a str]> {
        let schema = self.schema;
        let find = || -> Rc<[&'a str]> {
            let mut names: Vec<&'a str> = match schema.types.get(ty) {
                Some(ExtendedType::Interface(_)) => {
                    let objects = schema.types.values().filter_map(ExtendedType::as_object);
                    objects
                        .filter(|object| object.implements_interfaces.contains(ty))
                        .map(|object| object.name.as_str())
                        .collect()
                }
                Some(ExtendedType::Union(union)) => union.members.iter().map(|name| name.as_str()).collect(),
                _ => vec![ty],
            };
            names.sort_unstable();
            names.into()
        };
        Rc::clone(self.objects.entry(ty).or_insert_with(find))
    }

    fn included(&self, directives: &DirectiveList) -> bool {
        let holds = |name: &str| {
            let condition = directives.get(name)?.specified_argument_by_name("if")?;
            match condition.as_ref() {
                Literal::Boolean(flag) => Some(*flag),
                Literal::Variable(name) => Some(
                    self.variables.and_then(|given| given.get(name.as_str())) == Some(&Value::Boolean(true)),
                ),
                _ => None,
            }
        };
        !holds("skip").unwrap_or(false) && holds("include").unwrap_or(true)
    }
}

impl<'a> Collected<'a> {
    /// Adds a selection to those it is one field with, for all objects it applies to.
    ///
    /// Where it shares some objects but not all with an earlier selection, it stays by itself: the executor merges what
    /// both answer, in this order.
    fn add(&mut self, field: &'a Node<Field>, on: &Condition<'a>) {
        let name = field.response_name().as_str();
        let last = self.last.get(name).copied();
        let mut at = last;
        while let Some(group) = at.and_then(|at| self.groups.get_mut(at)) {
            if group.on.types == on.types {
                group.fields.push(field);
                return;
            }
            let shared = on.types.iter().filter(|ty| group.on.types.binary_search(ty).is_ok()).count();
            // A leaf has nothing to add to what is selected already.
            if shared == on.types.len() && field.selection_set.is_none() {
                return;
            }
            if shared > 0 {
                break;
            }
            at = group.before;
        }
        self.last.insert(name, self.groups.len());
        self.groups.push(Group { fields: vec![field], on: on.clone(), before: last });
    }
}
