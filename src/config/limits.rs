//! The front's limits as settings: `--limit NAME=VALUE`, and the table `[limits]` of the file.

use guildhall_front::Limits;
use serde_json::Value;

/// Set by an option of its own.
const OWN_OPTION: &str = "rate-points-per-minute";

/// The limits that settings of the form `NAME=VALUE` make of the defaults; later ones win. The names are those of the
/// fields of [`Limits`], in kebab case, those of streams after `streams.`.
///
/// # Errors
/// A sentence for people that names the setting.
pub(super) fn limits<'a>(settings: impl IntoIterator<Item = &'a String>) -> Result<Limits, String> {
    let mut all = serde_json::to_value(Limits::default()).map_err(|error| error.to_string())?;
    for setting in settings {
        let (name, text) =
            setting.split_once('=').ok_or_else(|| format!("`{setting}` is no limit; write NAME=VALUE"))?;
        let (name, text) = (name.trim(), text.trim());
        if name == OWN_OPTION {
            return Err("the points a minute are set with --rate-points".into());
        }
        let place = name.split('.').try_fold(&mut all, |table, part| table.get_mut(part));
        let place = place
            .filter(|place| !place.is_object())
            .ok_or_else(|| format!("there is no limit `{name}`; there are {}", names().join(", ")))?;
        *place = if place.is_boolean() {
            text.parse()
                .map(Value::Bool)
                .map_err(|_| format!("the limit `{name}` is true or false, not `{text}`"))?
        } else {
            let number: u64 =
                text.parse().map_err(|_| format!("the limit `{name}` is a whole number, not `{text}`"))?;
            let (least, most) = bounds(name);
            if !(least..=most).contains(&number) {
                return Err(format!("the limit `{name}` is between {least} and {most}, not {number}"));
            }
            Value::from(number)
        };
    }
    serde_json::from_value(all).map_err(|error| format!("the limits can't be used: {error}"))
}

/// What a limit may be: with less nothing would work, with more it would bound nothing, or not be kept.
fn bounds(name: &str) -> (u64, u64) {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    match name {
        // Zero is none.
        "in-flight-cost" | "cache-bytes" | "compress-from-bytes" => (0, 1 << 40),
        // A parser calls itself for each.
        "nesting" => (1, 256),
        "error-chars" => (20, 1 << 20),
        "streams.ping-interval-ms" | "streams.comment-interval-ms" => (100, DAY_MS),
        name if name.ends_with("-ms") => (1, DAY_MS),
        name if name.starts_with("streams.") => (1, 1_000_000),
        _ => (1, 1 << 40),
    }
}

/// The names of all limits with their defaults.
pub(super) fn defaults() -> Vec<(String, String)> {
    let Ok(Value::Object(all)) = serde_json::to_value(Limits::default()) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, value) in all {
        match value {
            Value::Object(streams) => {
                found.extend(
                    streams.into_iter().map(|(part, value)| (format!("{name}.{part}"), value.to_string())),
                );
            }
            value if name != OWN_OPTION => found.push((name, value.to_string())),
            _ => {}
        }
    }
    found
}

fn names() -> Vec<String> {
    defaults().into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[&str]) -> Result<Limits, String> {
        limits(&settings.iter().map(|&setting| setting.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_named_keeps_its_default_and_the_last_wins() {
        assert_eq!(of(&[]), Ok(Limits::default()));
        let changed = of(&["depth=9", " depth = 10", "introspection=false", "streams.operations=3"]).unwrap();
        let mut expected = Limits { depth: 10, introspection: false, ..Limits::default() };
        expected.streams.operations = 3;
        assert_eq!(changed, expected);
    }

    #[test]
    fn mistakes_are_named() {
        for (setting, complaint) in [
            ("depth", "write NAME=VALUE"),
            ("deepness=3", "there is no limit `deepness`; there are body-bytes, "),
            ("streams=3", "there is no limit `streams`"),
            ("depth=many", "`depth` is a whole number, not `many`"),
            ("depth=-1", "`depth` is a whole number"),
            ("introspection=1", "`introspection` is true or false"),
            ("rate-points-per-minute=1", "--rate-points"),
            ("depth=0", "`depth` is between 1 and "),
            ("nesting=100000", "`nesting` is between 1 and 256, not 100000"),
            ("request-timeout-ms=0", "`request-timeout-ms` is between 1 and 86400000"),
            ("streams.connections=18446744073709551615", "`streams.connections` is between 1 and 1000000"),
            ("streams.ping-interval-ms=0", "`streams.ping-interval-ms` is between 100 and "),
            // A part of the schema.
            ("page-max=5", "there is no limit `page-max`"),
        ] {
            let error = of(&[setting]).unwrap_err();
            assert!(error.contains(complaint), "{setting}: {error}");
        }
    }

    #[test]
    fn every_limit_can_be_set_to_its_default() {
        let all: Vec<_> = defaults().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert!(all.len() > 25, "{all:?}");
        assert_eq!(limits(&all), Ok(Limits::default()));
    }
}
