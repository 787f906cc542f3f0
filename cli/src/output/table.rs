//! Tables.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::{Output, Value, wrapped};
use crate::time::relative;
use crate::untrusted;

/// Between two columns.
const GAP: u16 = 2;

impl Output {
    /// A table without lines, which is read as well as it is cut and searched.
    pub(crate) fn table(&self, header: &[&str], rows: impl Iterator<Item = Vec<Value>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        if !header.is_empty() {
            table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
        }
        // What has a header is a list: a row is a line of it.
        let one_line = !header.is_empty();
        let mut ids = Vec::new();
        for row in rows {
            ids.extend(row.iter().enumerate().filter_map(|(place, value)| Some((place, longest_id(value)?))));
            table.add_row(row.into_iter().map(|value| self.cell(value, one_line)));
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, GAP));
            // The other columns give way.
            if let Some(longest) = ids.iter().filter(|(of, _)| *of == place).map(|(_, length)| *length).max()
            {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(longest + GAP)));
            }
        }
        table.trim_fmt()
    }

    fn cell(&self, value: Value, one_line: bool) -> Cell {
        let shown = |text: &str| match one_line {
            _ if text.is_empty() => "-".to_owned(),
            true => untrusted::one_line(text),
            false => untrusted::lines(text),
        };
        match value {
            Value::Text(text) | Value::Ids(text) => Cell::new(shown(&text)),
            Value::List(texts) if one_line => Cell::new(shown(&texts.join(", "))),
            Value::List(texts) => Cell::new(shown(&wrapped(&texts))),
            Value::State(word) => match colour_of(&word) {
                Some(colour) => Cell::new(shown(&word)).fg(colour),
                None => Cell::new(shown(&word)),
            },
            Value::Time(Some(time)) => Cell::new(relative(time, self.now)),
            Value::Time(None) => Cell::new("-"),
        }
    }
}

/// How long the longest id of a cell is, if it holds any.
fn longest_id(value: &Value) -> Option<u16> {
    let Value::Ids(ids) = value else { return None };
    ids.split(' ').filter_map(|id| u16::try_from(id.chars().count()).ok()).max()
}

fn colour_of(word: &str) -> Option<Color> {
    Some(match word {
        "running" | "succeeded" | "idle" | "active" => Color::Green,
        "pending" | "starting" | "stopping" | "deleting" | "canceling" | "busy" => Color::Yellow,
        "failed" | "suspended" => Color::Red,
        "stopped" | "offline" | "canceled" | "deleted" | "dormant" => Color::DarkGrey,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use chrono::TimeDelta;
    use guildhall_client::{DateTime, Id};

    use super::*;
    use crate::globals::Format;

    fn plain() -> Output {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        let nowhere = || Arc::new(Mutex::new(std::io::sink()));
        Output::to(nowhere(), nowhere(), Format::Table, now)
    }

    #[test]
    fn a_table_is_aligned_and_has_no_colours_off_the_terminal() {
        let output = plain();
        let rows = [
            vec!["dev".into(), Value::State("running".into()), (output.now - TimeDelta::minutes(5)).into()],
            vec!["".into(), Value::State("failed".into()), None.into()],
        ];
        assert_eq!(
            output.table(&["NAME", "STATE", "AGE"], rows.into_iter()),
            "NAME  STATE    AGE\ndev   running  5m ago\n-     failed   -"
        );
    }

    #[test]
    fn colours_appear_where_they_are_wanted() {
        let output = Output { colour: true, ..plain() };
        let table = output.table(&[], std::iter::once(vec![Value::State("failed".into())]));
        assert!(table.contains("\u{1b}["), "{table:?}");
    }

    #[test]
    fn a_name_can_not_move_the_cursor_nor_break_a_row() {
        let row = || std::iter::once(vec!["a\u{1b}[2Jb\nc".into()]);
        assert_eq!(plain().table(&["NAME"], row()), "NAME\na\\u{1b}[2Jb\\nc");
        assert_eq!(plain().table(&[], row()), "a\\u{1b}[2Jb\nc");
    }

    #[test]
    fn an_id_is_whole_however_narrow_the_terminal_is() {
        let id = |letter: &str| format!("job_{}", letter.repeat(26));
        let long = "a text that goes on and on, as the reasons of failures do";
        let row = |letter: &str| {
            let several = format!("{}, {}", id(letter), id("z"));
            vec![(&Id::new(id(letter))).into(), long.into(), Value::Ids(several), "ana".into(), long.into()]
        };
        for width in [120, 80, 40] {
            let output = Output { width: Some(width), ..plain() };
            let header = ["ID", "DETAIL", "JOBS", "BY", "WHY"];
            let table = output.table(&header, ["a", "b"].into_iter().map(row));
            for (letter, times) in [("a", 2), ("b", 2), ("z", 2)] {
                assert_eq!(table.matches(&id(letter)).count(), times, "{width}\n{table}");
            }
            let widest = table.lines().map(|line| line.chars().count()).max().unwrap_or_default();
            assert!(width < 80 || widest <= usize::from(width), "{width}\n{table}");
        }
    }
}
