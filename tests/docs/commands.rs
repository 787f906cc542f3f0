//! Every command and every settings file of the pages.

use std::fs;
use std::process::Command;

use super::{blocks, pages};

/// Lines of a shell, with what a backslash continues.
fn lines(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The arguments of `guildhall` in a line of a shell, if it is one. What is piped or redirected is no argument.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = shlex::split(line).unwrap_or_else(|| panic!("no line of a shell: {line}"));
    let is_assignment = |word: &&String| {
        word.split_once('=')
            .is_some_and(|(name, _)| name.bytes().all(|c| c.is_ascii_uppercase() || c == b'_'))
    };
    let mut words: Vec<String> = words.iter().skip_while(is_assignment).cloned().collect();
    if words.starts_with(&["cargo".to_owned(), "run".to_owned()]) {
        let end = words.iter().position(|word| word == "--")?;
        words.splice(..=end, ["guildhall".to_owned()]);
    }
    (words.first()? == "guildhall").then(|| {
        let is_operator = |word: &String| ["|", ">", ">>", "<", "&", "&&", ";"].contains(&word.as_str());
        words.into_iter().skip(1).take_while(|word| !is_operator(word)).collect()
    })
}

#[test]
fn every_command_exists() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.toml");
    fs::write(&settings, "").unwrap();
    let mut seen = 0;
    for (page, text) in pages() {
        for block in blocks(&page, &text).iter().filter(|block| block.is("sh")) {
            for mut arguments in lines(&block.text).iter().filter_map(|line| arguments(line)) {
                // The only file that is read before help is answered.
                if let Some(at) = arguments.iter().position(|argument| argument == "--config") {
                    settings.to_str().unwrap().clone_into(&mut arguments[at + 1]);
                }
                // Help is answered only when everything before it was understood.
                let output =
                    Command::new(env!("CARGO_BIN_EXE_guildhall")).args(&arguments).arg("--help").output();
                let output = output.unwrap();
                assert!(
                    output.status.success() && !output.stdout.is_empty(),
                    "{}: guildhall {}\n{}",
                    block.place,
                    arguments.join(" "),
                    String::from_utf8_lossy(&output.stderr)
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 15, "only {seen} commands were found");
}

/// The settings files of the pages are understood.
#[test]
fn every_setting_exists() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.toml");
    let mut seen = 0;
    for (page, text) in pages() {
        for block in blocks(&page, &text).iter().filter(|block| block.is("toml")) {
            fs::write(&settings, &block.text).unwrap();
            let mut server = Command::new(env!("CARGO_BIN_EXE_guildhall"));
            let output = server.args(["server", "--help", "--config"]).arg(&settings).output().unwrap();
            assert!(output.status.success(), "{}: {}", block.place, String::from_utf8_lossy(&output.stderr));
            seen += 1;
        }
    }
    assert!(seen > 0, "no settings were found");
}

#[test]
fn a_line_of_a_shell_becomes_arguments() {
    let words = arguments("A_B=c guildhall x --y 'a b' > file.txt").unwrap();
    assert_eq!(words, ["x", "--y", "a b"]);
    assert_eq!(arguments("cargo run --release -- server --demo").unwrap(), ["server", "--demo"]);
    assert_eq!(arguments("curl http://127.0.0.1"), None);
}
