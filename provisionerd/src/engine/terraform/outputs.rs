//! What a build tells about itself: the outputs Guildhall understands, and the resources in the state.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::engine::{App, BuildOutcome, LogLevel, LogSink, Resource, Stage};
use guildhall_link::{self as link, is_url};

const COST: &str = "daily_cost";
/// The most credits a day that a server takes.
const COST_MAX: i32 = 1_000_000;

/// One entry of `output -json`.
#[derive(Debug, Deserialize)]
pub(super) struct Output {
    value: Value,
    #[serde(default)]
    sensitive: bool,
}

/// The parts of `show -json <plan>` that say what the plan costs and what there will be.
#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    #[serde(default)]
    output_changes: Map<String, Value>,
    planned_values: Option<StateValues>,
}

/// The part of `show -json` that lists what the state holds.
#[derive(Debug, Default, Deserialize)]
pub(super) struct State {
    values: Option<StateValues>,
}

#[derive(Debug, Deserialize)]
struct StateValues {
    #[serde(default)]
    root_module: StateModule,
}

#[derive(Debug, Default, Deserialize)]
struct StateModule {
    #[serde(default)]
    resources: Vec<StateResource>,
    #[serde(default)]
    child_modules: Vec<StateModule>,
}

#[derive(Debug, Deserialize)]
struct StateResource {
    address: String,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
}

impl Plan {
    /// The planned daily cost; `None` if there is no such output, or it is known only after the apply.
    pub(super) fn daily_cost(&self) -> Option<i32> {
        cost(self.output_changes.get(COST)?.get("after")?).ok()
    }

    /// Managed resources that there will be, of all modules, by address.
    pub(super) fn resources(self) -> Vec<Resource> {
        self.planned_values.map(StateValues::resources).unwrap_or_default()
    }
}

impl State {
    /// Managed resources of all modules, by address.
    pub(super) fn resources(self) -> Vec<Resource> {
        self.values.map(StateValues::resources).unwrap_or_default()
    }
}

impl StateValues {
    fn resources(self) -> Vec<Resource> {
        let mut found = Vec::new();
        let mut modules = vec![self.root_module];
        while let Some(module) = modules.pop() {
            modules.extend(module.child_modules);
            found.extend(module.resources.into_iter().filter(|resource| resource.mode == "managed").map(
                |resource| Resource { address: resource.address, kind: resource.kind, name: resource.name },
            ));
        }
        found.sort_by(|one, other| one.address.cmp(&other.address));
        found
    }
}

/// Takes the outputs that have a meaning; one of the wrong shape is left out with a warning in the log.
pub(super) fn understand(outputs: &Map<String, Value>, sink: &LogSink) -> BuildOutcome {
    let mut outcome = BuildOutcome::default();
    let warn = |text: String| sink.daemon(LogLevel::Warn, Stage::Outputs, &text);
    for (name, output) in outputs {
        if !["apps", "metadata", COST].contains(&name.as_str()) {
            continue;
        }
        let Ok(output) = serde_json::from_value::<Output>(output.clone()) else {
            warn(format!("Output `{name}` could not be read."));
            continue;
        };
        if output.sensitive {
            warn(format!(
                "Output `{name}` is sensitive and everyone with the workspace would see it: left out."
            ));
            continue;
        }
        match name.as_str() {
            "apps" => outcome.apps = apps(&output.value, warn),
            "metadata" => outcome.metadata = metadata(&output.value, warn),
            _ => match cost(&output.value) {
                Ok(cost) => outcome.daily_cost = cost,
                Err(reason) => warn(format!("Output `{COST}` is not understood: {reason}.")),
            },
        }
    }
    outcome
}

fn apps(value: &Value, warn: impl Fn(String)) -> Vec<App> {
    let Some(items) = value.as_array() else {
        warn("Output `apps` is not understood: it must be a list of { name, url, icon }.".to_owned());
        return Vec::new();
    };
    let mut apps = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let (Some(name), Some(url)) = (text("name"), text("url")) else {
            warn(format!(
                "Output `apps`: item {index} is left out: it must have a `name` and a `url`, both text."
            ));
            continue;
        };
        if !is_url(url) {
            warn(format!(
                "Output `apps`: item {index}, `{name}`, is left out: its `url` must be {}.",
                link::URL
            ));
            continue;
        }
        let icon = link::icon(text("icon").unwrap_or_default()).unwrap_or_else(|| {
            warn(format!(
                "Output `apps`: item {index}, `{name}`, is left without its `icon`: that is {}.",
                link::ICON
            ));
            ""
        });
        apps.push(App { name: name.to_owned(), url: url.to_owned(), icon: icon.to_owned() });
    }
    apps
}

