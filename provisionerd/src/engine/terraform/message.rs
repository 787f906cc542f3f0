//! What Terraform says with `-json`, turned into lines that people read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::seam::Seam;
use crate::engine::{LogLevel, LogSink, Stage};

/// Longest reason that a job fails with, in characters.
const MAX_REASON: usize = 600;

/// One line of `-json` output; what a message doesn't have stays empty.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(rename = "@level", default)]
    level: String,
    #[serde(rename = "@message")]
    text: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message_code: String,
    diagnostic: Option<Diagnostic>,
    changes: Option<Changes>,
    /// About which resource, and what its provisioner printed.
    #[serde(default)]
    hook: Value,
}

#[derive(Debug, Deserialize)]
struct Changes {
    #[serde(default)]
    operation: String,
}

/// Writes what a step says to the log and remembers why it fails.
#[derive(Debug)]
pub(super) struct Listener<'a> {
    sink: &'a LogSink,
    stage: Stage,
    /// The first error in one line.
    reason: Option<String>,
    errors: usize,
    /// The last thing said without a form, in case nothing better explains a failure.
    last_words: String,
    /// By resource, what stands before the words of its provisioner, and those that came last.
    provisioners: BTreeMap<String, (String, Seam)>,
}

impl<'a> Listener<'a> {
    pub(super) fn new(sink: &'a LogSink, stage: Stage) -> Self {
        Self {
            sink,
            stage,
            reason: None,
            errors: 0,
            last_words: String::new(),
            provisioners: BTreeMap::new(),
        }
    }

    /// A line of standard output: JSON, or the plain text of a program that didn't understand `-json`.
    pub(super) fn out(&mut self, line: &str) {
        match serde_json::from_str::<Message>(line) {
            Ok(message) => self.message(message),
            Err(_) => self.plain(LogLevel::Info, line),
        }
    }

    /// A line of standard error, where nothing but trouble is written.
    pub(super) fn err(&mut self, line: &str) {
        self.plain(LogLevel::Warn, line);
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        for (label, mut seam) in std::mem::take(&mut self.provisioners).into_values() {
            self.printed(&label, seam.rest());
        }
    }

    pub(super) fn diagnostic(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.hide_variables();
        let level = diagnostic.level();
        if level == LogLevel::Error {
            self.errors += 1;
            self.reason.get_or_insert_with(|| diagnostic.reason());
        }
        self.sink.provisioner(level, self.stage, &diagnostic.to_text());
    }

    /// Why the step failed: its first error and how many more there are. Secrets are masked.
    pub(super) fn reason(&self, otherwise: &str) -> String {
        let reason = match &self.reason {
            Some(reason) if self.errors == 2 => format!("{reason} (and another error)"),
            Some(reason) if self.errors > 2 => format!("{reason} (and {} more errors)", self.errors - 1),
            Some(reason) => reason.clone(),
            None if self.last_words.is_empty() => otherwise.to_owned(),
            None => format!("{otherwise}: {}", self.last_words),
        };
        let masked = self.sink.masked(&reason);
        match masked.char_indices().nth(MAX_REASON) {
            Some((end, _)) => format!("{}…", &masked[..end]),
            None => masked,
        }
    }

