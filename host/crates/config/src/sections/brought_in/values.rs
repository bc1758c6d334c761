//! Checks filled-in topics, filters, paths and headers.
//!
//! A template is checked by its own text when it is read. Here the ids of devices, the names of
//! groups and the name of the fleet are filled in.

use crate::document::node::Origin;
use crate::document::table_reader::ReadContext;
use crate::document::template::{Placeholder, PlaceholderValues, Template};
use crate::plan::fault::FaultKind;
use crate::plan::group::Group;
use crate::plan::target::{Http, Mqtt, Protocol, Target};

/// Most bytes of a topic or client id (MQTT 3.1.1, section 1.5.3).
const MAX_TEXT: usize = 65_535;

/// Reports values that change the meaning of a template.
pub(crate) fn check_values(
    context: &ReadContext<'_>,
    fleet: &str,
    targets: &[(String, Option<Target>)],
    groups: &[(Group, Origin)],
) {
    for (group, at) in groups {
        let Some((_, Some(target))) = targets.get(group.target) else {
            continue;
        };
        let values = Values::new(fleet, group);
        // Each kind of template is reported once for a group.
        for text in values.problems(group, target) {
            context.report(at, format!("group {:?}: {text}", group.name));
        }
    }
}

/// The values of a group's first device. The others differ in digits only.
pub(crate) struct Values<'a> {
    fleet: &'a str,
    group: &'a str,
    device: String,
}

impl<'a> Values<'a> {
    pub(crate) fn new(fleet: &'a str, group: &'a Group) -> Self {
        let mut values = Self {
            fleet,
            group: &group.name,
            device: String::new(),
        };
        let device = values.filled(&group.device_id);
        values.device = device;
        values
    }

    fn filled(&self, template: &Template) -> String {
        let mut text = String::new();
        template.render(&self.names(0, 0), &mut text);
        text
    }

    /// Returns the text of a message, without values of the environment.
    fn shown(&self, template: &Template) -> String {
        let mut text = String::new();
        template.render_shown(&self.names(0, 0), &mut text);
        text
    }

