//! Checks filled-in topics, filters, paths and headers.
//!
//! A template is checked by its own text when it is read. Here the ids of devices, the names of
//! groups and the name of the fleet are filled in.

use crate::document::table_reader::ReadContext;
use crate::document::template::{Placeholder, PlaceholderValues, Template};
use crate::plan::fault::FaultKind;
use crate::plan::group::Group;
use crate::plan::target::{Http, Mqtt, Protocol, Target};
use crate::sections::brought_in::destination::{MAX_TEXT, path_fault};
use crate::sections::brought_in::places::GroupPlaces;

/// Reports values that change the meaning of a template.
pub(crate) fn check_values(
    context: &ReadContext<'_>,
    fleet: &str,
    targets: &[(String, Option<Target>)],
    groups: &[(Group, GroupPlaces)],
) {
    for (group, places) in groups {
        let Some((_, Some(target))) = targets.get(group.target) else {
            continue;
        };
        let values = Values::new(fleet, group);
        // Each kind of template is reported once for a group.
        for fault in values.of_group(group, target) {
            let text = format!("group {:?}: {}", group.name, fault.text);
            context.report(places.of(fault.by), text);
        }
    }
}

/// A device of a recording, which is sent to a target.
#[derive(Debug)]
pub struct RecordedDevice<'a> {
    /// The name of the fleet.
    pub fleet: &'a str,
    /// The name of its group.
    pub group: &'a str,
    /// Its id.
    pub device: &'a str,
    /// Its number in the recording, from 0.
    pub index: u32,
}

impl RecordedDevice<'_> {
    /// Returns what the device brings into the texts of a target that changes their meaning.
    /// `is_used` returns whether the device sends to the topic or path of a channel.
    #[must_use]
    pub fn faults(&self, target: &Target, is_used: &dyn Fn(&str) -> bool) -> Vec<String> {
        let values = Values {
            fleet: self.fleet,
            group: self.group,
            device: self.device.to_owned(),
            index: self.index,
            is_recorded: true,
        };
        let faults = values.problems(target, is_used, std::iter::empty());
        faults.into_iter().map(|fault| fault.text).collect()
    }

    /// Returns the client id of the device's own connection.
    #[must_use]
    pub fn client_id(&self, mqtt: &Mqtt) -> String {
        let names = PlaceholderValues {
            fleet: self.fleet,
            run: RUN,
            group: self.group,
            device: self.device,
            index: self.index,
            connection: 0,
        };
        let mut id = String::new();
        mqtt.client_id.render(&names, &mut id);
        id
    }
}

/// An id of a run, in the place of the one that will be.
const RUN: &str = "01M8835DCGFEHSEP2HFFMX1S1Y";

/// A value that changes the meaning of a template.
struct ValueFault {
    /// The placeholder that brings it in.
    by: Placeholder,
    text: String,
}

/// The values of a group's first device, whose others differ in digits only, or of a recorded
/// device.
pub(crate) struct Values<'a> {
    fleet: &'a str,
    group: &'a str,
    device: String,
    index: u32,
    is_recorded: bool,
}

impl<'a> Values<'a> {
    pub(crate) fn new(fleet: &'a str, group: &'a Group) -> Self {
        let mut values = Self {
            fleet,
            group: &group.name,
            device: String::new(),
            index: 0,
            is_recorded: false,
        };
        let device = values.filled(&group.device_id);
        values.device = device;
        values
    }

    fn filled(&self, template: &Template) -> String {
        let mut text = String::new();
        template.render(&self.names(self.index, 0), &mut text);
        text
    }

    /// Returns the text of a message, without values of the environment.
    fn shown(&self, template: &Template) -> String {
        let mut text = String::new();
        template.render_shown(&self.names(self.index, 0), &mut text);
        text
    }

