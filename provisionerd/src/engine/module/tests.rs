#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::fs;

use serde_json::json;

use super::{BACKEND_FILE, Module, ModuleError, Rule, Validation};

fn read(files: &[(&str, &str)]) -> Result<Module, ModuleError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Module::read(folder.path())
}

fn refusal(files: &[(&str, &str)]) -> String {
    read(files).unwrap_err().to_string()
}

#[test]
fn reads_everything_a_variable_says() {
    let module = read(&[(
        "main.tf",
        r#"
variable "region" {
  type        = string # where
  description = <<-EOT
    Where it runs.
      Indented.
  EOT
  default     = "eu"
  sensitive   = true
  nullable    = false
  ephemeral   = true
  validation {
    condition     = contains(["eu", "us"], var.region)
    error_message = "eu or us"
  }
  validation {
    condition     = var.region != ""
    error_message = "not ${"empty"}"
  }
}
variable "size" { type = number }
variable "workspace" { type = any }
resource "terraform_data" "disk" {}
"#,
    )])
    .unwrap();
    let [region, size] = &module.variables[..] else { panic!("{:?}", module.variables) };
    assert_eq!(region.type_expression.as_deref(), Some("string"));
    assert_eq!(region.description, "Where it runs.\n  Indented.\n");
    assert_eq!(region.default, Some(json!("eu")));
    assert!(region.sensitive && !region.nullable && region.ephemeral);
    let expected = |condition: &str, message: &str, rules: Vec<Rule>| Validation {
        condition: condition.to_owned(),
        error_message: message.to_owned(),
        rules,
    };
    assert_eq!(
        region.validations,
        [
            expected(
                r#"contains(["eu", "us"], var.region)"#,
                "eu or us",
                vec![Rule::OneOf(vec![json!("eu"), json!("us")])]
            ),
            expected(r#"var.region != """#, r#""not ${"empty"}""#, Vec::new()),
        ]
    );
    assert_eq!((size.default.as_ref(), size.nullable, size.sensitive), (None, true, false));
    assert_eq!(module.required(), ["size"]);
    assert!(module.wants_workspace);
    assert_eq!(module.resources[0].address, "terraform_data.disk");
}

#[test]
fn reads_defaults_of_every_shape() {
    let module = read(&[(
        "v.tf",
        r#"
variable "a" { default = null }
variable "b" { default = -3 }
variable "c" { default = [1, "two", true, { three = 3, "four" = [] }] }
variable "d" { default = ("x") }
variable "e" { default = 1.5 }
"#,
    )])
    .unwrap();
    let defaults = module.variables.iter().map(|variable| variable.default.clone().unwrap());
    let expected =
        [json!(null), json!(-3), json!([1, "two", true, {"three": 3, "four": []}]), json!("x"), json!(1.5)];
    assert_eq!(defaults.collect::<Vec<_>>(), expected);
    assert!(module.required().is_empty());
}

#[test]
fn reads_the_json_syntax() {
    let module = read(&[(
        "main.tf.json",
        r#"{"variable": {"//": "comment", "size": {"type": "number", "default": 2,
            "validation": [{"condition": "${var.size > 0}", "error_message": "positive"}]}},
            "resource": {"terraform_data": {"disk": {}}}}"#,
    )])
    .unwrap();
    assert_eq!(module.variables.len(), 1);
    assert_eq!(module.variables[0].default, Some(json!(2)));
    assert_eq!(module.variables[0].validations[0].condition, "var.size > 0");
    assert_eq!(module.variables[0].validations[0].rules, [Rule::MoreThan(0.0)]);
    assert_eq!(module.resources[0].address, "terraform_data.disk");
}

#[test]
fn the_manifest_says_more_of_the_variables() {
    let main = ("main.tf", "variable \"region\" {\n  default = \"eu\"\n}\n");
    let manifest = "[parameters.region]\ndisplay_name = \"Region\"\nimmutable = true\n";
    let module = read(&[main, ("guildhall.toml", manifest)]).unwrap();
    let [region] = &module.variables[..] else { panic!("{:?}", module.variables) };
    assert_eq!((region.display_name.as_str(), region.immutable), ("Region", true));
    let error = read(&[main, ("guildhall.toml", "[parameters.zone]\n")]).unwrap_err();
    assert!(error.to_string().starts_with("guildhall.toml:1: the module has no variable `zone`"), "{error}");
}

