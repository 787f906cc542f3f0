//! Random valid documents, from the schema: what no test would think of asking.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::support::schema::{Input, Schema};

/// How many objects deep.
const DEPTH: usize = 4;

/// Makes documents. The same seed and pools make the same ones.
pub(super) struct Random<'a> {
    schema: &'a Schema,
    dice: StdRng,
    /// What an ID may be: things of everybody, and of nobody.
    pub(super) ids: Vec<String>,
    /// What a text may be.
    pub(super) texts: Vec<String>,
    /// What else it may be, and seldom is.
    pub(super) odd_texts: Vec<String>,
    /// Cursors that somebody has seen.
    pub(super) cursors: Vec<String>,
    /// Cursors that nobody has.
    pub(super) odd_cursors: Vec<String>,
    aliases: usize,
}

impl<'a> Random<'a> {
    pub(super) fn new(schema: &'a Schema, seed: u64) -> Self {
        let dice = StdRng::seed_from_u64(seed);
        Self {
            schema,
            dice,
            ids: Vec::new(),
            texts: Vec::new(),
            odd_texts: Vec::new(),
            cursors: Vec::new(),
            odd_cursors: Vec::new(),
            aliases: 0,
        }
    }

    /// A query of one to three root fields.
    pub(super) fn document(&mut self) -> String {
        self.aliases = 0;
        let roots = self.dice.random_range(1..=3);
        let fields: Vec<String> = (0..roots).map(|_| self.field("Query", DEPTH)).collect();
        format!("{{ {} }}", fields.join(" "))
    }

    fn chance(&mut self, of_ten: u32) -> bool {
        self.dice.random_range(0..10) < of_ten
    }

    fn pick(&mut self, pool: &[String]) -> String {
        pool.choose(&mut self.dice).cloned().unwrap_or_default()
    }

    /// A text as it stands in a document.
    fn text(&mut self, usual: fn(&Self) -> &[String], odd: fn(&Self) -> &[String], of_ten: u32) -> String {
        let pool = if self.chance(of_ten) { odd } else { usual };
        let at = self.dice.random_range(0..pool(self).len().max(1));
        let text = pool(self).get(at).cloned().unwrap_or_default();
        serde_json::Value::from(text).to_string()
    }

    /// One random field of an object, under an alias of its own where it takes arguments.
    fn field(&mut self, ty: &str, depth: usize) -> String {
        let mut fields = self.schema.fields(ty);
        if depth == 0 {
            fields.retain(|field| self.schema.possible(&field.ty).is_empty());
        }
        let Some(field) = fields.choose(&mut self.dice) else { return "__typename".into() };
        let mut arguments = Vec::new();
        let backward = self.chance(3);
        for argument in &field.arguments {
            let wanted = match argument.name.as_str() {
                // Both seldom: that is refused.
                "first" => !backward || self.dice.random_range(0..20) == 0,
                "last" => backward,
                "after" => !backward && self.chance(1),
                "before" => backward && self.chance(1),
                _ => argument.is_required || self.chance(4),
            };
            if wanted {
                arguments.push(format!("{}: {}", argument.name, self.value(argument)));
            }
        }
        let mut text = String::new();
        if !field.arguments.is_empty() {
            self.aliases += 1;
            write!(text, "a{}: ", self.aliases).unwrap();
        }
        text += &field.name;
        if !arguments.is_empty() {
            write!(text, "({})", arguments.join(", ")).unwrap();
        }
        if !self.schema.possible(&field.ty).is_empty() {
            write!(text, " {{ {} }}", self.selection(&field.ty, depth.saturating_sub(1))).unwrap();
        }
        text
    }

    fn selection(&mut self, ty: &str, depth: usize) -> String {
        let names: Vec<String> = self.schema.fields(ty).into_iter().map(|field| field.name).collect();
        let mut parts = vec!["__typename".to_owned()];
        if names.iter().any(|name| name == "pageInfo") {
            // A connection is no step of its own.
            let node = self.schema.fields(ty).into_iter().find(|field| field.name == "nodes").unwrap().ty;
            if self.chance(6) {
                parts.push("totalCount".into());
            }
            if self.chance(6) {
                parts.push("pageInfo { hasNextPage hasPreviousPage startCursor endCursor }".into());
            }
            if self.chance(7) {
                parts.push(format!("nodes {{ {} }}", self.selection(&node, depth)));
            } else {
                parts.push(format!("edges {{ cursor node {{ {} }} }}", self.selection(&node, depth)));
            }
        } else if names.is_empty() {
            // One of the possible types: fields of one name may be of different types in two.
            if let Some(ty) = self.schema.possible(ty).choose(&mut self.dice) {
                parts.push(format!("... on {ty} {{ {} }}", self.selection(ty, depth)));
            }
        } else {
            for _ in 0..self.dice.random_range(1..=5) {
                let part = self.field(ty, depth);
                // Without arguments a field has no alias: twice it would have to be asked alike.
                let name = part.split([' ', '(']).next().unwrap_or_default().to_owned();
                if !parts.iter().any(|known| known.split([' ', '(']).next() == Some(&name)) {
                    parts.push(part);
                }
            }
        }
        parts.join(" ")
    }

    fn value(&mut self, input: &Input) -> String {
        if input.is_list {
            let values: Vec<String> = (0..self.dice.random_range(1..=3)).map(|_| self.one(input)).collect();
            return format!("[{}]", values.join(", "));
        }
        self.one(input)
    }

    fn one(&mut self, input: &Input) -> String {
        match (input.ty.as_str(), input.name.as_str()) {
            ("Int", _) if self.dice.random_range(0..20) == 0 => {
                self.pick(&["0", "-1", "100", "101", "2147483647"].map(str::to_owned))
            }
            ("Int", _) => self.dice.random_range(1..=3).to_string(),
            ("Boolean", _) => self.chance(5).to_string(),
            ("String", "after" | "before") => self.text(|own| &own.cursors, |own| &own.odd_cursors, 2),
            ("String", _) => self.text(|own| &own.texts, |own| &own.odd_texts, 4),
            ("ID", _) => format!("{:?}", self.pick(&self.ids.clone())),
            ("DateTime", _) => {
                format!("\"2026-11-24T08:{:02}:00Z\"", self.dice.random_range(0..60))
            }
            (ty, _) => {
                let values = self.schema.values(ty);
                if !values.is_empty() {
                    return self.pick(&values);
                }
                self.object(ty)
            }
        }
    }

    /// An input object with some of its fields; where it takes exactly one, with one.
    fn object(&mut self, ty: &str) -> String {
        let fields = self.schema.inputs(ty);
        assert!(!fields.is_empty(), "teach this test what a `{ty}` is");
        let mut chosen: Vec<&Input> = if self.schema.is_one_of(ty) {
            fields.choose(&mut self.dice).into_iter().collect()
        } else {
            fields.iter().filter(|field| field.is_required || self.chance(3)).collect()
        };
        let fields: Vec<String> =
            chosen.drain(..).map(|field| format!("{}: {}", field.name, self.value(field))).collect();
        format!("{{ {} }}", fields.join(", "))
    }
}
