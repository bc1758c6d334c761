//! Lists common names of columns, the best first.

/// The device's id.
pub const DEVICE_COLUMNS: &[&str] = &[
    "device_id",
    "device",
    "deviceid",
    "device_name",
    "thing",
    "thing_id",
    "sensor_id",
    "sensor",
    "client_id",
    "clientid",
];

/// The MQTT topic, or the path of a request.
pub const TOPIC_COLUMNS: &[&str] = &["topic", "mqtt_topic"];

/// The bytes of a message.
pub const PAYLOAD_COLUMNS: &[&str] = &[
    "payload", "body", "message", "msg", "data", "content", "raw", "json", "value",
];

/// The time of a message's arrival.
pub const ARRIVAL_COLUMNS: &[&str] = &[
    "received_at",
    "received",
    "arrived_at",
    "arrival_time",
    "arrival",
    "ingested_at",
    "ingest_time",
    "inserted_at",
    "created_at",
];

/// Any time.
pub const TIME_COLUMNS: &[&str] = &["time", "timestamp", "ts", "at", "tst"];

/// A number that differs between the messages of a device.
pub const NUMBER_COLUMNS: &[&str] = &[
    "seq",
    "sequence",
    "sequence_number",
    "seq_no",
    "message_id",
    "msg_id",
    "messageid",
    "counter",
    "n",
    "id",
];

/// Returns the first of these names that a column has. Its case may differ, unless another
/// column has it exactly.
#[must_use]
pub fn find_column(columns: &[String], names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let exact = columns.iter().find(|column| *column == name);
        let similar = || {
            columns
                .iter()
                .find(|column| column.eq_ignore_ascii_case(name))
        };
        exact.or_else(similar).cloned()
    })
}