#[test]
fn merges_overrides() {
    let module = read(&[
        ("main.tf", "variable \"a\" {\n  type = string\n  default = \"x\"\n}\n"),
        ("dev_override.tf", "variable \"a\" {\n  default = \"y\"\n}\n"),
    ])
    .unwrap();
    assert_eq!(module.variables[0].default, Some(json!("y")));
    assert_eq!(module.variables[0].type_expression.as_deref(), Some("string"));
}

#[test]
fn a_syntax_error_names_file_and_line() {
    let text = refusal(&[("main.tf", "variable \"a\" {\n  type = string\n  default = [1,\n}\n")]);
    assert!(text.starts_with("main.tf:4:1: "), "{text}");
    let text = refusal(&[("main.tf.json", "{\n  \"variable\": {,}\n}")]);
    assert!(text.starts_with("main.tf.json:2:"), "{text}");
    assert!(text.contains("2 |   \"variable\": {,}"), "{text}");
}

#[test]
fn refuses_what_is_no_module() {
    assert!(matches!(read(&[]), Err(ModuleError::NoConfiguration)));
    assert!(matches!(read(&[("README.md", "# hi"), (".hidden.tf", "")]), Err(ModuleError::NoConfiguration)));
    assert!(matches!(read(&[("zz_override.tf", "")]), Err(ModuleError::NoConfiguration)));
}

#[test]
fn refuses_blocks_that_make_no_sense() {
    let cases = [
        ("variable {\n}\n", "main.tf:1: a variable has one label"),
        ("\n\nvariable \"a\" \"b\" {\n}\n", "main.tf:3: a variable has one label"),
        ("resource \"a\" {\n}\n", "main.tf:1: a resource has two labels"),
        ("variable \"a\" {\n  default = timestamp()\n}\n", "main.tf:1: the default of variable `a`"),
        ("variable \"a\" {\n  validation {\n  }\n}\n", "main.tf:2: a validation of variable `a` needs both"),
        (
            "variable \"a\" {}\nvariable \"a\" {}\n",
            "main.tf:2: variable `a` is declared twice; first at main.tf:1",
        ),
    ];
    for (text, expected) in cases {
        let refusal = refusal(&[("main.tf", text)]);
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

#[test]
fn survives_hostile_text() {
    let deep = format!("variable \"a\" {{\n  default = {}{}\n}}\n", "[".repeat(100_000), "]".repeat(100_000));
    let texts = [deep.as_str(), "\u{0}", "variable \"a", "}}}}", "a = <<EOT\n", "variable \"é\u{202e}\" {\n"];
    for text in texts {
        let refusal = refusal(&[("main.tf", text)]);
        assert!(refusal.starts_with("main.tf:") && refusal.len() < 1000, "{refusal}");
    }
}

#[test]
fn refuses_text_in_another_encoding() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.tf"), b"# caf\xe9\n").unwrap();
    assert!(matches!(Module::read(folder.path()), Err(ModuleError::NotText { file }) if file == "main.tf"));
}

#[test]
fn takes_a_byte_order_mark_and_windows_line_ends() {
    let module = read(&[("main.tf", "\u{feff}variable \"a\" {\r\n  type = string\r\n}\r\n")]).unwrap();
    assert_eq!(module.variables[0].type_expression.as_deref(), Some("string"));
}

#[test]
fn keeps_the_backend_ours() {
    let backend = "terraform {\n  backend \"local\" {}\n}\n";
    let main = ("main.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    assert!(read(&[main, ("a_override.tf", backend), (BACKEND_FILE, backend)]).is_ok());
    let text = refusal(&[main, ("zzz_override.tf", backend)]);
    assert!(text.starts_with("zzz_override.tf declares a `backend` block"), "{text}");
}

#[test]
fn cuts_an_endless_readme() {
    let long = "ü".repeat(1 << 20);
    let module = read(&[("main.tf", ""), ("readme.md", &long)]).unwrap();
    assert!(module.readme.len() < 300 * 1024 && module.readme.ends_with('…'));
}
