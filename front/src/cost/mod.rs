//! What an operation may cost before it runs, and what its answer did cost.
//!
//! One point per object the answer can hold, ten per mutation field: a page multiplies what is below it. Sums saturate,
//! so no document makes them wrap.

mod build;

use std::collections::{BTreeSet, HashMap};

use apollo_compiler::{ExecutableDocument, Schema, executable::Operation};
use async_graphql::{Value, Variables};
use serde_json::Value as Json;

use crate::{Limits, document::dry_run};
use build::Builder;

/// Points of one root field of a mutation, on top of the objects it answers with.
const MUTATION_POINTS: u64 = 10;
/// Items the cost assumes of a list of objects that is not paged.
const PLAIN_LIST_ITEMS: u64 = 5;

/// The cost of one operation, as far as it is known without variables.
#[derive(Debug)]
pub(crate) struct CostPlan {
    roots: Vec<CostNode>,
    /// The cost where no page size is a variable.
    fixed: Option<u64>,
    page_default: u64,
    page_max: u64,
    /// Points that do not depend on the answer.
    base: u64,
    /// Response names of root fields that cost nothing.
    free: BTreeSet<String>,
}

#[derive(Debug)]
struct CostNode {
    name: String,
    own: u64,
    size: Size,
    is_list: bool,
    children: Vec<CostNode>,
}

/// How many items a field answers with.
#[derive(Debug)]
enum Size {
    /// One object.
    One,
    /// A list without a page size: the page of the connection around it, else a plain list.
    Inherited,
    /// `first` or `last`; the larger counts.
    Page(Vec<Amount>),
    /// As many as the list argument has items (`ids`).
    Items(Amount),
}

#[derive(Debug)]
enum Amount {
    Known(u64),
    Unset,
    Variable(String),
}

impl CostPlan {
    pub(crate) fn of(
        schema: &Schema,
        document: &ExecutableDocument,
        operation: &Operation,
        limits: &Limits,
    ) -> Self {
        let builder = Builder { schema, document };
        let mut roots = Vec::new();
        builder.set(&operation.selection_set, false, &mut roots);
        let (mut base, mut free) = (0, BTreeSet::new());
        if operation.operation_type.is_query() {
            // Who asks for the price wants that of the rest.
            let asking = operation.root_fields(document).filter(|field| field.name == dry_run::FIELD);
            free = asking.map(|field| field.response_name().to_string()).collect();
        }
        if !operation.operation_type.is_mutation() {
            roots.retain(|root| root.own > 0 && !free.contains(&root.name));
        }
        if operation.operation_type.is_mutation() {
            roots.iter_mut().for_each(|root| root.own += MUTATION_POINTS);
            base = MUTATION_POINTS * roots.len() as u64;
        }
        let mut plan = Self {
            roots,
            fixed: None,
            page_default: limits.page_default,
            page_max: limits.page_max,
            base,
            free,
        };
        if !plan.roots.iter().any(CostNode::varies) {
            plan.fixed = Some(plan.points(&Variables::default()));
        }
        plan
    }

    /// Points of the operation with these variables; at least one.
    pub(crate) fn points(&self, variables: &Variables) -> u64 {
        self.fixed.unwrap_or_else(|| {
            let sum = |sum: u64, root| sum.saturating_add(self.node(root, variables, None));
            self.roots.iter().fold(0, sum).max(1)
        })
    }

    /// Points an answer did cost; at least one.
    pub(crate) fn used(&self, data: Option<&Value>) -> u64 {
        let free = |data: &Value| match data {
            Value::Object(roots) => {
                self.free.iter().filter_map(|name| roots.get(name.as_str())).map(counted).sum()
            }
            _ => 0,
        };
        self.base.saturating_add(data.map_or(0, |data| objects(data) - free(data))).max(1)
    }

    /// Points by response path, each with all that is below it: `orgs` 26, `orgs.nodes` 25.
    pub(crate) fn by_path(&self, variables: &Variables) -> Vec<(String, u64)> {
        let mut report = Report::default();
        for root in &self.roots {
            self.report(root, variables, (None, 1), "", &mut report);
        }
        report.paths
    }

