//! What a log costs in a month: volumes times prices, for the log on S3 and for the
//! same rows in the databases and streams that they could go to instead.

use std::time::Duration;

use super::Hour;
use mockfleet_config::Item;
use mockfleet_config::Prices;

/// Hours of a month, as the vendor counts them.
pub const MONTH_HOURS: f64 = 730.0;

/// Bytes of what is billed as a GB.
pub const GB: f64 = 1_073_741_824.0;

/// Storage that DynamoDB bills an item beyond its own bytes (developer guide, "Item
/// sizes and formats").
const ITEM_OVERHEAD: f64 = 100.0;

/// Of what CloudWatch Logs took in, the share that it stores: the vendor's own examples
/// reckon with it.
const ARCHIVED: f64 = 0.15;

/// What a Kinesis shard takes a second: records, and bytes.
const SHARD: (f64, f64) = (1_000.0, 1_048_576.0);

/// How a fleet is billed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Hours of a month in which the fleet runs, up to [`MONTH_HOURS`].
    pub hours: f64,
    /// How long rows are kept; for ever where it is not said.
    pub keep: Option<Duration>,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What is paid for.
    pub what: &'static str,
    /// How much of it.
    pub amount: f64,
    /// In which unit.
    pub unit: &'static str,
    /// US dollars.
    pub usd: f64,
}

/// The bill of one month.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    /// Where the rows are.
    pub place: &'static str,
    /// For machines.
    pub key: &'static str,
    /// What is paid for.
    pub lines: Vec<Line>,
}

impl Bill {
    /// US dollars in all.
    #[must_use]
    pub fn usd(&self) -> f64 {
        self.lines.iter().map(|line| line.usd).sum()
    }
}

/// A month's prices and volumes.
struct Month<'a> {
    hour: &'a Hour,
    prices: &'a Prices,
    terms: Terms,
    /// So many months of rows are stored, on average over the month.
    held: f64,
}

/// The bills of a month, counted from one: the log on S3 first.
#[must_use]
pub fn bills(hour: &Hour, prices: &Prices, terms: Terms, month: u32) -> Vec<Bill> {
    let month = Month {
        hour,
        prices,
        terms,
        held: held(terms.keep, month),
    };
    vec![
        month.s3(),
        month.on_demand(),
        month.provisioned(),
        month.stream(),
    ]
}

/// How many months of rows are stored on average over a month, when they are kept for a
/// while: the mean of min(time, keep).
fn held(keep: Option<Duration>, month: u32) -> f64 {
    let (from, to) = (f64::from(month.saturating_sub(1)), f64::from(month));
    let keep = keep.map_or(f64::INFINITY, |keep| {
        keep.as_secs_f64() / 3_600.0 / MONTH_HOURS
    });
    if keep >= to {
        (from + to) / 2.0
    } else if keep <= from {
        keep
    } else {
        (keep * keep - from * from) / 2.0 + keep * (to - keep)
    }
}