    fn message(&mut self, message: Message) {
        if let Some(diagnostic) = message.diagnostic {
            return self.diagnostic(diagnostic);
        }
        let resource = message.hook["resource"]["addr"].as_str().unwrap_or_default();
        if message.kind == "provision_progress"
            && let Some(piece) = message.hook["output"].as_str()
            && let Some(label) = message.text.strip_suffix(piece)
        {
            let (_, seam) = self
                .provisioners
                .entry(resource.to_owned())
                .or_insert_with(|| (label.to_owned(), Seam::default()));
            let told = seam.take(self.sink, piece);
            return self.printed(label, told);
        }
        // Not whenever something is said of it: every ten seconds it is still being created, in the middle of a word.
        if ends_provisioner(&message.kind)
            && let Some((label, mut seam)) = self.provisioners.remove(resource)
        {
            self.printed(&label, seam.rest());
        }
        let applying = matches!(self.stage, Stage::Apply | Stage::Destroy);
        let planned = message.changes.as_ref().is_some_and(|changes| changes.operation == "plan");
        let noise = match message.kind.as_str() {
            // Each step repeats it.
            "version" => self.stage != Stage::Init,
            // An apply says again what the plan said.
            "planned_change" => applying,
            "change_summary" => applying && planned,
            // Advice for a person at a terminal.
            "init_output" => message.message_code == "output_init_success_cli_message",
            _ => false,
        };
        if !noise {
            let level = match message.level.as_str() {
                "trace" => LogLevel::Trace,
                "debug" => LogLevel::Debug,
                "warn" => LogLevel::Warn,
                "error" => LogLevel::Error,
                _ => LogLevel::Info,
            };
            self.sink.provisioner(level, self.stage, &message.text);
        }
    }

    fn printed(&self, label: &str, texts: Vec<String>) {
        for text in texts {
            self.sink.provisioner(LogLevel::Info, self.stage, &format!("{label}{text}"));
        }
    }

    fn plain(&mut self, level: LogLevel, line: &str) {
        if !line.trim().is_empty() {
            line.trim().clone_into(&mut self.last_words);
            self.sink.provisioner(level, self.stage, line);
        }
    }
}

/// Whether the provisioner of a resource has said what it had to say when this is said of the resource.
fn ends_provisioner(kind: &str) -> bool {
    // One that starts comes after another one.
    matches!(
        kind,
        "provision_start" | "provision_complete" | "provision_errored" | "apply_complete" | "apply_errored"
    )
}

#[cfg(test)]
mod tests {
    use super::Listener;
    use crate::engine::{LogLevel, LogSink, Stage};

    fn listen(stage: Stage, lines: &[&str]) -> (Vec<(LogLevel, String)>, String) {
        let (sink, mut received) = LogSink::new();
        sink.hide("s3cr3t");
        let mut listener = Listener::new(&sink, stage);
        lines.iter().for_each(|line| listener.out(line));
        listener.end();
        let reason = listener.reason("terraform ended with exit status: 1");
        drop(sink);
        let mut texts = Vec::new();
        while let Ok(line) = received.try_recv() {
            texts.push((line.level, line.text));
        }
        (texts, reason)
    }

