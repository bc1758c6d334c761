//! Converts rows to Arrow columns.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;

use sha2::{Digest as _, Sha256};

use mockfleet_config::{KeepPayload, PlaceholderValues, Template};

use crate::format::identity::Identity;
use crate::format::record::EventRow;
use crate::format::record::MessageRow;
use crate::format::record::OutcomeRow;
use crate::format::run_catalog::DeviceIds;
use crate::format::run_catalog::GroupEntry;
use crate::format::run_catalog::RunCatalog;
use crate::format::schema::LogTable;

/// Converts the numbers of a row to the texts of the run catalog.
#[derive(Debug)]
pub(crate) struct LabelResolver {
    pub(crate) identity: Identity,
    pub(crate) catalog: RunCatalog,
    pub(crate) payload: KeepPayload,
}

impl LabelResolver {
    fn group(&self, device: u32) -> Option<&GroupEntry> {
        let groups = &self.catalog.groups;
        let after = groups.partition_point(|group| group.first <= device);
        groups.get(after.checked_sub(1)?)
    }

    /// Renders a template of a device.
    fn render(
        &self,
        template: &Template,
        group: &GroupEntry,
        index: u32,
        id: &str,
        into: &mut String,
    ) {
        let names = PlaceholderValues {
            fleet: &self.catalog.fleet,
            run: &self.identity.run,
            group: &group.name,
            device: id,
            index,
            connection: 0,
        };
        template.render(&names, into);
    }
}

fn time() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("UTC")
}

/// The columns that both tables begin with.
#[derive(Debug)]
struct Common {
    run_id: StringBuilder,
    host_id: StringBuilder,
    log_seq: Int64Builder,
    group: StringBuilder,
    device_id: StringBuilder,
    /// The device id of the current row.
    id: String,
}

impl Common {
    fn new() -> Self {
        Self {
            run_id: StringBuilder::new(),
            host_id: StringBuilder::new(),
            log_seq: Int64Builder::new(),
            group: StringBuilder::new(),
            device_id: StringBuilder::new(),
            id: String::new(),
        }
    }

    fn append(&mut self, labels: &LabelResolver, group: &GroupEntry, device: u32, log_seq: i64) {
        self.run_id.append_value(&labels.identity.run);
        self.host_id.append_value(&labels.identity.host);
        self.log_seq.append_value(log_seq);
        self.group.append_value(&group.name);
        self.id.clear();
        let index = device - group.first;
        match &group.device_ids {
            DeviceIds::FromTemplate(template) => {
                labels.render(template, group, index, "", &mut self.id);
            }
            DeviceIds::Listed(ids) => {
                let place = usize::try_from(index).unwrap_or(usize::MAX);
                self.id.push_str(ids.get(place).map_or("", String::as_str));
            }
        }
        self.device_id.append_value(&self.id);
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.run_id.finish()),
            Arc::new(self.host_id.finish()),
            Arc::new(self.log_seq.finish()),
            Arc::new(self.group.finish()),
            Arc::new(self.device_id.finish()),
        ]
    }
}

/// The columns of `sends`, as far as they are filled.
#[derive(Debug)]
pub(crate) struct SendColumns {
    common: Common,
    plugin: StringBuilder,
    seq: Int64Builder,
    attempt: Int32Builder,
    channel: StringBuilder,
    protocol: StringBuilder,
    destination: StringBuilder,
    topic: StringBuilder,
    outcome: StringBuilder,
    code: Int32Builder,
    error: StringBuilder,
    fault: StringBuilder,
    device_status: StringBuilder,
    scheduled_at: TimestampMicrosecondBuilder,
    sent_at: TimestampMicrosecondBuilder,
    acked_at: TimestampMicrosecondBuilder,
    latency_us: Int64Builder,
    payload_size: Int32Builder,
    payload: StringBuilder,
    payload_bin: BinaryBuilder,
    /// The topic of the current row.
    scratch: String,
}