fn metadata(value: &Value, warn: impl Fn(String)) -> Vec<(String, String)> {
    let Some(fields) = value.as_object() else {
        warn("Output `metadata` is not understood: it must be a map of text.".to_owned());
        return Vec::new();
    };
    let mut metadata = Vec::new();
    for (key, value) in fields {
        match value {
            Value::String(text) => metadata.push((key.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => metadata.push((key.clone(), value.to_string())),
            _ => warn(format!("Output `metadata`: `{key}` is left out: its value must be text.")),
        }
    }
    metadata
}

/// A cost is a whole number; part of one counts as one, so that nothing is free by being small.
fn cost(value: &Value) -> Result<i32, String> {
    let number = value.as_f64().ok_or("it must be a number")?.ceil();
    if number < 0.0 {
        return Err(format!("it must be 0 or more, got {number}"));
    }
    // Exact: whole and in range. What costs more than may be told costs at least the most: otherwise it would be free.
    Ok(number.min(f64::from(COST_MAX)) as i32)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use serde_json::{Value, json};

    use super::{COST_MAX, Plan, State, understand};
    use crate::engine::{App, BuildOutcome, LogSink};

    fn outcome(outputs: &Value) -> (BuildOutcome, Vec<String>) {
        let (sink, mut lines) = LogSink::new();
        let outcome = understand(outputs.as_object().unwrap(), &sink);
        let texts = std::iter::from_fn(|| lines.try_recv().ok()).map(|line| line.text).collect();
        (outcome, texts)
    }

    #[test]
    fn understands_the_three_outputs() {
        let (outcome, warnings) = outcome(&json!({
            "apps": {"value": [{"name": "IDE", "url": "http://x", "icon": "💻"}, {"name": "docs", "url": "/d"}]},
            "metadata": {"value": {"region": "eu", "cores": 2, "gpu": false}},
            "daily_cost": {"value": 2.1},
            "other": {"value": {"anything": 1}},
        }));
        let app = |name: &str, url: &str, icon: &str| App {
            name: name.to_owned(),
            url: url.to_owned(),
            icon: icon.to_owned(),
        };
        assert_eq!(outcome.apps, [app("IDE", "http://x", "💻"), app("docs", "/d", "")]);
        let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(outcome.metadata, [text("region", "eu"), text("cores", "2"), text("gpu", "false")]);
        assert_eq!(outcome.daily_cost, 3);
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn leaves_out_what_a_browser_would_run() {
        let (outcome, warnings) = outcome(&json!({"apps": {"value": [
            {"name": "script", "url": "javascript:alert(1)", "icon": "💻"},
            {"name": "page", "url": "data:text/html,<script>alert(1)</script>"},
            {"name": "other site", "url": "//evil.example/"},
            {"name": "IDE", "url": "https://ide.example.com/", "icon": "javascript:alert(1)"},
            {"name": "docs", "url": "/docs", "icon": " 📖 "},
        ]}}));
        let apps = outcome.apps.iter().map(|app| (app.name.as_str(), app.icon.as_str())).collect::<Vec<_>>();
        assert_eq!(apps, [("IDE", ""), ("docs", "📖")]);
        assert_eq!(warnings.len(), 4, "{warnings:?}");
        assert!(warnings[0].contains("item 0, `script`, is left out"), "{warnings:?}");
        assert!(warnings[3].contains("`IDE`, is left without its `icon`"), "{warnings:?}");
    }

    #[test]
    fn warns_of_shapes_it_does_not_know() {
        for outputs in [
            json!({"apps": {"value": "x"}}),
            json!({"apps": {"value": [{"name": 1, "url": "x"}]}}),
            json!({"apps": {"value": [null]}}),
            json!({"metadata": {"value": []}}),
            json!({"metadata": {"value": {"a": {"b": 1}}}}),
            json!({"metadata": {"sensitive": true, "value": {"a": "b"}}}),
            json!({"daily_cost": {"value": "3"}}),
            json!({"daily_cost": {"value": -1}}),
            json!({"daily_cost": 3}),
        ] {
            let (outcome, warnings) = outcome(&outputs);
            assert_eq!(outcome, BuildOutcome::default(), "{outputs}");
            assert_eq!(warnings.len(), 1, "{outputs}: {warnings:?}");
        }
    }

    #[test]
    fn finds_the_planned_cost_where_it_is_known() {
        let cost = |change: Value| {
            serde_json::from_value::<Plan>(json!({"output_changes": {"daily_cost": change}}))
                .unwrap()
                .daily_cost()
        };
        assert_eq!(cost(json!({"after": 4, "after_unknown": false})), Some(4));
        assert_eq!(cost(json!({"after": 1e12, "after_unknown": false})), Some(COST_MAX));
        assert_eq!(cost(json!({"after_unknown": true})), None);
        assert_eq!(serde_json::from_value::<Plan>(json!({})).unwrap().daily_cost(), None);
    }

    #[test]
    fn lists_managed_resources_of_all_modules() {
        let state: State = serde_json::from_value(json!({"values": {"root_module": {
            "resources": [
                {"address": "b.x", "mode": "managed", "type": "b", "name": "x"},
                {"address": "data.c.x", "mode": "data", "type": "c", "name": "x"},
            ],
            "child_modules": [{"resources": [{"address": "module.a.b.y", "mode": "managed", "type": "b", "name": "y"}]}],
        }}}))
        .unwrap();
        let addresses = state.resources().into_iter().map(|resource| resource.address).collect::<Vec<_>>();
        assert_eq!(addresses, ["b.x", "module.a.b.y"]);
        assert_eq!(State::default().resources(), []);
    }
}