    const DIAGNOSTIC: &str = r#"{"@level":"error","@message":"Error: Invalid value","type":"diagnostic",
        "diagnostic":{"severity":"error","summary":"Invalid value","detail":"Not s3cr3t,\nbut one.\n\nRule: main.tf:4",
        "range":{"filename":"main.tf","start":{"line":7,"column":1,"byte":0},"end":{"line":7,"column":9,"byte":8}},
        "snippet":{"context":"variable \"a\"","code":"  x = 1","start_line":7,"highlight_start_offset":2,
        "highlight_end_offset":3,"values":[{"traversal":"var.a","statement":"is \"b\""}]}}}"#;

    #[test]
    fn shows_a_diagnostic_with_its_code() {
        let (lines, reason) = listen(Stage::Plan, &[&DIAGNOSTIC.replace("\n ", "")]);
        let texts = lines.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>();
        assert_eq!(
            texts,
            [
                "Error: Invalid value",
                "  on main.tf line 7, in variable \"a\":",
                "     7:   x = 1",
                "          ^",
                "        var.a is \"b\"",
                "  Not ***,",
                "  but one.",
                "  Rule: main.tf:4",
            ]
        );
        assert!(lines.iter().all(|(level, _)| *level == LogLevel::Error));
        assert_eq!(reason, "Invalid value (main.tf:7): Not ***, but one.");
    }

    #[test]
    fn counts_the_other_errors() {
        let line = DIAGNOSTIC.replace("\n ", "");
        let (_, reason) = listen(Stage::Plan, &[&line, &line, &line]);
        assert!(reason.ends_with("(and 2 more errors)"), "{reason}");
    }

    #[test]
    fn leaves_out_what_a_step_repeats() {
        let lines = [
            r#"{"@level":"info","@message":"Terraform 1.11.4","type":"version"}"#,
            r#"{"@level":"info","@message":"a: Plan to create","type":"planned_change"}"#,
            r#"{"@level":"info","@message":"Plan: 1","type":"change_summary","changes":{"operation":"plan"}}"#,
            r#"{"@level":"info","@message":"Done","type":"change_summary","changes":{"operation":"apply"}}"#,
        ];
        assert_eq!(listen(Stage::Apply, &lines).0, [(LogLevel::Info, "Done".to_owned())]);
        assert_eq!(listen(Stage::Plan, &lines).0.len(), 3);
    }

    #[test]
    fn masks_what_provisioners_print_in_pieces() {
        let printed = |resource: &str, piece: &str| {
            format!(
                r#"{{"@level":"info","@message":"{resource}: (local-exec): {piece}","type":"provision_progress",
                "hook":{{"resource":{{"addr":"{resource}"}},"provisioner":"local-exec","output":"{piece}"}}}}"#
            )
        };
        let ended = r#"{"@level":"info","@message":"a: (local-exec) Provisioning complete","type":"provision_complete",
            "hook":{"resource":{"addr":"a"},"provisioner":"local-exec"}}"#;
        // Two at once; what `a` holds back at its end is told before that.
        let pieces = [("a", "it is s3"), ("b", "cr3t"), ("a", "cr3t."), ("a", "s3")];
        let mut lines = pieces.map(|(resource, piece)| printed(resource, piece)).to_vec();
        lines.push(ended.to_owned());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let texts: Vec<_> = listen(Stage::Apply, &lines).0.into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            texts,
            [
                "b: (local-exec): cr3t",
                "a: (local-exec): it is ***.",
                "a: (local-exec): s3",
                "a: (local-exec) Provisioning complete",
            ]
        );
    }

    #[test]
    fn masks_across_what_else_is_said_of_a_resource() {
        let line = |kind: &str, text: &str, output: &str| {
            format!(
                r#"{{"@level":"info","@message":"a{text}","type":"{kind}","hook":{{"resource":{{"addr":"a"}}{output}}}}}"#
            )
        };
        let printed = |piece: &str| {
            line("provision_progress", &format!(" (local-exec): {piece}"), &format!(r#","output":"{piece}""#))
        };
        let still = || line("apply_progress", ": Still creating... [10s elapsed]", "");
        for ended in ["provision_start", "provision_complete", "provision_errored", "apply_errored"] {
            let lines = [
                printed("it is s3"),
                still(),
                printed("cr"),
                still(),
                printed("3t."),
                printed("s3"),
                line(ended, ": ended", ""),
                printed("cr3t"),
            ];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let texts: Vec<_> = listen(Stage::Apply, &lines).0.into_iter().map(|(_, text)| text).collect();
            assert_eq!(
                texts,
                [
                    "a: Still creating... [10s elapsed]",
                    "a: Still creating... [10s elapsed]",
                    "a (local-exec): it is ***.",
                    "a (local-exec): s3",
                    "a: ended",
                    // Another one's words.
                    "a (local-exec): cr3t",
                ]
            );
        }
    }

    #[test]
    fn keeps_what_is_not_json() {
        let (lines, reason) = listen(Stage::Init, &["plain text", "", "[1]"]);
        assert_eq!(lines.len(), 2);
        assert_eq!(reason, "terraform ended with exit status: 1: [1]");
    }

    #[test]
    fn survives_offsets_that_point_nowhere() {
        let line = DIAGNOSTIC
            .replace("\n ", "")
            .replace("\"highlight_end_offset\":3", "\"highlight_end_offset\":9999")
            .replace("\"highlight_start_offset\":2", "\"highlight_start_offset\":5000");
        assert!(listen(Stage::Plan, &[&line]).0.iter().any(|(_, text)| text.contains("x = 1")));
    }
}
