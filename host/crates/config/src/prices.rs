//! Reads the price table of estimates.
//!
//! Each price has the page and the month of its source.

use std::path::Path;

use crate::document::file_source::Files;
use crate::document::node::{Node, Value};
use crate::document::parser;
use crate::document::problem::{Problem, Problems, ValueError};
use crate::document::table_reader::{ReadContext, TableReader, text};
use mockfleet_files::bounded_read::{self, MAX_TEXT};

/// The built-in price table.
pub const BUILTIN_PRICES: &str = include_str!("prices.toml");

/// An item with a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A GB in S3 for a month.
    S3Storage,
    /// A PUT to S3.
    S3Put,
    /// A HEAD to S3.
    S3Head,
    /// A write request unit of DynamoDB on demand.
    DynamoWrite,
    /// A provisioned write capacity unit for an hour.
    DynamoCapacity,
    /// A GB in a table for a month.
    DynamoStorage,
    /// A GB in EFS for a month.
    EfsStorage,
    /// A GB written to EFS.
    EfsWrite,
    /// A GB read from EFS.
    EfsRead,
    /// A Kinesis shard for an hour.
    KinesisShard,
    /// A payload unit put to Kinesis.
    KinesisPut,
    /// A GB ingested by CloudWatch Logs.
    CloudwatchIngest,
    /// A GB in CloudWatch Logs for a month.
    CloudwatchStorage,
}

/// The table, key and unit of an item's price.
struct Entry {
    item: Item,
    table: &'static str,
    key: &'static str,
    per: &'static str,
    units: f64,
}

const fn entry(
    item: Item,
    table: &'static str,
    key: &'static str,
    per: &'static str,
    units: f64,
) -> Entry {
    Entry {
        item,
        table,
        key,
        per,
        units,
    }
}

const MILLION: f64 = 1_000_000.0;

/// Entries in the order of the file.
const ENTRIES: [Entry; 13] = [
    entry(Item::S3Storage, "s3", "storage", "GB-month", 1.0),
    entry(Item::S3Put, "s3", "put", "1,000 requests", 1_000.0),
    entry(Item::S3Head, "s3", "head", "1,000 requests", 1_000.0),
    entry(
        Item::DynamoWrite,
        "dynamodb",
        "write-request",
        "million write request units",
        MILLION,
    ),
    entry(
        Item::DynamoCapacity,
        "dynamodb",
        "write-capacity",
        "write capacity unit-hour",
        1.0,
    ),
    entry(Item::DynamoStorage, "dynamodb", "storage", "GB-month", 1.0),
    entry(Item::EfsStorage, "efs", "storage", "GB-month", 1.0),
    entry(Item::EfsWrite, "efs", "write", "GB", 1.0),
    entry(Item::EfsRead, "efs", "read", "GB", 1.0),
    entry(Item::KinesisShard, "kinesis", "shard", "shard-hour", 1.0),
    entry(
        Item::KinesisPut,
        "kinesis",
        "put",
        "million payload units",
        MILLION,
    ),
    entry(Item::CloudwatchIngest, "cloudwatch", "ingest", "GB", 1.0),
    entry(
        Item::CloudwatchStorage,
        "cloudwatch",
        "storage",
        "GB-month",
        1.0,
    ),
];

const PRICE_KEYS: &[&str] = &["usd", "per", "date", "source"];

/// The price of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// The item.
    pub item: Item,
    /// Table and key of the price, with a dot between them.
    pub key: String,
    /// US dollars for [`Self::per`].
    pub usd: f64,
    /// Amount that the price is for.
    pub per: &'static str,
    /// Month of the price at its source, or an empty text.
    pub date: String,
    /// The source: a page, or the user's own file.
    pub source: String,
}

/// A complete price table: each item has a price.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// Region of the prices.
    pub region: String,
    /// Prices in the order of the table.
    pub prices: Vec<Price>,
}

