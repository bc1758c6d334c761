//! Reads `[targets.NAME]`: the common keys, and those of MQTT and HTTP.

use crate::document::problem::ValueError;
use crate::sections::brought_in::destination::MAX_TEXT;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::document::node::{Node, Value};
use crate::document::table_reader::{ReadContext, TableReader, integer, template, text};
use crate::document::template::{
    CONNECTION_PLACEHOLDERS, DEVICE_PLACEHOLDERS, Placeholder, Template,
};
use crate::document::units::{self, ByteSize};
use crate::plan::target::{
    Connections, Http, HttpChannel, Mqtt, MqttChannel, MqttDownlink, Protocol, Qos, Secret, Target,
    Tls, Will, is_connection_header,
};
use crate::sections::address;
use crate::sections::address::Scheme;
use crate::sections::brought_in::client_ids::{SHARED_CLIENT_ID, tell_connections_apart};
use crate::sections::brought_in::destination::{example, path_fault};

/// Most bytes of a message from a broker, by default 1 MiB.
const DEFAULT_MAX_DOWNLINK: u64 = 1 << 20;

pub(crate) const COMMON_KEYS: &[&str] = &[
    "url",
    "channels",
    "outbox",
    "connect-rate",
    "connect-timeout",
    "tls",
];
pub(crate) const TLS_KEYS: &[&str] = &["ca", "cert", "key"];
pub(crate) const MQTT_KEYS: &[&str] = &[
    "client-id",
    "connections",
    "keep-alive",
    "clean-session",
    "username",
    "password",
    "will",
    "qos",
    "retain",
    "max-in-flight",
    "max-downlink",
    "downlink",
];
pub(crate) const WILL_KEYS: &[&str] = &["topic", "payload", "qos", "retain"];
pub(crate) const MQTT_CHANNEL_KEYS: &[&str] = &["topic", "qos", "retain"];
pub(crate) const DOWNLINK_KEYS: &[&str] = &["topic", "qos"];
pub(crate) const HTTP_KEYS: &[&str] = &["timeout", "idle-timeout", "headers", "error-downlink"];
pub(crate) const HTTP_CHANNEL_KEYS: &[&str] =
    &["method", "path", "headers", "timeout", "error-downlink"];

/// Range of timeouts, up to one hour.
const TIMEOUT_RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(3600);

/// Reads all targets, in the order of the file.
pub(crate) fn read(context: &ReadContext<'_>, node: &Node) -> Vec<(String, Option<Target>)> {
    let Some(keys) = TableReader::open_any(context, node, "[targets]") else {
        return Vec::new();
    };
    let targets = keys
        .entries()
        .map(|(name, node)| (name.to_owned(), target(context, name, node)));
    let mut targets: Vec<_> = targets.collect();
    tell_connections_apart(&mut targets);
    targets
}

fn target(context: &ReadContext<'_>, name: &str, node: &Node) -> Option<Target> {
    let label = format!("[targets.{name}]");
    let url = TableReader::open_any(context, node, label.clone())?.require(
        "url",
        "\"mqtt://127.0.0.1:1883\"",
        |node| address::parse(&text(node)?).map_err(|why| match node.is_from_environment() {
            // The parser quotes parts of a text that came from the environment.
            true => format!("the URL {} cannot be used with its value from the environment; wanted is one such as \"mqtt://127.0.0.1:1883\"", node.shown("")).into(),
            false => why,
        }),
    );
    let own = match url {
        Some((Scheme::Mqtt, _)) => MQTT_KEYS,
        Some((Scheme::Http, _)) => HTTP_KEYS,
        // Without a protocol, the keys of both are known.
        None => &[MQTT_KEYS, HTTP_KEYS].concat(),
    };
    let keys = TableReader::open(context, node, label, &[COMMON_KEYS, own].concat())?;
    let (scheme, address) = url?;
    let tls = tls(context, &keys, address.encrypted);
    let outbox = keys.integer("outbox", 1..=1_000_000).unwrap_or(100);
    let connect_rate = keys.rate("connect-rate");
    let connect_timeout = keys
        .duration("connect-timeout", TIMEOUT_RANGE)
        .unwrap_or(Duration::from_secs(10));
    let protocol = match scheme {
        Scheme::Mqtt => mqtt(context, name, &keys).map(Protocol::Mqtt),
        Scheme::Http => http(context, name, &keys).map(Protocol::Http),
    };
    Some(Target {
        name: name.to_owned(),
        address,
        tls,
        outbox,
        connect_rate,
        connect_timeout,
        protocol: protocol?,
    })
}

