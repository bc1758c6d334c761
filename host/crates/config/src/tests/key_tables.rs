//! Lists all keys of a fleet file by table.

use crate::sections::faults::kinds;
use crate::sections::{checks, groups, log, stages, targets, top_level};

/// All keys of a fleet file, by table. A test compares the reference in `docs/` with them.
pub(crate) const TABLES: &[(&str, &[&str])] = &[
    ("Top level", top_level::KEYS),
    ("clock", top_level::CLOCK_KEYS),
    ("[limits]", top_level::LIMIT_KEYS),
    ("[log]", log::KEYS),
    ("roll of [log]", log::ROLL_KEYS),
    ("[checks]", checks::KEYS),
    ("[targets.NAME]", targets::COMMON_KEYS),
    ("tls of [targets.NAME]", targets::TLS_KEYS),
    ("[targets.NAME] with MQTT", targets::MQTT_KEYS),
    ("will of [targets.NAME]", targets::WILL_KEYS),
    (
        "[targets.NAME.channels] with MQTT",
        targets::MQTT_CHANNEL_KEYS,
    ),
    ("[targets.NAME.downlink]", targets::DOWNLINK_KEYS),
    ("[targets.NAME] with HTTP", targets::HTTP_KEYS),
    (
        "[targets.NAME.channels] with HTTP",
        targets::HTTP_CHANNEL_KEYS,
    ),
    ("[[groups]]", groups::KEYS),
    ("[[groups.stages]]", stages::KEYS),
    ("[[groups.faults]]", kinds::KEYS),
    ("limits of [[groups]]", groups::LIMIT_KEYS),
];
