//! Fields of an answer come in the order in which the document has them first, whatever the types they are asked of.
//! Random documents are compared with `CollectFields` and `MergeSelectionSets`, written down as the specification has
//! them.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use apollo_compiler::{
    ExecutableDocument, Schema as Types,
    ast::Value as Literal,
    executable::{DirectiveList, Field, Selection, SelectionSet},
};
use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Interface, Object, Schema, Union, ValidationMode,
};
use guildhall_front::{Front, Limits};
use serde_json::{Map, Value, json};

use crate::{
    client::query_with,
    support::{TestHost, free},
};

#[derive(Clone, Copy)]
struct Dog;
#[derive(Clone, Copy)]
struct Cat;
#[derive(Clone, Copy)]
struct Bird;

#[derive(Interface)]
#[graphql(
    field(name = "name", ty = "String"),
    field(name = "mate", ty = "Being"),
    field(name = "kin", ty = "Vec<Being>")
)]
enum Being {
    Dog(Dog),
    Cat(Cat),
    Bird(Bird),
}

/// An interface of some of them.
#[derive(Interface)]
#[graphql(field(name = "name", ty = "String"), field(name = "legs", ty = "i32"))]
enum Walker {
    Dog(Dog),
    Cat(Cat),
}

/// An interface that shares an object with another that shares some with it.
#[derive(Interface)]
#[graphql(field(name = "name", ty = "String"), field(name = "mate", ty = "Being"))]
enum Singer {
    Cat(Cat),
    Bird(Bird),
}

#[derive(Union)]
enum Quiet {
    Dog(Dog),
    Bird(Bird),
}

fn kin() -> Vec<Being> {
    vec![Being::Bird(Bird), Being::Dog(Dog), Being::Cat(Cat)]
}

#[Object]
impl Dog {
    async fn name(&self) -> String {
        "dog".to_owned()
    }
    async fn legs(&self) -> i32 {
        4
    }
    /// Counted, as statements are.
    async fn mate(&self, ctx: &Context<'_>) -> Being {
        ctx.data_unchecked::<Arc<AtomicUsize>>().fetch_add(1, Ordering::Relaxed);
        Being::Cat(Cat)
    }
    async fn kin(&self) -> Vec<Being> {
        kin()
    }
}

#[Object]
impl Cat {
    async fn name(&self) -> String {
        "cat".to_owned()
    }
    async fn legs(&self) -> i32 {
        4
    }
    async fn mate(&self) -> Being {
        Being::Bird(Bird)
    }
    async fn kin(&self) -> Vec<Being> {
        kin()
    }
}

#[Object]
impl Bird {
    async fn name(&self) -> String {
        "bird".to_owned()
    }
    async fn mate(&self) -> Being {
        Being::Dog(Dog)
    }
    async fn kin(&self) -> Vec<Being> {
        kin()
    }
}

struct Query;

#[Object]
impl Query {
    async fn dog(&self) -> Dog {
        Dog
    }
    async fn beings(&self) -> Vec<Being> {
        kin()
    }
    async fn walkers(&self) -> Vec<Walker> {
        vec![Walker::Cat(Cat), Walker::Dog(Dog)]
    }
    async fn singers(&self) -> Vec<Singer> {
        vec![Singer::Cat(Cat), Singer::Bird(Bird)]
    }
    async fn quiet(&self) -> Vec<Quiet> {
        vec![Quiet::Dog(Dog), Quiet::Bird(Bird)]
    }
}

type World = Front<TestHost, Schema<Query, EmptyMutation, EmptySubscription>>;

fn world() -> (World, String) {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription);
    let schema = schema.validation_mode(ValidationMode::Fast).finish();
    let sdl = schema.sdl();
    let limits = Limits { copies: 1_000, cost: u64::MAX, ..free() };
    let front = Front::new(TestHost::default(), schema, &sdl, limits).expect("the schema is valid");
    (front, sdl)
}

/// What the specification has for a document that is valid.
struct Reference<'a> {
    document: &'a ExecutableDocument,
    types: &'a Types,
    variables: &'a Value,
}

/// Selections by response name, in the order of the first of each.
type Collected<'a> = Vec<(&'a str, Vec<&'a Field>)>;

impl<'a> Reference<'a> {
    fn object(&self, ty: &str, sets: &[&'a SelectionSet]) -> Value {
        let mut collected = Vec::new();
        sets.iter().for_each(|set| self.collect(ty, set, &mut collected));
        let value = |(name, fields): (&str, Vec<&'a Field>)| {
            let sets: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
            let objects = |types: &[&str]| types.iter().map(|ty| self.object(ty, &sets)).collect();
            let value = match (fields[0].name.as_str(), ty) {
                ("__typename", _) => json!(ty),
                ("name", _) => json!(ty.to_lowercase()),
                ("legs", _) => json!(4),
                ("mate", "Dog") => self.object("Cat", &sets),
                ("mate", "Cat") => self.object("Bird", &sets),
                ("mate", _) | ("dog", _) => self.object("Dog", &sets),
                ("kin" | "beings", _) => objects(&["Bird", "Dog", "Cat"]),
                ("walkers", _) => objects(&["Cat", "Dog"]),
                ("singers", _) => objects(&["Cat", "Bird"]),
                ("quiet", _) => objects(&["Dog", "Bird"]),
                (other, _) => panic!("{other}"),
            };
            (name.to_owned(), value)
        };
        Value::Object(collected.into_iter().map(value).collect::<Map<_, _>>())
    }

    fn collect(&self, ty: &str, set: &'a SelectionSet, collected: &mut Collected<'a>) {
        for selection in &set.selections {
            if !self.included(selection.directives()) {
                continue;
            }
            let inner = match selection {
                Selection::Field(field) => {
                    let name = field.response_name().as_str();
                    match collected.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, fields)) => fields.push(field),
                        None => collected.push((name, vec![field])),
                    }
                    continue;
                }
                Selection::InlineFragment(fragment) => &fragment.selection_set,
                Selection::FragmentSpread(spread) => {
                    &self.document.fragments[&spread.fragment_name].selection_set
                }
            };
            if inner.ty == ty || self.types.is_subtype(&inner.ty, ty) {
                self.collect(ty, inner, collected);
            }
        }
    }

    fn included(&self, directives: &DirectiveList) -> bool {
        directives.iter().all(|directive| {
            let condition = match directive.specified_argument_by_name("if").unwrap().as_ref() {
                Literal::Variable(name) => self.variables[name.as_str()].as_bool().unwrap(),
                other => other.to_bool().unwrap(),
            };
            condition == (directive.name == "include")
        })
    }
}

