//! `key=value` on the command line: parameters of templates and tags of provisioners.

use std::path::Path;

use guildhall_client::tag::TagInput;
use guildhall_client::workspace::ParameterInput;

use crate::failure::Failure;

/// A name and a value, split at the first `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl std::str::FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err("expected NAME=VALUE"),
        }
    }
}

/// Tags as the API takes them.
pub(crate) fn tags(pairs: Vec<Pair>) -> Vec<TagInput> {
    pairs.into_iter().map(|Pair { name, value }| TagInput { name, value }).collect()
}

/// The values of a TOML file, and over them those of the command line. A name given twice keeps its last value.
pub(crate) fn parameters(file: Option<&Path>, pairs: Vec<Pair>) -> Result<Vec<ParameterInput>, Failure> {
    let mut parameters = match file {
        Some(path) => from_file(path)?,
        None => Vec::new(),
    };
    for Pair { name, value } in pairs {
        match parameters.iter_mut().find(|given| given.name == name) {
            Some(given) => given.value = value,
            None => parameters.push(ParameterInput { name, value }),
        }
    }
    Ok(parameters)
}

fn from_file(path: &Path) -> Result<Vec<ParameterInput>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::local(format!("read {}", path.display()), error);
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| failed(&error))?;
    let parameter = |(name, value): (String, toml::Value)| {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Datetime(time) => time.to_string(),
            value => serde_json::to_string(&value).map_err(|error| failed(&error))?,
        };
        Ok(ParameterInput { name, value })
    };
    table.into_iter().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use rstest::rstest;

    use super::*;

    fn pair(text: &str) -> Pair {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("size=big", "size", "big")]
    #[case("size=", "size", "")]
    #[case("query=a=b", "query", "a=b")]
    #[case(" size =  big", "size", "  big")]
    fn a_pair_splits_at_the_first_equals_sign(#[case] text: &str, #[case] name: &str, #[case] value: &str) {
        assert_eq!(pair(text), Pair { name: name.to_owned(), value: value.to_owned() });
    }

    #[rstest]
    fn a_pair_has_a_name(#[values("", "size", "=big", " =big")] text: &str) {
        assert!(text.parse::<Pair>().is_err());
    }

    #[test]
    fn a_file_holds_values_of_every_type_and_the_command_line_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev.toml");
        std::fs::write(
            &path,
            "image = \"debian\"\ncpus = 4\nprivileged = false\nports = [80, 443]\nlabels = { team = \"data\" }\n",
        )
        .unwrap();
        let given = parameters(Some(&path), vec![pair("cpus=8"), pair("zone=a"), pair("zone=b")]).unwrap();
        let value = |name: &str| given.iter().find(|one| one.name == name).map(|one| one.value.as_str());
        assert_eq!(value("image"), Some("debian"));
        assert_eq!(value("cpus"), Some("8"));
        assert_eq!(value("privileged"), Some("false"));
        assert_eq!(value("ports"), Some("[80,443]"));
        assert_eq!(value("labels"), Some("{\"team\":\"data\"}"));
        assert_eq!(value("zone"), Some("b"));
        assert_eq!(given.len(), 6);
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev.toml");
        std::fs::write(&path, "image = ").unwrap();
        assert!(parameters(Some(&path), Vec::new()).unwrap_err().message.contains("dev.toml"));
    }
}