impl SendColumns {
    pub(crate) fn new() -> Self {
        Self {
            common: Common::new(),
            plugin: StringBuilder::new(),
            seq: Int64Builder::new(),
            attempt: Int32Builder::new(),
            channel: StringBuilder::new(),
            protocol: StringBuilder::new(),
            destination: StringBuilder::new(),
            topic: StringBuilder::new(),
            outcome: StringBuilder::new(),
            code: Int32Builder::new(),
            error: StringBuilder::new(),
            fault: StringBuilder::new(),
            device_status: StringBuilder::new(),
            scheduled_at: time(),
            sent_at: time(),
            acked_at: time(),
            latency_us: Int64Builder::new(),
            payload_size: Int32Builder::new(),
            payload: StringBuilder::new(),
            payload_bin: BinaryBuilder::new(),
            scratch: String::new(),
        }
    }

    /// Appends a row. Returns false when the row refers to an entry that the run catalog
    /// lacks.
    pub(crate) fn append(
        &mut self,
        labels: &LabelResolver,
        row: &MessageRow<'_>,
        end: &OutcomeRow<'_>,
        log_seq: i64,
    ) -> bool {
        let route = labels.catalog.routes.get(usize::from(row.route));
        let Some((group, route)) = labels.group(row.device).zip(route) else {
            return false;
        };
        self.common.append(labels, group, row.device, log_seq);
        self.plugin.append_value(&group.plugin);
        self.seq
            .append_value(i64::try_from(row.seq).unwrap_or(i64::MAX));
        self.attempt
            .append_value(i32::try_from(end.attempt).unwrap_or(i32::MAX));
        self.channel.append_value(&route.channel);
        self.protocol.append_value(&route.protocol);
        self.destination.append_value(&route.destination);
        self.scratch.clear();
        if let Some(method) = &route.method {
            self.scratch.push_str(method);
            self.scratch.push(' ');
        }
        let index = row.device - group.first;
        match row.topic {
            Some(topic) => self.scratch.push_str(topic),
            None => labels.render(
                &route.topic,
                group,
                index,
                &self.common.id,
                &mut self.scratch,
            ),
        }
        self.topic.append_value(&self.scratch);
        self.outcome.append_value(end.outcome.as_str());
        self.code.append_option(end.code);
        self.error.append_option(end.error);
        self.fault.append_option(row.fault);
        self.device_status.append_option(row.status);
        self.scheduled_at.append_value(row.scheduled_at);
        self.sent_at.append_option(end.sent_at);
        self.acked_at.append_option(end.acked_at);
        let latency = end
            .acked_at
            .zip(end.sent_at)
            .map(|(acked, sent)| acked.saturating_sub(sent));
        self.latency_us.append_option(latency);
        self.payload_size
            .append_value(i32::try_from(row.payload.len()).unwrap_or(i32::MAX));
        match kept_payload(labels.payload, row.payload) {
            KeptPayload::Nothing => {
                self.payload.append_null();
                self.payload_bin.append_null();
            }
            KeptPayload::Text(text) => {
                self.payload.append_value(text);
                self.payload_bin.append_null();
            }
            KeptPayload::Bytes(bytes) => {
                self.payload.append_null();
                self.payload_bin.append_value(bytes);
            }
        }
        true
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common.finish();
        let own: [ArrayRef; 19] = [
            Arc::new(self.plugin.finish()),
            Arc::new(self.seq.finish()),
            Arc::new(self.attempt.finish()),
            Arc::new(self.channel.finish()),
            Arc::new(self.protocol.finish()),
            Arc::new(self.destination.finish()),
            Arc::new(self.topic.finish()),
            Arc::new(self.outcome.finish()),
            Arc::new(self.code.finish()),
            Arc::new(self.error.finish()),
            Arc::new(self.fault.finish()),
            Arc::new(self.device_status.finish()),
            Arc::new(self.scheduled_at.finish()),
            Arc::new(self.sent_at.finish()),
            Arc::new(self.acked_at.finish()),
            Arc::new(self.latency_us.finish()),
            Arc::new(self.payload_size.finish()),
            Arc::new(self.payload.finish()),
            Arc::new(self.payload_bin.finish()),
        ];
        columns.extend(own);
        RecordBatch::try_new(LogTable::Sends.schema(), columns)
    }
}

