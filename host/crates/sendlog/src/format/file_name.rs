//! Parses the name and place of a log file.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

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
        let host = words.next().filter(|host| !host.is_empty())?;
        let is_run = ulid::Ulid::from_string(run).is_ok_and(|id| id.to_string() == run);
        (is_run && first <= last).then(|| Self {
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

    proptest! {
        #[test]
        fn no_name_makes_it_panic(key in "(sends/dt=[0-9-]{0,11}/hour=[0-9-]{0,3}/)?.{0,60}") {
            let _ = FileName::parse(&key);
        }
    }
}
