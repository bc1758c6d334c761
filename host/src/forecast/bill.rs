//! Computes the monthly cost of a log.

use std::time::Duration;

use crate::forecast::figures::Hour;
use mockfleet_config::{Item, Prices};

/// Hours of a month, as the vendor counts them.
pub(crate) const MONTH_HOURS: f64 = 730.0;

/// Bytes of a billed GB.
pub(crate) const GB: f64 = 1_073_741_824.0;

/// Bytes that DynamoDB bills for an item's storage beyond the item itself (developer guide,
/// "Item sizes and formats").
const ITEM_OVERHEAD: f64 = 100.0;

/// Share of ingested bytes that CloudWatch Logs stores, from the vendor's examples.
const ARCHIVED: f64 = 0.15;

/// Limits of a Kinesis shard a second: records and bytes.
const SHARD: (f64, f64) = (1_000.0, 1_048_576.0);

/// The billing terms of a fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BillingTerms {
    /// Hours of a month in which the fleet runs, up to [`MONTH_HOURS`].
    pub hours: f64,
    /// Time that rows are kept; `None` means for ever.
    pub retention: Option<Duration>,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// The billed item, or items.
    pub what: &'static str,
    /// Billed amount.
    pub amount: f64,
    /// Unit of the amount.
    pub unit: &'static str,
    /// Price in US dollars.
    pub usd: f64,
}

/// The bill of one month.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bill {
    /// The place of the rows.
    pub place: &'static str,
    /// Name of the place in JSON.
    pub key: &'static str,
    /// The billed item, or items.
    pub lines: Vec<Line>,
}

impl Bill {
    /// Returns the total in US dollars.
    #[must_use]
    pub(crate) fn usd(&self) -> f64 {
        self.lines.iter().map(|line| line.usd).sum()
    }
}

/// A month's prices and volumes.
struct Month<'a> {
    hour: &'a Hour,
    prices: &'a Prices,
    terms: BillingTerms,
    /// Months of rows that are stored, on average over the month.
    held: f64,
}

/// Returns the bills of a month, counted from 1. The log on S3 is first.
#[must_use]
pub(crate) fn bills(hour: &Hour, prices: &Prices, terms: BillingTerms, month: u32) -> Vec<Bill> {
    let month = Month {
        hour,
        prices,
        terms,
        held: held(terms.retention, month),
    };
    vec![
        month.s3(),
        month.on_demand(),
        month.provisioned(),
        month.stream(),
    ]
}

/// Returns the months of stored rows, on average over a month: the mean of min(time, keep).
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

    /// Returns the amount of a month from that of an hour.
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

    /// Returns the cost of the table's storage, independent of the way of writing.
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

    /// Returns the bill for provisioned writes. Rows wait in EFS files for up to an hour, so
    /// that the table is written evenly.
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

    /// Returns the bill of the stream. Each row is a record of the stream, and an event of the
    /// log group behind it.
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
    fn stored_months_grow_up_to_the_retention() {
        let days = |n: u64| Some(Duration::from_secs(n * 86_400));
        near(held(None, 1), 0.5);
        near(held(None, 12), 11.5);
        // Half a month: the log grows in the first half, and stays level after it.
        let half = Some(Duration::from_secs(365 * 3_600));
        near(held(half, 1), 0.125 + 0.25);
        near(held(half, 2), 0.5);
        near(held(days(730), 1), 0.5);
    }

    #[test]
    fn bill_equals_a_calculation_by_hand() {
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
        let terms = BillingTerms {
            hours: 100.0,
            retention: None,
        };
        let prices = Prices::builtin().unwrap();
        let bills = bills(&hour, &prices, terms, 2);
        let usd: Vec<Vec<f64>> = bills
            .iter()
            .map(|bill| bill.lines.iter().map(|line| line.usd).collect())
            .collect();
        // 0.1 GB an hour for 100 hours a month, of which 1.5 months are stored.
        near(usd[0][0], 10.0 * 1.5 * 0.023);
        near(usd[0][1], 6_400.0 / 1_000.0 * 0.005);
        near(usd[0][2], 6_400.0 / 1_000.0 * 0.0004);
        near(usd[1][0], 720.0 * 0.625);
        near(usd[1][1], 100.0 * 1.5 * 0.25);
        near(usd[2][0], 2_000.0 * 100.0 * 0.000_65);
        near(usd[2][2], 100.0 * 0.06);
        near(usd[2][3], 100.0 * 0.03);
        near(usd[2][4], 100.0 / 730.0 * 0.30);
        // 1,000 records a second need one shard. A GB an hour needs less than another.
        near(usd[3][0], 100.0 * 0.015);
        near(usd[3][1], 360.0 * 0.014);
        near(usd[3][2], 100.0 * 0.5);
        near(usd[3][3], 100.0 * 0.15 * 1.5 * 0.03);
    }
}
