//! Makes and parses the keys of log files.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::format::identity::{Identity, is_host_name, is_run_id};
use crate::format::schema::LogTable;

/// The key of a log file that mockfleet writes. It leads to no other place, whoever wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct LogKey {
    text: String,
    /// The table of the file.
    pub(crate) table: LogTable,
    /// The run and the machine of its rows.
    pub(crate) identity: Identity,
}

impl LogKey {
    /// Returns the key of the file with the rows `first` to `last`. The hour is counted from 1970.
    pub(crate) fn new(
        table: LogTable,
        hour: i64,
        identity: &Identity,
        first: i64,
        last: i64,
    ) -> Self {
        let (date, hour) = date_and_hour(hour);
        let (name, Identity { run, host }) = (table.name(), identity);
        Self {
            text: format!("{name}/dt={date}/hour={hour:02}/{host}-{run}-{first}-{last}.parquet"),
            table,
            identity: identity.clone(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the folders of the table, the day and the hour, and the name of the file.
    pub(crate) fn components(&self) -> impl Iterator<Item = &str> {
        self.text.split('/')
    }
}

impl TryFrom<String> for LogKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let table = LogTable::ALL
            .into_iter()
            .find(|table| text.split('/').next() == Some(table.name()));
        match (table, FileName::parse(&text)) {
            (Some(table), Some(FileName { host, run, .. })) => Ok(Self {
                text,
                table,
                identity: Identity { run, host },
            }),
            _ => Err(format!("{text:?} is no file of a log")),
        }
    }
}

impl From<LogKey> for String {
    fn from(key: LogKey) -> Self {
        key.text
    }
}

fn date_and_hour(hours: i64) -> (Date, i8) {
    let at = Timestamp::from_second(hours.saturating_mul(3600)).unwrap_or_default();
    let at = Offset::UTC.to_datetime(at);
    (at.date(), at.hour())
}

/// The content of a file's place and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName {
    /// Start of the hour of the file's rows.
    pub(crate) hour: Timestamp,
    pub(crate) host: String,
    pub(crate) run: String,
}

impl FileName {
    /// Parses `sends/dt=2026-11-24/hour=07/{host}-{run}-{first}-{last}.parquet`. Returns
    /// `None` for a key that mockfleet does not write.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let mut parts = key.split('/').skip(1);
        let day = parts.next()?.strip_prefix("dt=")?;
        let hour = parts.next()?.strip_prefix("hour=")?;
        let file = parts.next()?.strip_suffix(".parquet")?;
        if parts.next().is_some() || hour.len() != 2 {
            return None;
        }
        let date: Date = day.parse().ok()?;
        let hour: i8 = hour.parse().ok().filter(|hour| (0..24).contains(hour))?;
        if date.to_string() != day {
            return None;
        }
        let hour = Offset::UTC.to_timestamp(date.at(hour, 0, 0, 0)).ok()?;
        let mut words = file.rsplitn(4, '-');
        let last: u64 = words.next()?.parse().ok()?;
        let first: u64 = words.next()?.parse().ok()?;
        let run = words.next()?;
        let host = words.next().filter(|host| is_host_name(host))?;
        (is_run_id(run) && first <= last).then(|| Self {
            hour,
            host: host.to_owned(),
            run: run.to_owned(),
        })
    }

    /// Returns whether the whole hour of the file is before a time.
    pub(crate) fn ended_before(&self, moment: Timestamp) -> bool {
        self.hour
            .checked_add(SignedDuration::from_hours(1))
            .is_ok_and(|end| end <= moment)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUN: &str = "01M87Y4E6N4V0JX7CWRZ4Z7D3Z";

    #[test]
    fn a_name_says_hour_host_and_run() {
        let key = format!("sends/dt=2026-11-24/hour=07/my-host.lan-{RUN}-0-99.parquet");
        let name = FileName::parse(&key).unwrap();
        assert_eq!(name.hour.to_string(), "2026-11-24T07:00:00Z");
        assert_eq!(
            (name.host.as_str(), name.run.as_str()),
            ("my-host.lan", RUN)
        );
    }

    #[test]
    fn what_mockfleet_would_not_write_has_no_name() {
        for key in [
            format!("sends/dt=2026-11-24/hour=7/h-{RUN}-0-9.parquet"),
            format!("sends/dt=2026-11-24/hour=24/h-{RUN}-0-9.parquet"),
            format!("sends/dt=2026-11-31/hour=07/h-{RUN}-0-9.parquet"),
            format!("sends/dt=20261124/hour=07/h-{RUN}-0-9.parquet"),
            format!("sends/dt=2026-11-24/h-{RUN}-0-9.parquet"),
            format!("sends/dt=2026-11-24/hour=07/more/h-{RUN}-0-9.parquet"),
            format!("sends/dt=2026-11-24/hour=07/h-{RUN}-0-9.parquet.bak"),
            format!("sends/dt=2026-11-24/hour=07/h-{RUN}-9-0.parquet"),
            format!("sends/dt=2026-11-24/hour=07/-{RUN}-0-9.parquet"),
            "sends/dt=2026-11-24/hour=07/h-run-0-9.parquet".into(),
            "sends/dt=2026-11-24/hour=07/data.parquet".into(),
        ] {
            assert_eq!(FileName::parse(&key), None, "{key}");
        }
    }

    #[test]
    fn an_hour_is_over_when_its_last_moment_is() {
        let key = format!("sends/dt=2026-11-24/hour=23/h-{RUN}-0-99.parquet");
        let name = FileName::parse(&key).unwrap();
        assert!(name.ended_before("2026-11-25T00:00:00Z".parse().unwrap()));
        assert!(!name.ended_before("2026-11-24T23:59:59.999Z".parse().unwrap()));
        assert!(!name.ended_before(Timestamp::MIN));
    }

    #[test]
    fn keys_have_the_date_of_their_hour() {
        let identity = Identity {
            run: RUN.into(),
            host: "h".into(),
        };
        // 2026-11-24T07:00:00Z
        let key = LogKey::new(LogTable::Sends, 1_795_503_600 / 3_600, &identity, 0, 99);
        let text = format!("sends/dt=2026-11-24/hour=07/h-{RUN}-0-99.parquet");
        assert_eq!(key.as_str(), text);
        assert_eq!(LogKey::try_from(text), Ok(key));
        let key = LogKey::new(LogTable::Events, -1, &identity, 0, 0);
        assert_eq!(key.components().nth(1), Some("dt=1969-12-31"));
    }

    #[test]
    fn keys_lead_to_no_other_place() {
        for key in [
            format!("../victim/dt=2026-11-24/hour=07/h-{RUN}-0-9.parquet"),
            format!("/sends/dt=2026-11-24/hour=07/h-{RUN}-0-9.parquet"),
            format!("sends/../hour=07/h-{RUN}-0-9.parquet"),
            format!("sends/dt=2026-11-24/hour=07/..\\h-{RUN}-0-9.parquet"),
            format!("runs/dt=2026-11-24/hour=07/h-{RUN}-0-9.parquet"),
            "../victim/.bashrc".into(),
            "/etc/passwd".into(),
            String::new(),
        ] {
            assert!(LogKey::try_from(key.clone()).is_err(), "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(key in "(sends/dt=[0-9-]{0,11}/hour=[0-9-]{0,3}/)?.{0,60}") {
            let _ = FileName::parse(&key);
        }
    }
}
