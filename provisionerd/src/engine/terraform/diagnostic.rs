//! What Terraform finds wrong, and how people read it.

use std::fmt::Write;

use serde::Deserialize;

use super::VARIABLES_FILE;
use crate::engine::LogLevel;

/// An error or a warning, as `validate -json` lists them too.
#[derive(Debug, Deserialize)]
pub(super) struct Diagnostic {
    severity: String,
    summary: String,
    #[serde(default)]
    detail: String,
    range: Option<Range>,
    snippet: Option<Snippet>,
}

#[derive(Debug, Deserialize)]
struct Range {
    filename: String,
    start: Position,
}

#[derive(Debug, Deserialize)]
struct Position {
    line: usize,
}

#[derive(Debug, Deserialize)]
struct Snippet {
    context: Option<String>,
    code: String,
    start_line: usize,
    /// Byte offsets into `code`.
    highlight_start_offset: usize,
    highlight_end_offset: usize,
    #[serde(default)]
    values: Vec<SnippetValue>,
}

#[derive(Debug, Deserialize)]
struct SnippetValue {
    traversal: String,
    statement: String,
}

impl Diagnostic {
    pub(super) fn level(&self) -> LogLevel {
        if self.severity == "error" { LogLevel::Error } else { LogLevel::Warn }
    }

    /// The file of variables is ours: its place tells nobody anything, and its one line holds every value.
    pub(super) fn hide_variables(&mut self) {
        if self.range.as_ref().is_some_and(|range| range.filename == VARIABLES_FILE) {
            self.range = None;
            if let Some(snippet) = &mut self.snippet {
                snippet.code.clear();
            }
        }
    }

    /// One line: summary, place and first paragraph.
    pub(super) fn reason(&self) -> String {
        let mut text = self.summary.clone();
        // Writing to a String cannot fail.
        if let Some(range) = &self.range {
            let _ = write!(text, " ({}:{})", range.filename, range.start.line);
        } else if let Some(value) = self.snippet.as_ref().and_then(|snippet| snippet.values.first()) {
            let _ = write!(text, " ({})", value.traversal);
        }
        let first = self.detail.split("\n\n").next().unwrap_or_default();
        let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
        if !first.is_empty() {
            let _ = write!(text, ": {first}");
        }
        text
    }

    /// Several lines: summary, place, the code with a mark under it, the values in it, the detail.
    pub(super) fn to_text(&self) -> String {
        let title = if self.severity == "error" { "Error" } else { "Warning" };
        let mut text = format!("{title}: {}", self.summary);
        if let Some(range) = &self.range {
            let _ = write!(text, "\n  on {} line {}", range.filename, range.start.line);
            if let Some(context) = self.snippet.as_ref().and_then(|snippet| snippet.context.as_deref()) {
                let _ = write!(text, ", in {context}");
            }
            text.push(':');
        }
        if let Some(snippet) = &self.snippet {
            snippet.write(&mut text);
        }
        for line in self.detail.lines().filter(|line| !line.trim().is_empty()) {
            let _ = write!(text, "\n  {line}");
        }
        text
    }
}

impl Snippet {
    fn write(&self, text: &mut String) {
        let mut offset = 0;
        for (number, line) in (self.start_line..).zip(self.code.lines()) {
            let _ = write!(text, "\n  {number:>4}: {line}");
            let start = self.highlight_start_offset.max(offset) - offset;
            let end = self.highlight_end_offset.min(offset + line.len()).saturating_sub(offset);
            if let Some(marked) = line.get(start..end).filter(|marked| !marked.is_empty()) {
                let before = line[..start].chars().count();
                let _ =
                    write!(text, "\n        {}{}", " ".repeat(before), "^".repeat(marked.chars().count()));
            }
            offset += line.len() + 1;
        }
        for value in &self.values {
            let _ = write!(text, "\n        {} {}", value.traversal, value.statement);
        }
    }
}
