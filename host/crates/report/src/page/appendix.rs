//! Renders the appendix: command, fleet file, versions.

use maud::{Markup, html};
use serde_json::Value;

use crate::page::page_data::PageData;
use mockfleet_files::foreign_text::shell_word;
use mockfleet_metrics::{bytes, count, plural};

pub(crate) fn appendix(data: &PageData<'_>) -> Markup {
    let file = data.text(&["file", "text"]).filter(|text| !text.is_empty());
    html! {
        section {
            h2 { "Repeat the run" }
            @match command(data) {
                Some(command) => {
                    p.about {
                        @match data.text(&["command"]) {
                            Some("replay") => "The same recording is sent again.",
                            _ => "The same seed gives the same messages to the byte.",
                        }
                    }
                    pre.command { (command) }
                }
                None => p.about { "The log has no metadata of the run, and so no fleet file." },
            }
            @if let Some(text) = file {
                h3 { (data.text(&["file", "name"]).unwrap_or("fleet.toml")) }
                p.about { "As it was written; secrets are ***." }
                pre { (text) }
            }
            h3 { "With" }
            dl.words {
                @for (name, fact) in facts(data) { dt { (name) } dd { (fact) } }
            }
        }
    }
}

/// Returns the place and size of the log, and the versions of the run.
fn facts(data: &PageData<'_>) -> Vec<(&'static str, String)> {
    let timeline = data.timeline;
    let mut facts = vec![(
        "log",
        format!(
            "{}: {} in sends, {} in events, {} in {}",
            data.location,
            plural(timeline.rows, "row"),
            count(timeline.events),
            bytes(timeline.bytes),
            plural(timeline.files, "file")
        ),
    )];
    if let Some(version) = data.text(&["mockfleet"]) {
        facts.push(("mockfleet", version.to_owned()));
    }
    for group in data
        .noted(&["groups"])
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |key: &str| group.get(key).and_then(Value::as_str).unwrap_or_default();
        facts.push((
            "group",
            format!(
                "{}: {}, sha256 {}",
                text("name"),
                text("plugin"),
                text("sha256")
            ),
        ));
    }
    facts
}

/// Returns the command that repeats the run, with its seed.
fn command(data: &PageData<'_>) -> Option<String> {
    if let Some(words) = data.noted(&["arguments"]).and_then(Value::as_array) {
        let words = words.iter().filter_map(Value::as_str).map(shell_word);
        return Some(format!("mockfleet {}", words.collect::<Vec<_>>().join(" ")));
    }
    let name = data.text(&["file", "name"])?;
    let kind = data.text(&["command"]).unwrap_or("run");
    let mut words = vec!["mockfleet".to_owned(), shell_word(kind).into_owned()];
    if kind != "demo" {
        words.push(shell_word(name).into_owned());
    }
    let sends = data.noted(&["sends"]).and_then(Value::as_bool);
    if kind == "backfill" && sends == Some(true) {
        words.push("--send".to_owned());
    }
    let options = data.noted(&["options"]).and_then(Value::as_array);
    let mut seed = kind == "demo";
    let mut from = None;
    for change in options.into_iter().flatten() {
        let text = |key: &str| change.get(key).and_then(Value::as_str).unwrap_or_default();
        let (option, value) = (text("option"), text("value"));
        // Changes that the command itself makes are not options.
        if !option.starts_with("--") {
            continue;
        }
        // The metadata has a range of time as its clock and its duration.
        let value = match (kind, option) {
            ("backfill", "--from") if value == "max" => continue,
            ("backfill", "--from") => {
                from = value.parse::<jiff::Timestamp>().ok();
                value.to_owned()
            }
            ("backfill", "--to") => match until(from, value) {
                Some(end) => end.to_string(),
                None => continue,
            },
            _ => value.to_owned(),
        };
        seed |= option == "--seed" || option == "--set seed";
        match option.split_once(' ') {
            Some((option, key)) => {
                words.push(shell_word(option).into_owned());
                words.push(shell_word(&format!("{key}={value}")).into_owned());
            }
            None => {
                words.push(shell_word(option).into_owned());
                words.push(shell_word(&value).into_owned());
            }
        }
    }
    if let Some(number) = data.noted(&["seed"]).filter(|_| !seed) {
        words.push("--seed".to_owned());
        words.push(shell_word(&number.to_string()).into_owned());
    }
    let checks = data.noted(&["checks"]).and_then(Value::as_array);
    for check in checks.into_iter().flatten().filter_map(Value::as_str) {
        words.push("--check".to_owned());
        words.push(shell_word(check).into_owned());
    }
    Some(words.join(" "))
}

/// Returns the end of a range from its length: `60000000us`.
fn until(from: Option<jiff::Timestamp>, length: &str) -> Option<jiff::Timestamp> {
    let micros: i64 = length.strip_suffix("us")?.parse().ok()?;
    from?
        .checked_add(jiff::SignedDuration::from_micros(micros))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use mockfleet_sendlog::Timeline;

    #[test]
    fn command_has_the_options_and_the_seed() {
        let note = json!({
            "command": "run",
            "seed": 42,
            "file": { "name": "my fleet.toml" },
            "options": [
                { "option": "--set targets.b.qos", "value": "1" },
                { "option": "--duration", "value": "10s" },
            ],
            "checks": ["acked >= 99%"],
        });
        let timeline = Timeline::default();
        let data = PageData {
            timeline: &timeline,
            note: Some(&note),
            location: "logs",
            made: "now",
            spooled: None,
        };
        assert_eq!(
            command(&data).unwrap(),
            "mockfleet run 'my fleet.toml' --set targets.b.qos=1 --duration 10s --seed 42 --check 'acked >= 99%'"
        );
    }
}
