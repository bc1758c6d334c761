//! Measures the size of rows by encoding a sample.

use std::time::Duration;

use tempfile::TempDir;

use crate::forecast::error::ForecastError;
use crate::num::{as_f64, ratio};
use mockfleet_config::{ByteSize, Log, Plan, SpoolFull, Store};
use mockfleet_engine::{DryRun, GroupResult};
use mockfleet_sendlog::{EncodedSizes, Identity, SendLog};

/// The sizes of one group's rows.
pub(crate) struct SizeSampler<'a> {
    plan: &'a Plan,
    rehearsal: &'a DryRun,
    group: &'a GroupResult,
    /// Bytes of a file of `sends` with a single row.
    one: f64,
    /// Bytes of a file of `sends` with half of the sample, and with all of it.
    half: f64,
    all: f64,
    /// Bytes of a file of `events` with one row, and with all rows.
    one_event: f64,
    all_events: f64,
    /// Sizes of all rows of the sample in other formats, by table.
    pub(crate) forms: (EncodedSizes, EncodedSizes),
}

/// The size of an encoded sample: bytes of each table, and other formats if measured.
struct SizeSample {
    sends: f64,
    events: f64,
    forms: (EncodedSizes, EncodedSizes),
}

impl<'a> SizeSampler<'a> {
    /// Encodes a group's sample.
    pub(crate) fn new(
        plan: &'a Plan,
        rehearsal: &'a DryRun,
        group: &'a GroupResult,
    ) -> Result<Self, ForecastError> {
        let mut scale = Self {
            plan,
            rehearsal,
            group,
            one: 0.0,
            half: 0.0,
            all: 0.0,
            one_event: 0.0,
            all_events: 0.0,
            forms: Default::default(),
        };
        let (kept, statuses) = (group.sample.kept(), group.sample.statuses());
        let all = scale.encode(kept, statuses, true)?;
        let one = scale.encode(1, 1, false)?;
        scale.half = scale.encode(kept / 2, 0, false)?.sends;
        (scale.all, scale.all_events) = (all.sends, all.events);
        (scale.one, scale.one_event) = (one.sends, one.events);
        scale.forms = all.forms;
        Ok(scale)
    }

    /// Returns the bytes of a file of `sends` with this number of rows of the group.
    pub(crate) fn sends(&self, rows: f64) -> Result<f64, ForecastError> {
        let kept = self.group.sample.kept();
        if rows < 1.0 || kept == 0 {
            return Ok(self.one);
        }
        // A file has no half rows. The number is far below 2^32.
        let whole = Duration::try_from_secs_f64(rows.round()).map_or(u64::MAX, |n| n.as_secs());
        match usize::try_from(whole) {
            Ok(whole) if whole <= kept => Ok(self.encode(whole, 0, false)?.sends),
            _ => Ok(self.all + (rows - float_of(kept)) * self.row()),
        }
    }

    /// Returns the bytes of one more row of `sends` in a long file.
    pub(crate) fn row(&self) -> f64 {
        let kept = self.group.sample.kept();
        let rows = float_of(kept - kept / 2);
        ratio((self.all - self.half).max(0.0), rows)
    }

    /// Returns the bytes of a file of `sends` beyond its rows, about the size of a file with
    /// one row.
    pub(crate) fn head(&self) -> f64 {
        self.one
    }

    /// Returns the bytes of a file of `events` with one row, and of one more row.
    pub(crate) fn events(&self) -> (f64, f64) {
        let more = self.group.sample.statuses().saturating_sub(1);
        let row = (self.all_events - self.one_event).max(0.0);
        (self.one_event, ratio(row, float_of(more)))
    }

    /// Writes the first rows of the sample as one file for each table, and measures the files.
    fn encode(
        &self,
        messages: usize,
        statuses: usize,
        measure: bool,
    ) -> Result<SizeSample, ForecastError> {
        let folder = TempDir::with_prefix("mockfleet-estimate-")?;
        let store = Store::Folder(folder.path().to_owned());
        let log = Log {
            store: Some(store.clone()),
            payload: self.plan.log.payload,
            // No limit of time or size, since one file is measured.
            roll_size: ByteSize::new(u64::MAX),
            roll_every: Duration::MAX,
            sync: Duration::from_secs(60),
            spool_limit: ByteSize::new(1 << 40),
            spool_full: SpoolFull::Pause,
            retention: None,
        };
        let directory = self.rehearsal.directory.clone();
        let open = SendLog::open(&log, Identity::new(), directory)?;
        let mut appender = open.appender();
        let sample = &self.group.sample;
        sample.write_messages(messages, &mut appender);
        sample.write_statuses(statuses, &mut appender);
        appender.finish();
        drop(appender);
        if let Some(error) = open.close(|_| {}).error {
            return Err(error.into());
        }
        let total = mockfleet_sendlog::stats(&store)?.total();
        let forms = match measure {
            true => mockfleet_sendlog::encoded_sizes(folder.path())?,
            false => Default::default(),
        };
        Ok(SizeSample {
            sends: as_f64(total.sends.bytes),
            events: as_f64(total.events.bytes),
            forms,
        })
    }
}

fn float_of(n: usize) -> f64 {
    as_f64(u64::try_from(n).unwrap_or(u64::MAX))
}