    fn node(&self, node: &CostNode, variables: &Variables, page: Option<u64>) -> u64 {
        let (times, below) = self.times(node, variables, page);
        let sum = |sum: u64, child| sum.saturating_add(self.node(child, variables, below));
        node.children.iter().fold(node.own, sum).saturating_mul(times)
    }

    /// How often the objects of a field occur per parent, and the page its list children answer with.
    fn times(&self, node: &CostNode, variables: &Variables, page: Option<u64>) -> (u64, Option<u64>) {
        match &node.size {
            Size::One => (1, None),
            Size::Inherited => (page.unwrap_or(PLAIN_LIST_ITEMS), None),
            Size::Items(amount) => (self.amount(amount, variables).unwrap_or(1), None),
            Size::Page(amounts) => {
                let size = amounts.iter().filter_map(|amount| self.amount(amount, variables)).max();
                let size = size.unwrap_or(self.page_default).min(self.page_max);
                if node.is_list { (size, None) } else { (1, Some(size)) }
            }
        }
    }

    fn amount(&self, amount: &Amount, variables: &Variables) -> Option<u64> {
        match amount {
            Amount::Known(known) => Some(*known),
            Amount::Unset => None,
            Amount::Variable(name) => match variables.get(name.as_str())? {
                Value::Number(number) => Some(number.as_u64().unwrap_or(0)),
                Value::List(items) => Some(items.len() as u64),
                _ => None,
            },
        }
    }

    fn report(
        &self,
        node: &CostNode,
        variables: &Variables,
        (page, around): (Option<u64>, u64),
        prefix: &str,
        report: &mut Report,
    ) {
        let path = if prefix.is_empty() { node.name.clone() } else { format!("{prefix}.{}", node.name) };
        let points = self.node(node, variables, page).saturating_mul(around);
        report.add(&path, points);
        let (times, below) = self.times(node, variables, page);
        for child in &node.children {
            self.report(child, variables, (below, around.saturating_mul(times)), &path, report);
        }
    }
}

/// Points by path, in the order of the document; what is selected twice at one path is added up.
#[derive(Default)]
struct Report {
    paths: Vec<(String, u64)>,
    index: HashMap<String, usize>,
}

impl Report {
    fn add(&mut self, path: &str, points: u64) {
        match self.index.get(path) {
            Some(at) => self.paths[*at].1 = self.paths[*at].1.saturating_add(points),
            None => {
                self.index.insert(path.to_owned(), self.paths.len());
                self.paths.push((path.to_owned(), points));
            }
        }
    }
}

/// Points by path as an object.
pub(crate) fn json_of(by_path: Vec<(String, u64)>) -> Json {
    Json::Object(by_path.into_iter().map(|(path, points)| (path, points.into())).collect())
}

impl CostNode {
    fn varies(&self) -> bool {
        let by_variable = |amount: &Amount| matches!(amount, Amount::Variable(_));
        let own = match &self.size {
            Size::One | Size::Inherited => false,
            Size::Page(amounts) => amounts.iter().any(by_variable),
            Size::Items(amount) => by_variable(amount),
        };
        own || self.children.iter().any(Self::varies)
    }
}

/// Objects of an answer, apart from its root.
fn objects(value: &Value) -> u64 {
    match value {
        Value::Object(fields) => fields.values().map(counted).sum(),
        Value::List(items) => items.iter().map(counted).sum(),
        _ => 0,
    }
}