fn tls(context: &ReadContext<'_>, keys: &TableReader<'_>, encrypted: bool) -> Tls {
    let Some(node) = keys.node("tls") else {
        return Tls::default();
    };
    if !encrypted {
        keys.report(
            "tls",
            "the URL is not encrypted; write mqtts:// or https://",
        );
    }
    let Some(keys) = TableReader::open(context, node, "tls", TLS_KEYS) else {
        return Tls::default();
    };
    let (ca, cert, key) = (keys.file("ca"), keys.file("cert"), keys.file("key"));
    for (one, other) in [("cert", "key"), ("key", "cert")] {
        if keys.node(one).is_some() && keys.node(other).is_none() {
            keys.report_missing(
                other,
                &format!("\"client.{}\"", if other == "key" { "key" } else { "pem" }),
            );
        }
    }
    Tls {
        ca,
        identity: cert.zip(key),
    }
}

fn mqtt(context: &ReadContext<'_>, name: &str, keys: &TableReader<'_>) -> Option<Mqtt> {
    let connections = match keys.node("connections") {
        None => Some(Connections::PerDevice),
        Some(_) => keys.read("connections", connections),
    };
    let client_id = client_id(keys, connections?);
    let qos = keys.read("qos", qos).unwrap_or(Qos::AtMostOnce);
    let retain = keys.boolean("retain").unwrap_or(false);
    let channels = each(context, keys, "channels", |channel, node| {
        let label = format!("[targets.{name}.channels] {channel}");
        let keys = TableReader::open(context, node, label, MQTT_CHANNEL_KEYS)?;
        Some(MqttChannel {
            topic: topic(&keys, DEVICE_PLACEHOLDERS)?,
            qos: keys.read("qos", self::qos).unwrap_or(qos),
            retain: keys.boolean("retain").unwrap_or(retain),
        })
    });
    need_channels(name, keys, "telemetry = { topic = \"{device}/telemetry\" }");
    let downlink = each(context, keys, "downlink", |channel, node| {
        let label = format!("[targets.{name}.downlink] {channel}");
        let keys = TableReader::open(context, node, label, DOWNLINK_KEYS)?;
        let topic = keys.require("topic", "\"{device}/command\"", |node| {
            filter(template(node, DEVICE_PLACEHOLDERS)?)
        });
        Some(MqttDownlink {
            topic: topic?,
            qos: keys.read("qos", self::qos).unwrap_or(qos),
        })
    });
    let keep_alive = keys.read("keep-alive", keep_alive);
    Some(Mqtt {
        client_id: client_id?,
        connections: connections?,
        keep_alive: keep_alive.unwrap_or(Duration::from_secs(60)),
        clean_session: keys.boolean("clean-session").unwrap_or(true),
        login: login(keys, connections?),
        will: keys
            .node("will")
            .and_then(|node| will(context, node, connections?)),
        max_in_flight: keys
            .integer("max-in-flight", 1..=65_535)
            .and_then(|n| u16::try_from(n).ok())
            .unwrap_or(100),
        max_downlink: keys
            .size("max-downlink", 1..=256 << 20)
            .unwrap_or(ByteSize::new(DEFAULT_MAX_DOWNLINK)),
        channels: channels?,
        downlink: downlink?,
    })
}

fn connections(node: &Node) -> Result<Connections, ValueError> {
    match &*node.scalar() {
        Value::String(text) if text == "per-device" => Ok(Connections::PerDevice),
        Value::String(text) => Err(format!(
            "{text:?} is neither \"per-device\" nor a number of shared connections"
        )
        .into()),
        _ => integer(node, 1..=1_000_000)
            .map(|n| NonZeroU32::new(n).map_or(Connections::PerDevice, Connections::Shared)),
    }
}

/// Reads the client id. A broker closes the older of two connections with the same client id
/// (MQTT 3.1.1, section 3.1.4), so ids must differ.
fn client_id(keys: &TableReader<'_>, connections: Connections) -> Option<Template> {
    let (names, default) = match connections {
        Connections::PerDevice => (DEVICE_PLACEHOLDERS, "{device}"),
        Connections::Shared(_) => (CONNECTION_PLACEHOLDERS, SHARED_CLIENT_ID),
    };
    let Some(_) = keys.node("client-id") else {
        return Template::parse(default, names).ok();
    };
    let template = keys.template("client-id", names)?;
    // The ids of devices are compared when the groups are known.
    let connections = match connections {
        Connections::PerDevice => 1,
        Connections::Shared(n) => n.get(),
    };
    if connections > 1 && !template.has(Placeholder::Connection) {
        keys.report("client-id", format!("all {connections} connections would have one id, and the broker closes all but one of them; add {{connection}}"));
    }
    Some(template)
}

fn qos(node: &Node) -> Result<Qos, ValueError> {
    match *node.scalar() {
        Value::Integer(0) => Ok(Qos::AtMostOnce),
        Value::Integer(1) => Ok(Qos::AtLeastOnce),
        Value::Integer(2) => Ok(Qos::ExactlyOnce),
        Value::Integer(n) => Err(format!("{} is no QoS; it is 0, 1 or 2", node.shown(n)).into()),
        _ => Err(node.mismatch("a QoS is 0, 1 or 2")),
    }
}

