//! Gives devices in native tests their data files and the context of their group.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// The settings of the group that the devices of this thread are in; see
/// [`group`](crate::group).
#[derive(Debug, Clone, Default)]
pub struct GroupContext {
    /// The channels of the target; `None` without a target.
    pub channels: Option<Vec<String>>,
    /// The channels on which the target delivers messages.
    pub downlink: Option<Vec<String>>,
    /// The interval of the ticks.
    pub interval: Option<Duration>,
}

thread_local! {
    static DATA: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    static GROUP_CONTEXT: RefCell<GroupContext> = RefCell::default();
}

/// Gives the devices of this thread a data file, as the fleet file's `data` does.
pub fn data(name: impl Into<String>, content: impl Into<Vec<u8>>) {
    DATA.with_borrow_mut(|files| files.insert(name.into(), content.into()));
}

/// Sets the context of the group that the devices of this thread are in.
pub fn group_context(context: GroupContext) {
    GROUP_CONTEXT.set(context);
}

pub(crate) fn with_data<T>(name: &str, read: impl FnOnce(&[u8]) -> T) -> Result<T, String> {
    DATA.with_borrow(|files| match files.get(name) {
        Some(content) => Ok(read(content)),
        None => {
            let names: Vec<&str> = files.keys().map(String::as_str).collect();
            Err(format!(
                "there is no data file {name:?}; testing::data was given {}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ))
        }
    })
}

pub(crate) fn with_group_context<T>(read: impl FnOnce(&GroupContext) -> T) -> T {
    GROUP_CONTEXT.with_borrow(read)
}