    pub(crate) fn names(&self, index: u32, connection: u32) -> PlaceholderValues<'_> {
        PlaceholderValues {
            fleet: self.fleet,
            run: RUN,
            group: self.group,
            device: &self.device,
            index,
            connection,
        }
    }

    /// Returns the values that a template uses, with their origins in words.
    fn used(&self, template: &Template) -> Vec<(Placeholder, &'static str, &str)> {
        let (device, group) = match self.is_recorded {
            true => ("the recording has device", "the recording has group"),
            false => ("device-id makes", "its name is"),
        };
        let all = [
            (Placeholder::Device, device, self.device.as_str()),
            (Placeholder::Group, group, self.group),
            (Placeholder::Fleet, "the name of the fleet is", self.fleet),
        ];
        all.into_iter()
            .filter(|(placeholder, _, _)| template.has(*placeholder))
            .collect()
    }

    /// Returns the placeholder that a fault of the whole text comes from.
    fn first_used(&self, template: &Template) -> Placeholder {
        let used = self.used(template);
        used.first()
            .map_or(Placeholder::Device, |(placeholder, _, _)| *placeholder)
    }

    fn of_group(&self, group: &Group, target: &Target) -> Vec<ValueFault> {
        let wrong = group.faults.iter().filter_map(|fault| match &fault.kind {
            FaultKind::WrongTopic { topic } => {
                Some(("the topic of its fault wrong-topic".to_owned(), topic))
            }
            _ => None,
        });
        self.problems(target, &|_| true, wrong)
    }

    fn problems<'t>(
        &self,
        target: &'t Target,
        is_used: &dyn Fn(&str) -> bool,
        wrong: impl Iterator<Item = (String, &'t Template)>,
    ) -> Vec<ValueFault> {
        let of_device = |text: String| {
            vec![ValueFault {
                by: Placeholder::Device,
                text,
            }]
        };
        if self.device.is_empty() {
            return of_device(
                "device-id makes an empty id; a device has a name, such as \"{group}-{index}\""
                    .into(),
            );
        }
        if self.device.contains(char::is_control) {
            let origin = match self.is_recorded {
                true => "the recording has device",
                false => "device-id makes",
            };
            return of_device(format!(
                "{origin} {:?}, and an id holds no line breaks or other control characters",
                self.device
            ));
        }
        match &target.protocol {
            Protocol::Mqtt(mqtt) => self.mqtt(mqtt, is_used, wrong),
            Protocol::Http(http) => self.http(http, is_used, wrong),
        }
    }

    fn mqtt<'t>(
        &self,
        mqtt: &'t Mqtt,
        is_used: &dyn Fn(&str) -> bool,
        wrong: impl Iterator<Item = (String, &'t Template)>,
    ) -> Vec<ValueFault> {
        let channels = mqtt.channels.iter().filter(|(name, _)| is_used(name));
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
        let mut filters = mqtt.downlink.iter().filter(|_| !self.is_recorded);
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
        let login = mqtt
            .login
            .iter()
            .map(|(username, _)| ("the username", username));
        let will = mqtt.will.iter();
        let will = will.map(|will| ("the payload of the will", &will.payload));
        let client_id = std::iter::once(("the client id", &mqtt.client_id));
        let mut others = client_id.chain(login).chain(will);
        let other = others.find_map(|(name, template)| self.too_long(template, name));
        topic.into_iter().chain(filter).chain(other).collect()
    }

    fn wildcard(&self, template: &Template, name: &str, why: &str) -> Option<ValueFault> {
        let used = self.used(template);
        let (by, origin, value) = used
            .into_iter()
            .find(|(_, _, value)| value.contains(['+', '#']))?;
        let text = format!(
            "{origin} {value:?}, which is part of {name}: {}, and {why}; leave + and # out of it",
            self.shown(template)
        );
        Some(ValueFault { by, text })
    }

    fn too_long(&self, template: &Template, name: &str) -> Option<ValueFault> {
        let length = self.filled(template).len();
        (length > MAX_TEXT).then(|| ValueFault {
            by: self.first_used(template),
            text: format!("{name} would have {length} bytes, and MQTT has at most {MAX_TEXT}"),
        })
    }

    /// Checks the beginning and the length of a topic. A first `$` is for topics of the broker
    /// (MQTT 3.1.1, section 4.7.2).
    fn begins_wrong(&self, template: &Template, name: &str) -> Option<ValueFault> {
        if let Some(fault) = self.too_long(template, name) {
            return Some(fault);
        }
        let text = self.filled(template);
        let used = self.used(template);
        let (by, origin, value) = used
            .into_iter()
            .find(|(_, _, value)| value.starts_with('$'))?;
        (template.head().is_empty() && text.starts_with('$')).then(|| ValueFault {
            by,
            text: format!(
                "{origin} {value:?}, with which {name} begins: {}, and topics that begin with $ belong to the broker; begin it with another character",
                self.shown(template)
            ),
        })
    }

    fn http<'t>(
        &self,
        http: &'t Http,
        is_used: &dyn Fn(&str) -> bool,
        wrong: impl Iterator<Item = (String, &'t Template)>,
    ) -> Vec<ValueFault> {
        let channels = http.channels.iter().filter(|(name, _)| is_used(name));
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
            let used = self.used(template);
            let (by, origin, value) = used.into_iter().find(|(_, _, value)| unfit(value))?;
            let text = format!(
                "{origin} {value:?}, which is part of the header {name}, and a header holds ASCII only; leave the other characters out of it"
            );
            Some(ValueFault { by, text })
        });
        path.into_iter().chain(header).collect()
    }

    /// Checks a path and its query (RFC 3986, section 3.3). A URL ends its path at `?`, its
    /// query at `#`, and leaves out segments of dots.
    fn path(&self, template: &Template, name: &str) -> Option<ValueFault> {
        let text = self.filled(template);
        let (before, _) = template.split_at_query();
        let in_path = |c: char| matches!(c, '#' | '?' | '%' | '\\') || c.is_control();
        let in_query = |c: char| matches!(c, '#' | '&' | '+' | '%') || c.is_control();
        let unfit = |value: &str, is_path: bool| match is_path {
            true => value.contains(in_path),
            false => value.contains(in_query),
        };
        let used = self.used(template);
        let by_value = used.into_iter().find(|(_, _, value)| {
            let in_path = self.used(&before);
            let is_path = in_path.iter().any(|(_, _, used)| used == value);
            unfit(value, is_path)
        });
        if let Some((by, origin, value)) = by_value {
            let text = format!(
                "{origin} {value:?}, which is part of {name}: {}, and characters such as # ? % & would make it another path than the row has; leave them out of it",
                self.shown(template)
            );
            return Some(ValueFault { by, text });
        }
        let why = path_fault(&text)?;
        let other = match self.is_recorded {
            true => "device",
            false => "device-id",
        };
        Some(ValueFault {
            by: self.first_used(template),
            text: format!(
                "{name} would be {:?}: {why}; choose another {other} or path",
                self.shown(template)
            ),
        })
    }
}