impl Month<'_> {
    fn line(&self, what: &'static str, item: Item, amount: f64, unit: &'static str) -> Line {
        Line {
            what,
            amount,
            unit,
            usd: amount * self.prices.unit_price(item),
        }
    }

    /// What an hour has, in the hours in which the fleet runs.
    fn all(&self, an_hour: f64) -> f64 {
        an_hour * self.terms.hours
    }

    fn s3(&self) -> Bill {
        let files = self.all(self.hour.files());
        let stored = self.all(self.hour.bytes()) / GB * self.held;
        Bill {
            place: "Parquet on S3",
            key: "s3",
            lines: vec![
                self.line("storage", Item::S3Storage, stored, "GB-month"),
                self.line("PUT", Item::S3Put, files, "requests"),
                self.line("HEAD", Item::S3Head, files, "requests"),
            ],
        }
    }

    /// The table itself, however it is written to.
    fn table(&self) -> Line {
        let bytes = self.hour.items + self.hour.rows() * ITEM_OVERHEAD;
        let stored = self.all(bytes) / GB * self.held;
        self.line("table", Item::DynamoStorage, stored, "GB-month")
    }

    fn on_demand(&self) -> Bill {
        let units = self.all(self.hour.write_units);
        Bill {
            place: "DynamoDB on demand",
            key: "dynamodb_on_demand",
            lines: vec![
                self.line("writes", Item::DynamoWrite, units, "write request units"),
                self.table(),
            ],
        }
    }

    /// Rows wait in files on EFS for up to an hour, so that the table can be written at
    /// an even rate.
    fn provisioned(&self) -> Bill {
        let capacity = (self.hour.write_units / 3_600.0).ceil();
        let waiting = self.hour.json / GB * self.terms.hours / MONTH_HOURS;
        let passed = self.all(self.hour.json) / GB;
        Bill {
            place: "DynamoDB provisioned + EFS",
            key: "dynamodb_provisioned_efs",
            lines: vec![
                self.line(
                    "writes",
                    Item::DynamoCapacity,
                    self.all(capacity),
                    "write capacity unit-hours",
                ),
                self.table(),
                self.line("EFS writes", Item::EfsWrite, passed, "GB"),
                self.line("EFS reads", Item::EfsRead, passed, "GB"),
                self.line("EFS storage", Item::EfsStorage, waiting, "GB-month"),
            ],
        }
    }

    /// Each row is a record of the stream and an event of the log group behind it.
    fn stream(&self) -> Bill {
        let (records, bytes) = (self.hour.rows() / 3_600.0, self.hour.json / 3_600.0);
        let shards = (records / SHARD.0).max(bytes / SHARD.1).ceil();
        let units = self.all(self.hour.payload_units);
        let taken = self.all(self.hour.json) / GB;
        let stored = taken * ARCHIVED * self.held;
        Bill {
            place: "Kinesis + CloudWatch Logs",
            key: "kinesis_cloudwatch",
            lines: vec![
                self.line(
                    "shards",
                    Item::KinesisShard,
                    self.all(shards),
                    "shard-hours",
                ),
                self.line("records", Item::KinesisPut, units, "payload units"),
                self.line("ingestion", Item::CloudwatchIngest, taken, "GB"),
                self.line("log group", Item::CloudwatchStorage, stored, "GB-month"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
    }

    #[test]
    fn what_is_kept_grows_to_its_age_and_no_further() {
        let days = |n: u64| Some(Duration::from_secs(n * 86_400));
        near(held(None, 1), 0.5);
        near(held(None, 12), 11.5);
        // Half a month: growing for its first half, level from there.
        let half = Some(Duration::from_secs(365 * 3_600));
        near(held(half, 1), 0.125 + 0.25);
        near(held(half, 2), 0.5);
        near(held(days(730), 1), 0.5);
    }

    #[test]
    fn a_bill_is_what_one_reckons_by_hand() {
        let hour = Hour {
            messages: 3_600_000.0,
            events: 0.0,
            sends_files: 60.0,
            events_files: 4.0,
            sends_bytes: GB / 10.0,
            json: GB,
            payload_units: 3_600_000.0,
            items: GB - 360_000_000.0,
            write_units: 7_200_000.0,
            ..Hour::default()
        };
        let terms = Terms {
            hours: 100.0,
            keep: None,
        };
        let prices = Prices::builtin().unwrap();
        let bills = bills(&hour, &prices, terms, 2);
        let usd: Vec<Vec<f64>> = bills
            .iter()
            .map(|bill| bill.lines.iter().map(|line| line.usd).collect())
            .collect();
        // A tenth of a GB an hour for 100 hours a month, one and a half months of it.
        near(usd[0][0], 10.0 * 1.5 * 0.023);
        near(usd[0][1], 6_400.0 / 1_000.0 * 0.005);
        near(usd[0][2], 6_400.0 / 1_000.0 * 0.0004);
        near(usd[1][0], 720.0 * 0.625);
        near(usd[1][1], 100.0 * 1.5 * 0.25);
        near(usd[2][0], 2_000.0 * 100.0 * 0.000_65);
        near(usd[2][2], 100.0 * 0.06);
        near(usd[2][3], 100.0 * 0.03);
        near(usd[2][4], 100.0 / 730.0 * 0.30);
        // 1,000 records a second are one shard; a GB an hour is less than another.
        near(usd[3][0], 100.0 * 0.015);
        near(usd[3][1], 360.0 * 0.014);
        near(usd[3][2], 100.0 * 0.5);
        near(usd[3][3], 100.0 * 0.15 * 1.5 * 0.03);
    }
}