/// Reads the keep-alive. Zero disables it. The protocol has whole seconds in 16 bits (MQTT
/// 3.1.1, section 3.1.2.10).
fn keep_alive(node: &Node) -> Result<Duration, ValueError> {
    let length = units::parse_duration(&text(node)?)?;
    if length.subsec_nanos() > 0 || length.as_secs() > 65_535 {
        return Err("MQTT counts whole seconds, from \"0s\" (off) to \"65535s\"".into());
    }
    Ok(length)
}

/// Reads the login. The user name has the placeholders of the connection. A password is sent as
/// it is written, since braces may be part of it.
fn login(keys: &TableReader<'_>, connections: Connections) -> Option<(Template, Secret)> {
    let names = match connections {
        Connections::PerDevice => DEVICE_PLACEHOLDERS,
        Connections::Shared(_) => CONNECTION_PLACEHOLDERS,
    };
    let username = keys
        .node("username")
        .and_then(|_| keys.template("username", names));
    let password = keys.text("password");
    if let Some(name) = password.as_deref().and_then(Template::first_placeholder) {
        keys.report(
            "password",
            format!("a password is sent as it is written, and {{{name}}} would be sent literally; give one password for all, or a username with placeholders"),
        );
    }
    if let Some(password) = password.as_deref().filter(|text| text.len() > MAX_TEXT) {
        let length = password.len();
        keys.report(
            "password",
            format!("it has {length} bytes, and MQTT has at most {MAX_TEXT}"),
        );
    }
    if keys.node("password").is_some() && keys.node("username").is_none() {
        // MQTT 3.1.1, section 3.1.2.9.
        keys.report(
            "password",
            "MQTT allows no password without a username; add username",
        );
    }
    username.map(|name| (name, Secret(password.unwrap_or_default())))
}

fn will(context: &ReadContext<'_>, node: &Node, connections: Connections) -> Option<Will> {
    let names = match connections {
        Connections::PerDevice => DEVICE_PLACEHOLDERS,
        Connections::Shared(_) => CONNECTION_PLACEHOLDERS,
    };
    let keys = TableReader::open(context, node, "will", WILL_KEYS)?;
    let payload = match keys.node("payload") {
        Some(_) => keys.template("payload", names),
        None => Template::parse("", names).ok(),
    };
    Some(Will {
        topic: topic(&keys, names)?,
        payload: payload?,
        qos: keys.read("qos", qos).unwrap_or(Qos::AtMostOnce),
        retain: keys.boolean("retain").unwrap_or(false),
    })
}

/// Reads a topic to publish to, which has no wildcards (MQTT 3.1.1, section 4.7.1).
fn topic(keys: &TableReader<'_>, names: &[Placeholder]) -> Option<Template> {
    keys.require("topic", "\"site/{device}/telemetry\"", |node| {
        let template = template(node, names)?;
        if template.is_empty() {
            return Err(
                "a topic has at least one character; write one such as \"site/{device}/telemetry\""
                    .into(),
            );
        }
        if template.texts().any(|text| text.contains(['+', '#', '\0'])) {
            return Err(
                "a topic to publish to holds no + and no #; those are for subscribing".into(),
            );
        }
        Ok(template)
    })
}

/// Checks a topic filter: `+` is a whole level, and `#` the last one (MQTT 3.1.1, section
/// 4.7.1).
fn filter(template: Template) -> Result<Template, ValueError> {
    if template.is_empty() {
        return Err(
            "a topic filter has at least one character; write one such as \"{device}/command\""
                .into(),
        );
    }
    let text = example(&template);
    if let Some(shared) = text.strip_prefix("$share/") {
        let parts = shared.split_once('/');
        let sound = |(group, filter): &(&str, &str)| {
            !group.is_empty() && !group.contains(['+', '#']) && !filter.is_empty()
        };
        if parts.filter(sound).is_none() {
            return Err(format!(
                "{text:?} is no shared subscription; it is $share/GROUP/FILTER, and the group has no wildcards"
            ).into());
        }
    }
    let levels: Vec<&str> = text.split('/').collect();
    for (number, level) in levels.iter().enumerate() {
        let last = number + 1 == levels.len();
        let wild = level.contains(['+', '#']);
        let sound = !wild || *level == "+" || (*level == "#" && last);
        if !sound || level.contains('\0') {
            return Err(format!(
                "{level:?} is no level of a topic filter; + stands for a whole level, # for the rest, at the end"
            ).into());
        }
    }
    Ok(template)
}

