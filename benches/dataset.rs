//! The data set of the benchmarks: `dataset.sql`, written for one database in one size.

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite 3.41 or later.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// How many rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// At least ten.
    pub(crate) organizations: u32,
    /// At least five hundred.
    pub(crate) users: u32,
    /// Live ones.
    pub(crate) workspaces: u32,
    /// What a workspace has at most, and half of that on average; at most five.
    pub(crate) builds: u32,
}

impl Size {
    fn get(self, name: &str) -> Option<u32> {
        Some(match name {
            "organizations" => self.organizations,
            "big" => self.organizations / 10,
            "users" => self.users,
            "groups" => self.organizations * 20,
            "templates" => self.organizations * 30,
            "versions" => self.organizations * 90,
            "workspaces" => self.workspaces,
            "builds" => self.builds,
            _ => return None,
        })
    }
}

/// The statements that fill an empty database, in their order.
///
/// # Panics
/// When `dataset.sql` has a word in braces that is not known here.
pub(crate) fn statements(dialect: Dialect, size: Size) -> Vec<String> {
    written(include_str!("dataset.sql"), dialect, size)
}

/// The statements of a text in the manner of `dataset.sql`.
pub(crate) fn written(text: &str, dialect: Dialect, size: Size) -> Vec<String> {
    let without_comments: Vec<&str> = text.lines().filter(|line| !line.starts_with("--")).collect();
    let text = without_comments.join("\n");
    text.split("\n\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .map(|statement| write(statement, dialect, size))
        .collect()
}

/// Replaces the words in braces: `{id 8|n}` is the id of the n-th workspace, `{at n}` a time n seconds after the start of
/// 2024, `{hash n|salt}` a number of 16 bits, `{pad n}` five digits, `{bytes n}` 32 bytes, `{json '…'}` a JSON literal,
/// `{series users}` the table `series (n)`, `{users}` how many there are.
fn write(statement: &str, dialect: Dialect, size: Size) -> String {
    let mut out = String::with_capacity(statement.len() * 2);
    let mut rest = statement;
    while let Some(open) = rest.find('{') {
        let close = open + closing(&rest[open..]);
        out.push_str(&rest[..open]);
        out.push_str(&word(&rest[open + 1..close], dialect, size));
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    out
}

/// A JSON literal may itself hold braces.
fn closing(text: &str) -> usize {
    let mut depth = 0_u32;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return i,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    panic!("a brace is not closed: {text}")
}

fn word(word: &str, dialect: Dialect, size: Size) -> String {
    if let Some(count) = size.get(word) {
        return count.to_string();
    }
    let (name, argument) = word.split_once(' ').unwrap_or((word, ""));
    let (first, second) = argument.split_once('|').unwrap_or((argument, ""));
    let postgres = dialect == Dialect::Postgres;
    match name {
        "series" => {
            let count = size.get(argument).unwrap_or_else(|| panic!("how many `{argument}`?"));
            format!(
                "with recursive series (n) as (select 1 union all select n + 1 from series where n < {count})"
            )
        }
        "id" if postgres => format!(
            "cast('01900000-0000-7000-80{first:0>2}-' || lpad(to_hex(cast({second} as bigint)), 12, '0') as uuid)"
        ),
        "id" => format!("unhex('019000000000700080{first:0>2}' || printf('%012x', {second}))"),
        "at" if postgres => format!("(timestamptz '2024-01-01Z' + ({argument}) * interval '1 second')"),
        "at" => {
            format!("strftime('%Y-%m-%dT%H:%M:%S', 1704067200 + ({argument}), 'unixepoch') || '+00:00'")
        }
        "hash" if postgres => {
            format!("((cast({first} as bigint) * 2654435761 + {second} * 40503) % 4294967296 / 65536)")
        }
        "hash" => format!("((({first}) * 2654435761 + {second} * 40503) % 4294967296 / 65536)"),
        "pad" if postgres => format!("lpad(cast({argument} as text), 5, '0')"),
        "pad" => format!("printf('%05d', {argument})"),
        "bytes" if postgres => format!("decode(lpad(to_hex({argument}), 64, '0'), 'hex')"),
        "bytes" => format!("unhex(printf('%064x', {argument}))"),
        "json" if postgres => format!("cast({argument} as jsonb)"),
        "json" => argument.to_owned(),
        _ => panic!("dataset.sql: what is {{{word}}}?"),
    }
}
