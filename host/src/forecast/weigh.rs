//! What rows weigh: the sample of a group, written by the send log itself to a folder
//! that goes again, as files of the length that they will have.

use std::time::Duration;

use tempfile::TempDir;

use super::{ForecastError, float, ratio};
use mockfleet_config::{ByteSize, Log, Plan, SpoolFull, Store};
use mockfleet_engine::{Rehearsal, Rehearsed};
use mockfleet_sendlog::{Forms, Identity, SendLog};

/// The weights of one group's rows.
pub(super) struct Scale<'a> {
    plan: &'a Plan,
    rehearsal: &'a Rehearsal,
    group: &'a Rehearsed,
    /// Bytes of a file of `sends` with a single row.
    one: f64,
    /// Bytes of one with half of the sample, and with all of it.
    half: f64,
    all: f64,
    /// The same of `events`: one row, and all.
    one_event: f64,
    all_events: f64,
    /// All rows of the sample in their other forms, by table.
    pub(super) forms: (Forms, Forms),
}

/// What encoding came to: bytes of each table, and its other forms if asked for.
struct Weighed {
    sends: f64,
    events: f64,
    forms: (Forms, Forms),
}

impl<'a> Scale<'a> {
    /// Encodes a group's sample.
    pub(super) fn new(
        plan: &'a Plan,
        rehearsal: &'a Rehearsal,
        group: &'a Rehearsed,
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

    /// Bytes of a file of `sends` that has so many rows of this group.
    pub(super) fn sends(&self, rows: f64) -> Result<f64, ForecastError> {
        let kept = self.group.sample.kept();
        if rows < 1.0 || kept == 0 {
            return Ok(self.one);
        }
        // A whole number, since a file has no half rows; far below 2^32.
        let whole = Duration::try_from_secs_f64(rows.round()).map_or(u64::MAX, |n| n.as_secs());
        match usize::try_from(whole) {
            Ok(whole) if whole <= kept => Ok(self.encode(whole, 0, false)?.sends),
            _ => Ok(self.all + (rows - float_of(kept)) * self.row()),
        }
    }

    /// Bytes of one more row of `sends` in a long file.
    pub(super) fn row(&self) -> f64 {
        let kept = self.group.sample.kept();
        let rows = float_of(kept - kept / 2);
        ratio((self.all - self.half).max(0.0), rows)
    }

    /// Bytes of a file of `sends` that are not its rows' own: as good as a file with a
    /// single row.
    pub(super) fn head(&self) -> f64 {
        self.one
    }

    /// Bytes of a file of `events` with a single row, and of one more row.
    pub(super) fn events(&self) -> (f64, f64) {
        let more = self.group.sample.statuses().saturating_sub(1);
        let row = (self.all_events - self.one_event).max(0.0);
        (self.one_event, ratio(row, float_of(more)))
    }

    /// Writes the first rows of the sample as one file a table, and weighs them.
    fn encode(
        &self,
        messages: usize,
        statuses: usize,
        measure: bool,
    ) -> Result<Weighed, ForecastError> {
        let folder = TempDir::with_prefix("mockfleet-plan-")?;
        let store = Store::Folder(folder.path().to_owned());
        let log = Log {
            store: Some(store.clone()),
            payload: self.plan.log.payload,
            // As long as it takes: one file is what is to be weighed.
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
            true => mockfleet_sendlog::forms(folder.path())?,
            false => Default::default(),
        };
        Ok(Weighed {
            sends: float(total.sends.bytes),
            events: float(total.events.bytes),
            forms,
        })
    }
}

fn float_of(n: usize) -> f64 {
    float(u64::try_from(n).unwrap_or(u64::MAX))
}