/// The columns of `events`, as far as they are filled.
#[derive(Debug)]
pub(crate) struct EventColumns {
    common: Common,
    at: TimestampMicrosecondBuilder,
    kind: StringBuilder,
    detail: StringBuilder,
}

impl EventColumns {
    pub(crate) fn new() -> Self {
        Self {
            common: Common::new(),
            at: time(),
            kind: StringBuilder::new(),
            detail: StringBuilder::new(),
        }
    }

    /// Appends a row. Returns false when the row refers to an entry that the run catalog
    /// lacks.
    pub(crate) fn append(
        &mut self,
        labels: &LabelResolver,
        row: &EventRow<'_>,
        log_seq: i64,
    ) -> bool {
        let Some(group) = labels.group(row.device) else {
            return false;
        };
        self.common.append(labels, group, row.device, log_seq);
        self.at.append_value(row.at);
        self.kind.append_value(row.kind.as_str());
        self.detail.append_option(row.detail);
        true
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common.finish();
        let own: [ArrayRef; 3] = [
            Arc::new(self.at.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.detail.finish()),
        ];
        columns.extend(own);
        RecordBatch::try_new(LogTable::Events.schema(), columns)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum KeptPayload<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

/// Returns the part of a payload that the log keeps. A text is cut between characters.
fn kept_payload(keep: KeepPayload, payload: &[u8]) -> KeptPayload<'_> {
    let most = match keep {
        KeepPayload::Full => usize::MAX,
        KeepPayload::None => return KeptPayload::Nothing,
        KeepPayload::Hash => return KeptPayload::Text(digest(payload).into()),
        KeepPayload::Cut(size) => usize::try_from(size.bytes()).unwrap_or(usize::MAX),
    };
    let bytes = payload.get(..most).unwrap_or(payload);
    match std::str::from_utf8(bytes) {
        Ok(text) => KeptPayload::Text(text.into()),
        // The cut went through a character: the text ends before that character.
        Err(error) if error.error_len().is_none() && bytes.len() < payload.len() => {
            let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).map_or(KeptPayload::Bytes(bytes), |text| {
                KeptPayload::Text(text.into())
            })
        }
        Err(_) => KeptPayload::Bytes(bytes),
    }
}

fn digest(payload: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(payload) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use mockfleet_config::ByteSize;

    #[test]
    fn payloads_are_kept_as_asked() {
        let cut = |n| KeepPayload::Cut(ByteSize::new(n));
        assert_eq!(
            kept_payload(KeepPayload::Full, b"abc"),
            KeptPayload::Text("abc".into())
        );
        assert_eq!(
            kept_payload(KeepPayload::Full, b"a\xff"),
            KeptPayload::Bytes(b"a\xff")
        );
        assert_eq!(
            kept_payload(KeepPayload::None, b"abc"),
            KeptPayload::Nothing
        );
        // FIPS 180-2, appendix B.1.
        let sum = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            kept_payload(KeepPayload::Hash, b"abc"),
            KeptPayload::Text(sum.into())
        );
        assert_eq!(kept_payload(cut(2), b"abc"), KeptPayload::Text("ab".into()));
        assert_eq!(
            kept_payload(cut(9), b"abc"),
            KeptPayload::Text("abc".into())
        );
        assert_eq!(
            kept_payload(cut(2), "aäb".as_bytes()),
            KeptPayload::Text("a".into())
        );
        assert_eq!(
            kept_payload(KeepPayload::Full, &"ä".as_bytes()[..1]),
            KeptPayload::Bytes(b"\xc3")
        );
    }
}