impl Prices {
    /// Returns the built-in price table.
    ///
    /// # Errors
    /// Returns the problems of the built-in table. A test checks that it has none.
    pub fn builtin() -> Result<Self, Problems> {
        Self::parse(BUILTIN_PRICES, "prices.toml", None)
    }

    /// Reads a file whose prices replace those of `base`.
    ///
    /// # Errors
    /// Returns all problems of the file, each with its line.
    pub fn read(file: &Path, base: &Self) -> Result<Self, Problems> {
        let shown = file.display().to_string();
        match bounded_read::read_text(file, MAX_TEXT) {
            Ok(text) => Self::parse(&text, &shown, Some(base)),
            Err(error) => {
                let mut problems = Problems::default();
                problems.push(Problem {
                    place: shown,
                    text: format!(
                        "the table of prices cannot be read: {error}; `mockfleet estimate --show-prices` prints one"
                    ),
                });
                Err(problems)
            }
        }
    }

    /// Reads the text of a price file. `shown` is its name in messages.
    ///
    /// # Errors
    /// Returns all problems of the text, each with its line.
    pub fn parse(text: &str, shown: &str, base: Option<&Self>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let tree = parser::parse(text, shown, &mut problems);
        let context = ReadContext::new(shown, Files::Folder(Path::new(".")), problems);
        let made = read(&context, &tree, base);
        let problems = context.into_problems();
        match made {
            Some(prices) if problems.is_empty() => Ok(prices),
            _ => Err(problems),
        }
    }

    /// Returns the price in US dollars of one unit: a GB, a request, an hour.
    #[must_use]
    pub fn unit_price(&self, item: Item) -> f64 {
        let units = ENTRIES
            .iter()
            .find(|entry| entry.item == item)
            .map_or(1.0, |entry| entry.units);
        let price = self.prices.iter().find(|price| price.item == item);
        price.map_or(0.0, |price| price.usd / units)
    }
}

fn read(context: &ReadContext<'_>, tree: &Node, base: Option<&Prices>) -> Option<Prices> {
    let mut known = vec!["region"];
    for entry in &ENTRIES {
        if !known.contains(&entry.table) {
            known.push(entry.table);
        }
    }
    let keys = TableReader::open(context, tree, "the table of prices", &known)?;
    let region = match base {
        Some(base) => keys.text("region").or_else(|| Some(base.region.clone())),
        None => keys.require("region", "\"us-east-1\"", text),
    }?;
    let mut prices = Vec::new();
    let mut whole = true;
    for table in known.into_iter().skip(1) {
        let entries = ENTRIES.iter().filter(|entry| entry.table == table);
        let names: Vec<&str> = entries.clone().map(|entry| entry.key).collect();
        let opened = keys
            .node(table)
            .and_then(|node| TableReader::open(context, node, format!("[{table}]"), &names));
        for entry in entries {
            let given = opened.as_ref().and_then(|keys| keys.node(entry.key));
            let price = match (given, base) {
                (Some(node), _) => price(context, node, entry),
                (None, Some(base)) => base
                    .prices
                    .iter()
                    .find(|price| price.item == entry.item)
                    .cloned(),
                (None, None) => {
                    keys.report_missing(&format!("{table}.{}", entry.key), "{ usd = 1.0 }");
                    None
                }
            };
            whole &= price.is_some();
            prices.extend(price);
        }
    }
    whole.then_some(Prices { region, prices })
}

/// Reads a price, which is a table or only a number.
fn price(context: &ReadContext<'_>, node: &Node, entry: &Entry) -> Option<Price> {
    let key = format!("{}.{}", entry.table, entry.key);
    let made = |usd, date: Option<String>, source: Option<String>| Price {
        item: entry.item,
        key: key.clone(),
        usd,
        per: entry.per,
        date: date.unwrap_or_default(),
        source: source.unwrap_or_else(|| context.shown.to_owned()),
    };
    if !matches!(node.value, Value::Table(_)) {
        return match dollars(node) {
            Ok(usd) => Some(made(usd, None, None)),
            Err(why) => {
                context.report(&node.at, format!("{key}: {why}"));
                None
            }
        };
    }
    let keys = TableReader::open(context, node, key.clone(), PRICE_KEYS)?;
    keys.read("per", |node| match text(node)? {
        per if per == entry.per => Ok(()),
        per => Err(format!("this price is per {:?}, not per {per:?}", entry.per).into()),
    });
    let usd = keys.require("usd", "0.023", dollars)?;
    Some(made(usd, keys.text("date"), keys.text("source")))
}