/// Objects of a value, with itself if it is one.
fn counted(value: &Value) -> u64 {
    u64::from(matches!(value, Value::Object(_))) + objects(value)
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    const SDL: &str = "
        type Query { org: Org orgs(first: Int, last: Int): OrgConnection! nodes(ids: [ID!]!): [Org]! rateLimit: Rate! }
        type Rate { cost: Int breakdown: [Tag!]! }
        type Mutation { create: Int }
        type Org { name: String tags: [Tag!]! members(first: Int, last: Int): OrgConnection! }
        type Tag { name: String }
        type OrgConnection { edges: [Edge!]! nodes: [Org!]! totalCount: Int! pageInfo: PageInfo! }
        type Edge { node: Org } type PageInfo { hasNextPage: Boolean! }";

    fn plan(text: &str) -> CostPlan {
        let schema = Schema::parse_and_validate(SDL, "schema").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, text, "request").unwrap();
        CostPlan::of(&schema, &document, document.operations.get(None).unwrap(), &Limits::default())
    }

    fn points(text: &str) -> u64 {
        plan(text).points(&Variables::default())
    }

    #[test]
    fn pages_multiply_what_is_below_them() {
        assert_eq!(points("{ __typename }"), 1);
        assert_eq!(points("{ org { name } }"), 1);
        assert_eq!(points("{ orgs { totalCount } }"), 1);
        assert_eq!(points("{ orgs { nodes { name } } }"), 1 + 25);
        assert_eq!(points("{ orgs(first: 10) { nodes { name } } }"), 1 + 10);
        assert_eq!(
            points("{ orgs(last: 10) { edges { node { name } } pageInfo { hasNextPage } } }"),
            1 + 20 + 1
        );
        assert_eq!(
            points("{ orgs(first: 10) { nodes { members(first: 10) { nodes { tags { name } } } } } }"),
            1 + 10 * (1 + 1 + 10 * (1 + 5))
        );
        assert_eq!(points("{ nodes(ids: [\"a\", \"b\"]) { name } }"), 2);
        assert_eq!(points("mutation { create }"), 10);
    }

    #[test]
    fn sizes_come_from_variables_and_are_bounded() {
        let plan = plan("query($n: Int) { orgs(first: $n) { nodes { name } } }");
        assert_eq!(plan.points(&Variables::from_value(value!({"n": 3}))), 4);
        assert_eq!(plan.points(&Variables::from_value(value!({"n": 5000}))), 101);
        assert_eq!(plan.points(&Variables::from_value(value!({"n": -1}))), 1);
        assert_eq!(plan.points(&Variables::default()), 26);
    }

    #[test]
    fn sums_saturate() {
        let deep = (0..14)
            .fold("name".to_owned(), |inner, _| format!("members(first: 100) {{ nodes {{ {inner} }} }}"));
        assert_eq!(points(&format!("{{ org {{ {deep} }} }}")), u64::MAX);
    }

    #[test]
    fn the_breakdown_adds_up() {
        let report = plan("{ orgs(first: 2) { nodes { tags { name } } } }").by_path(&Variables::default());
        assert_eq!(json_of(report).to_string(), r#"{"orgs":13,"orgs.nodes":12,"orgs.nodes.tags":10}"#);
    }

    #[test]
    fn asking_for_the_price_does_not_change_it() {
        let text = "{ r: rateLimit { cost breakdown { name } } org { name } }";
        assert_eq!(points(text), 1);
        assert_eq!(points("{ rateLimit { cost } }"), 1);
        let by_path = plan(text).by_path(&Variables::default());
        assert_eq!(by_path, [("org".to_owned(), 1)]);
        let answer = value!({"r": {"cost": 1, "breakdown": [{"name": "org"}]}, "org": {"name": "a"}});
        assert_eq!(plan(text).used(Some(&answer)), 1);
        // Merged into one field of the answer, whose objects are left out once.
        let twice =
            "{ ...F r: rateLimit { cost } org { name } } fragment F on Query { r: rateLimit { cost } }";
        assert_eq!(plan(twice).used(Some(&answer)), 1);
    }

    #[test]
    fn an_answer_costs_its_objects() {
        let used = |text, data: Value| plan(text).used(Some(&data));
        assert_eq!(
            used(
                "{ orgs { nodes { name } } }",
                value!({"orgs": {"nodes": [{"name": "a"}, null, {"name": "b"}]}})
            ),
            3
        );
        assert_eq!(used("{ __typename }", value!({"__typename": "Query"})), 1);
        assert_eq!(used("mutation { create }", value!({"create": 1})), 10);
        assert_eq!(plan("{ __typename }").used(None), 1);
    }
}
