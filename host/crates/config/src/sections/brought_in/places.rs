//! Finds the lines of the keys that bring values into templates.

use crate::document::node::{Node, Origin};
use crate::document::template::Placeholder;

/// The places of a group and of the keys that its values come from.
pub(crate) struct GroupPlaces {
    pub(crate) group: Origin,
    fleet: Origin,
    name: Origin,
    device_id: Option<Origin>,
}

impl GroupPlaces {
    pub(crate) fn new(tree: &Node, group: &Node) -> Self {
        let own = |key: &str| group.key(key).map(|node| node.at.clone());
        Self {
            group: group.at.clone(),
            fleet: match tree.key("name") {
                Some(node) => node.at.clone(),
                None => group.at.clone(),
            },
            name: own("name").unwrap_or_else(|| group.at.clone()),
            device_id: own("device-id"),
        }
    }

    /// Returns the place of the key that makes the device ids. By default it is the name.
    pub(crate) fn device_id(&self) -> &Origin {
        self.device_id.as_ref().unwrap_or(&self.name)
    }

    /// Returns the place of the key that a placeholder's value comes from.
    pub(crate) fn of(&self, placeholder: Placeholder) -> &Origin {
        match placeholder {
            Placeholder::Device => self.device_id(),
            Placeholder::Group => &self.name,
            Placeholder::Fleet => &self.fleet,
            Placeholder::Index | Placeholder::Run | Placeholder::Connection => &self.group,
        }
    }
}