    pub(crate) fn names(&self, index: u32, connection: u32) -> PlaceholderValues<'_> {
        PlaceholderValues {
            fleet: self.fleet,
            run: "01M8835DCGFEHSEP2HFFMX1S1Y",
            group: self.group,
            device: &self.device,
            index,
            connection,
        }
    }

    /// Returns the values that a template uses, with their origins in words.
    fn used(&self, template: &Template) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            (Placeholder::Device, "device-id makes", self.device.as_str()),
            (Placeholder::Group, "its name is", self.group),
            (Placeholder::Fleet, "the name of the fleet is", self.fleet),
        ];
        let used = all
            .into_iter()
            .filter(|(placeholder, _, _)| template.has(*placeholder));
        let used: Vec<_> = used.map(|(_, origin, value)| (origin, value)).collect();
        used.into_iter()
    }

    fn problems(&self, group: &Group, target: &Target) -> Vec<String> {
        if self.device.is_empty() {
            return vec![
                "device-id makes an empty id; a device has a name, such as \"{group}-{index}\""
                    .into(),
            ];
        }
        if self.device.chars().any(char::is_control) {
            return vec![format!(
                "device-id makes {:?}, and an id holds no line breaks or other control characters",
                self.device
            )];
        }
        let wrong = group.faults.iter().filter_map(|fault| match &fault.kind {
            FaultKind::WrongTopic { topic } => Some(("the topic of its fault wrong-topic", topic)),
            _ => None,
        });
        let wrong = wrong.map(|(name, topic)| (name.to_owned(), topic));
        match &target.protocol {
            Protocol::Mqtt(mqtt) => self.mqtt(mqtt, wrong),
            Protocol::Http(http) => self.http(http, wrong),
        }
    }

    fn mqtt<'t>(
        &self,
        mqtt: &'t Mqtt,
        wrong: impl Iterator<Item = (String, &'t Template)>,
    ) -> Vec<String> {
        let channels = mqtt.channels.iter();
        let topics =
            channels.map(|(name, channel)| (format!("the topic of {name}"), &channel.topic));
        let will = mqtt
            .will
            .iter()
            .map(|will| ("the topic of the will".to_owned(), &will.topic));
        let mut topics = topics.chain(will).chain(wrong);
        let topic = topics.find_map(|(name, template)| {
            self.wildcard(
                template,
                &name,
                "a topic to publish to holds no + and no #; those are for subscribing",
            )
            .or_else(|| self.begins_wrong(template, &name))
        });
        let mut filters = mqtt.downlink.iter();
        let filter = filters.find_map(|(name, downlink)| {
            let name = format!("the filter of downlink {name}");
            let template = &downlink.topic;
            self.wildcard(
                template,
                &name,
                "its devices would hear the commands of others",
            )
            .or_else(|| self.begins_wrong(template, &name))
        });
        topic.into_iter().chain(filter).collect()
    }

    fn wildcard(&self, template: &Template, name: &str, why: &str) -> Option<String> {
        let (origin, value) = self
            .used(template)
            .find(|(_, value)| value.contains(['+', '#']))?;
        Some(format!(
            "{origin} {value:?}, which is part of {name}: {}, and {why}; leave + and # out of it",
            self.shown(template)
        ))
    }

    /// Checks the beginning and the length of a topic. A first `$` is for topics of the broker
    /// (MQTT 3.1.1, section 4.7.2).
    fn begins_wrong(&self, template: &Template, name: &str) -> Option<String> {
        let text = self.filled(template);
        if text.len() > MAX_TEXT {
            return Some(format!("{name} would be longer than {MAX_TEXT} bytes"));
        }
        let (origin, value) = self
            .used(template)
            .find(|(_, value)| value.starts_with('$'))?;
        (template.head().is_empty() && text.starts_with('$')).then(|| {
            format!(
                "{origin} {value:?}, with which {name} begins: {}, and topics that begin with $ belong to the broker; begin it with another character",
                self.shown(template)
            )
        })
    }

    fn http<'t>(
        &self,
        http: &'t Http,
        wrong: impl Iterator<Item = (String, &'t Template)>,
    ) -> Vec<String> {
        let channels = http.channels.iter();
        let paths = channels.map(|(name, channel)| (format!("the path of {name}"), &channel.path));
        let path = paths
            .chain(wrong)
            .find_map(|(name, template)| self.path(template, &name));
        let mut headers = http
            .channels
            .values()
            .flat_map(|channel| channel.headers.iter());
        let header = headers.find_map(|(name, template)| {
            let unfit = |value: &str| !value.chars().all(|c| c.is_ascii() && !c.is_control());
            let (origin, value) = self.used(template).find(|(_, value)| unfit(value))?;
            Some(format!(
                "{origin} {value:?}, which is part of the header {name}, and a header holds ASCII only; leave the other characters out of it"
            ))
        });
        path.into_iter().chain(header).collect()
    }

    /// Checks a path and its query (RFC 3986, section 3.3). A URL ends its path at `?`, its
    /// query at `#`, and leaves out segments of dots.
    fn path(&self, template: &Template, name: &str) -> Option<String> {
        let text = self.filled(template);
        let (before, _) = template.split_at_query();
        let in_path = |c: char| matches!(c, '#' | '?' | '%' | '\\') || c.is_control();
        let in_query = |c: char| matches!(c, '#' | '&' | '+' | '%') || c.is_control();
        let unfit = |value: &str, is_path: bool| match is_path {
            true => value.contains(in_path),
            false => value.contains(in_query),
        };
        let by_value = self.used(template).find(|(_, value)| {
            let of_path = self.used(&before).any(|(_, used)| used == *value);
            unfit(value, of_path)
        });
        if let Some((origin, value)) = by_value {
            return Some(format!(
                "{origin} {value:?}, which is part of {name}: {}, and characters such as # ? % & would make it another path than the row has; leave them out of it",
                self.shown(template)
            ));
        }
        let path = text.split('?').next().unwrap_or_default();
        let dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
        if dots || text.ends_with(char::is_whitespace) {
            return Some(format!(
                "{name} would be {:?}, and a URL leaves out segments of dots and spaces at its end; choose another device-id or path",
                self.shown(template)
            ));
        }
        None
    }
}