fn dollars(node: &Node) -> Result<f64, ValueError> {
    let wanted = "a price is a number of US dollars from 0 to 1000000";
    let usd = match &*node.scalar() {
        Value::Float(usd) => *usd,
        Value::Integer(usd) => u32::try_from(*usd).map_or(f64::NAN, f64::from),
        Value::Long(usd) => usd.parse().unwrap_or(f64::NAN),
        _ => return Err(node.mismatch(wanted)),
    };
    if (0.0..=MILLION).contains(&usd) {
        Ok(usd)
    } else {
        Err(wanted.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let base = Prices::builtin().unwrap();
        Prices::parse(text, "p.toml", Some(&base))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn every_builtin_price_has_its_page_and_its_month() {
        let prices = Prices::builtin().unwrap();
        assert_eq!(prices.region, "us-east-1");
        assert_eq!(prices.prices.len(), ENTRIES.len());
        for price in &prices.prices {
            assert!(price.usd > 0.0, "{}", price.key);
            assert!(price.source.starts_with("https://"), "{}", price.key);
            let dated = price.date.starts_with("202") || price.date == "undated";
            assert!(dated, "{}", price.key);
        }
        assert_eq!(prices.unit_price(Item::S3Put), 0.000_005);
        assert_eq!(prices.unit_price(Item::DynamoCapacity), 0.000_65);
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let base = Prices::builtin().unwrap();
        let text = "region = \"eu-1\"\n[s3]\nput = 0.01\nhead = { usd = 1 }\n";
        let own = Prices::parse(text, "p.toml", Some(&base)).unwrap();
        assert_eq!(own.region, "eu-1");
        assert_eq!(own.unit_price(Item::S3Put), 0.000_01);
        assert_eq!(own.unit_price(Item::S3Head), 0.001);
        assert_eq!(
            own.unit_price(Item::S3Storage),
            base.unit_price(Item::S3Storage)
        );
        let put = own.prices.iter().find(|price| price.key == "s3.put");
        assert_eq!(put.unwrap().source, "p.toml");
    }

    #[test]
    fn all_that_is_wrong_is_said_with_its_line() {
        let text = "[s3]\nputs = 1.0\nput = -1\nhead = \"much\"\nstorage = { usd = 0.1, per = \"GB\" }\n[kinesis]\nshard = { price = 1.0 }\n[s4]\n";
        let said = said(text);
        let lines: Vec<&str> = said.lines().collect();
        let wanted = [
            "p.toml:8: unknown key \"s4\"",
            "p.toml:2: unknown key \"puts\" in [s3]; did you mean \"put\"?",
            "p.toml:5: per in s3.storage: this price is per \"GB-month\", not per \"GB\"",
            "p.toml:3: s3.put: a price is a number of US dollars",
            "p.toml:4: s3.head: a price is a number of US dollars from 0 to 1000000, not a text",
            "p.toml:7: unknown key \"price\" in kinesis.shard",
            "p.toml:7: kinesis.shard lacks the key \"usd\"",
        ];
        assert_eq!(lines.len(), wanted.len(), "{said}");
        for (line, wanted) in lines.iter().zip(wanted) {
            assert!(line.starts_with(wanted), "{line}");
        }
    }

    #[test]
    fn what_is_no_table_of_prices_is_refused() {
        assert!(said("[s3").contains("this is not TOML"));
        assert!(said("s3 = 5").contains("wants a table"));
        assert!(said("[s3]\nput = nan").contains("a number of US dollars"));
    }
}