/// Writes random documents: a generator of numbers, and fragments that were spread.
struct Writer {
    state: u64,
    fragments: String,
    count: usize,
}

impl Writer {
    /// A number below `bound` (xorshift).
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % bound as u64).unwrap()
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }

    fn set(&mut self, ty: &str, depth: usize) -> String {
        let mut text = String::from("{ __typename @skip(if: true)");
        for _ in 0..=self.below(4) {
            let condition = self.one_of(&["", "", "", " @include(if: $a)", " @skip(if: $b)"]);
            if depth > 0 && self.below(2) == 0 {
                let narrower = self.one_of(&["Being", "Walker", "Singer", "Quiet", "Dog", "Cat", "Bird"]);
                let inner = self.set(narrower, depth - 1);
                if self.below(3) == 0 {
                    self.count += 1;
                    let _ = write!(text, " ...F{}{condition}", self.count);
                    let _ = write!(self.fragments, " fragment F{} on {narrower} {inner}", self.count);
                } else {
                    let _ = write!(text, " ...on {narrower}{condition} {inner}");
                }
                continue;
            }
            let field = match ty {
                "Quiet" => self.one_of(&["__typename", "t: __typename"]),
                "Walker" => self.one_of(&["name", "legs", "n: name", "__typename"]),
                "Singer" => self.one_of(&["name", "mate", "m: mate", "__typename"]),
                "Dog" | "Cat" => self.one_of(&["name", "legs", "n: name", "mate", "kin", "__typename"]),
                _ => self.one_of(&["name", "n: name", "mate", "m: mate", "kin", "__typename"]),
            };
            let inner = match field {
                "mate" | "m: mate" | "kin" if depth == 0 => "{ name }".to_owned(),
                "mate" | "m: mate" | "kin" => self.set("Being", depth - 1),
                _ => String::new(),
            };
            let _ = write!(text, " {field}{condition} {inner}");
        }
        text + " }"
    }
}

#[tokio::test]
async fn fields_are_answered_in_the_order_of_the_document() {
    let (front, sdl) = world();
    let router = front.router();
    let types = Types::parse_and_validate(&sdl, "schema").unwrap();
    let mut compared = 0;
    for seed in 1..=600 {
        let mut writer = Writer {
            state: u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15),
            fragments: String::new(),
            count: 0,
        };
        let root = writer.one_of(&["beings", "walkers", "singers", "quiet"]);
        let ty = match root {
            "beings" => "Being",
            "walkers" => "Walker",
            "singers" => "Singer",
            _ => "Quiet",
        };
        let (set, again) = (writer.set(ty, 4), writer.set(ty, 2));
        let fragments = &writer.fragments;
        let text = format!(
            "query($a: Boolean!, $b: Boolean!) {{ a: __typename @include(if: $a) @skip(if: true) {root} {set}
             b: __typename @include(if: $b) @skip(if: true) {root} {again} }} {fragments}"
        );
        // A spread may be impossible where it was written.
        let Ok(document) = ExecutableDocument::parse_and_validate(&types, &text, "request") else { continue };
        let operation = document.operations.iter().next().unwrap();
        let variables = json!({"a": writer.below(2) == 0, "b": writer.below(2) == 0});
        let reply = query_with(&router, &text, variables.clone()).await;
        if reply.code() == "QUERY_TOO_COMPLEX" {
            continue;
        }
        compared += 1;
        let reference = Reference { document: &document, types: &types, variables: &variables };
        let expected = json!({"data": reference.object("Query", &[&operation.selection_set])});
        assert_eq!(reply.text, expected.to_string(), "{text} {variables}");
    }
    assert!(compared > 100, "{compared}");
}

#[tokio::test]
async fn fields_of_one_type_keep_their_places_and_run_once() {
    let (front, _) = world();
    let text =
        "{ walkers { ...on Dog { mate { name } } n: name ...on Dog { legs mate { __typename name } } } }";
    let reply = query_with(&front.router(), text, json!({})).await;
    let cat = r#"{"n":"cat"}"#;
    let dog = r#"{"mate":{"name":"cat","__typename":"Cat"},"n":"dog","legs":4}"#;
    assert_eq!(reply.text, format!(r#"{{"data":{{"walkers":[{cat},{dog}]}}}}"#));
    assert_eq!(*front.host().records.lock().unwrap(), ["http - 200 1 []"]);
}
