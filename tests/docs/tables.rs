//! The tables of options, codes and limits, against the program's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use guildhall_front::{ErrorCode, Limits, StreamLimits};

use super::root;

/// Every option of a command has a row with its variable in the handbook, and every row is an option.
#[test]
fn the_handbook_lists_the_options() {
    let handbook = fs::read_to_string(root().join("docs/OPERATIONS.md")).unwrap();
    let documented: BTreeMap<&str, &str> = handbook
        .lines()
        .filter_map(|line| {
            let (flag, rest) = line.strip_prefix("| `--")?.split_once("` | `GUILDHALL")?;
            Some((flag, rest.split('`').next()?))
        })
        .collect();
    let mut options = BTreeMap::new();
    for command in [vec!["server"], vec!["provisionerd", "start"]] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_guildhall")).args(command).arg("--help").env_clear().output();
        let help = String::from_utf8(output.unwrap().stdout).unwrap();
        let own = help.split("Global options:").next().unwrap().to_owned();
        let mut flag = String::new();
        for line in own.lines().map(str::trim) {
            if let Some((_, rest)) = line.split_once("--").filter(|(before, _)| before.len() <= 4) {
                flag = rest.split([' ', ',']).next().unwrap_or_default().to_owned();
            } else if let Some(rest) = line.strip_prefix("[env: GUILDHALL") {
                options.insert(flag.clone(), rest.split(['=', ']']).next().unwrap_or_default().to_owned());
            }
        }
    }
    // Of the client's options only the server's address is one that a daemon needs.
    options.insert("url".into(), "_URL".into());
    let documented: BTreeMap<String, String> =
        documented.into_iter().map(|(flag, variable)| (flag.to_owned(), variable.to_owned())).collect();
    assert_eq!(documented, options);
}

/// Every limit that can be set has its default in the handbook, and every one there can be set.
#[test]
fn the_handbook_lists_the_limits() {
    let handbook = fs::read_to_string(root().join("docs/OPERATIONS.md")).unwrap();
    let table = handbook.split_once("### Limits").unwrap().1.split_once("\n###").unwrap().0;
    let mut documented = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        for pair in cells.chunks(2).filter(|pair| !pair[0].is_empty()) {
            documented.insert(pair[0].to_owned(), pair[1].to_owned());
        }
    }
    let mut limits = BTreeMap::new();
    for (name, value) in serde_json::to_value(Limits::default()).unwrap().as_object().unwrap() {
        match value.as_object() {
            Some(streams) => {
                limits.extend(
                    streams.iter().map(|(part, value)| (format!("{name}.{part}"), value.to_string())),
                );
            }
            None if name == "rate-points-per-minute" => {}
            None => {
                limits.insert(name.clone(), value.to_string());
            }
        }
    }
    assert_eq!(documented, limits);
}

#[test]
fn the_page_of_the_api_tells_the_codes_and_limits() {
    let page = fs::read_to_string(root().join("docs/API.md")).unwrap();
    for code in ErrorCode::ALL {
        assert!(page.contains(&format!("| `{}` |", code.as_str())), "{} is not explained", code.as_str());
    }
    let Limits {
        body_bytes,
        query_string_bytes,
        document_bytes,
        document_tokens,
        nesting,
        depth,
        fields,
        aliases,
        directives,
        cost,
        errors,
        error_chars,
        request_timeout_ms,
        rate_points_per_minute,
        streams: StreamLimits { operations, connections, .. },
        ..
    } = Limits::default();
    let thousands = |number: u64| {
        let digits = number.to_string();
        match digits.len() {
            ..=3 => digits,
            length => format!("{},{}", &digits[..length - 3], &digits[length - 3..]),
        }
    };
    let size = |number: usize| thousands(number as u64);
    for said in [
        format!("request body | {} MiB", body_bytes >> 20),
        format!("query string of a GET | {} KiB", query_string_bytes >> 10),
        format!("document | {} bytes, {} tokens", size(document_bytes), size(document_tokens)),
        format!("nesting of brackets | {nesting} |"),
        format!("depth of fields | {depth} |"),
        format!("fields, fragments expanded | {} |", size(fields)),
        format!("aliases | {aliases} |"),
        format!("directives at one place | {directives} |"),
        format!("cost of an operation | {} points |", thousands(cost)),
        format!("errors in an answer | {errors}, of {error_chars} characters |"),
        format!("time to run | {} s", request_timeout_ms / 1000),
        format!("points a minute | {} (", thousands(rate_points_per_minute)),
        format!("operations on a socket | {operations} |"),
        format!("sockets and streams | {} |", size(connections)),
    ] {
        assert!(page.contains(&said), "docs/API.md does not say `{said}`");
    }
}

/// Everything that `guildhall doctor` may find has its code in the handbook, and every code there may be found.
#[test]
fn the_handbook_lists_what_the_doctor_finds() {
    let handbook = fs::read_to_string(root().join("docs/OPERATIONS.md")).unwrap();
    let table = handbook.split_once("### Before the start").unwrap().1.split_once("\n##").unwrap().0;
    let codes = |text: &str, quote: char| -> BTreeSet<String> {
        let parts = text.split(quote).skip(1).step_by(2);
        let is_code = |part: &&str| {
            part.contains('_') && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        parts.filter(is_code).map(str::to_owned).collect()
    };
    let mut found = BTreeSet::new();
    for file in fs::read_dir(root().join("src/doctor")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        // Line by line: quotes come in pairs on a line of code.
        code.lines().for_each(|line| found.extend(codes(line, '"')));
    }
    assert_eq!(codes(table, '`'), found);
}