fn http(context: &ReadContext<'_>, name: &str, keys: &TableReader<'_>) -> Option<Http> {
    let timeout = keys
        .duration("timeout", TIMEOUT_RANGE)
        .unwrap_or(Duration::from_secs(10));
    let common = keys
        .node("headers")
        .map_or_else(Vec::new, |node| headers(context, node));
    let error_downlink = keys.boolean("error-downlink").unwrap_or(false);
    let channels = each(context, keys, "channels", |channel, node| {
        let label = format!("[targets.{name}.channels] {channel}");
        let keys = TableReader::open(context, node, label, HTTP_CHANNEL_KEYS)?;
        let own = keys
            .node("headers")
            .map_or_else(Vec::new, |node| headers(context, node));
        let method = match keys.node("method") {
            None => Some("POST".to_owned()),
            Some(_) => keys.read("method", method),
        };
        let mut all = common.clone();
        all.retain(|(name, _)| !own.iter().any(|(other, _)| other == name));
        all.extend(own);
        Some(HttpChannel {
            method: method?,
            path: path(&keys)?,
            headers: all,
            timeout: keys.duration("timeout", TIMEOUT_RANGE).unwrap_or(timeout),
            error_downlink: keys.boolean("error-downlink").unwrap_or(error_downlink),
        })
    });
    need_channels(
        name,
        keys,
        "telemetry = { path = \"/devices/{device}/telemetry\" }",
    );
    let idle_timeout = keys.duration("idle-timeout", Duration::ZERO..=*TIMEOUT_RANGE.end());
    Some(Http {
        channels: channels?,
        idle_timeout: idle_timeout.unwrap_or(Duration::from_secs(90)),
    })
}

/// Reads a method: a token, by custom in capitals (RFC 9110, section 9.1).
fn method(node: &Node) -> Result<String, ValueError> {
    let method = text(node)?;
    if method == "CONNECT" || !method.chars().all(|c| c.is_ascii_uppercase()) || method.is_empty() {
        return Err(format!(
            "{method:?} is no method that sends a message; wanted is one such as \"POST\" or \"PUT\", in capitals"
        ).into());
    }
    Ok(method)
}

fn path(keys: &TableReader<'_>) -> Option<Template> {
    keys.require("path", "\"/devices/{device}/telemetry\"", |node| {
        let template = template(node, DEVICE_PLACEHOLDERS)?;
        if !template.head().starts_with('/') {
            return Err("a path begins with /; scheme and host belong to the target's url".into());
        }
        if template
            .texts()
            .any(|text| text.contains(|c: char| c.is_whitespace() || c == '#'))
        {
            return Err("a path holds no spaces and no #; write %20 and %23".into());
        }
        if let Some(why) = path_fault(&example(&template)) {
            return Err(why.into());
        }
        Ok(template)
    })
}

/// Reads headers, with names in lower case: HTTP names are case-insensitive (RFC 9110, section
/// 5.1).
fn headers(context: &ReadContext<'_>, node: &Node) -> Vec<(String, Template)> {
    let Some(keys) = TableReader::open_any(context, node, "headers") else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (name, _) in keys.entries() {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            keys.report(
                name,
                "this is no header name; it holds letters, digits and dashes",
            );
            continue;
        }
        if is_connection_header(name) {
            keys.report(
                name,
                "this header belongs to the connection and is set by mockfleet; drop it",
            );
            continue;
        }
        let Some(value) = keys.template(name, DEVICE_PLACEHOLDERS) else {
            continue;
        };
        if value
            .texts()
            .any(|text| text.contains(|c: char| c.is_control()))
        {
            keys.report(
                name,
                "a header's value holds no line breaks or other control characters; drop them",
            );
            continue;
        }
        headers.push((name.to_ascii_lowercase(), value));
    }
    headers
}

/// Reads each entry of a table of named tables. Returns `None` if one is wrong.
fn each<T>(
    context: &ReadContext<'_>,
    keys: &TableReader<'_>,
    key: &str,
    read: impl Fn(&str, &Node) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let Some(node) = keys.node(key) else {
        return Some(BTreeMap::new());
    };
    let keys = TableReader::open_any(context, node, format!("{key} of a target"))?;
    let entries: Vec<(String, Option<T>)> = keys
        .entries()
        .map(|(name, node)| (name.to_owned(), read(name, node)))
        .collect();
    entries
        .into_iter()
        .map(|(name, entry)| Some((name, entry?)))
        .collect()
}

fn need_channels(name: &str, keys: &TableReader<'_>, example: &str) {
    let empty = match keys.node("channels").map(|node| &node.value) {
        None => true,
        Some(Value::Table(table)) => table.0.is_empty(),
        Some(_) => false,
    };
    if empty {
        let text = format!(
            "[targets.{name}] has no channels; add [targets.{name}.channels] with {example}"
        );
        keys.context.report(&keys.at, text);
    }
}
