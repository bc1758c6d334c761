//! Writes an estimate as tables.

use crate::cli::run::estimate::result::{Estimate, MONTHS};
use crate::forecast::bill::{Bill, MONTH_HOURS, bills};
use crate::forecast::figures::{GroupHour, Hour};
use mockfleet_config::{Speed, Store, format_duration};
use mockfleet_metrics::{bytes, count, plural};
use mockfleet_sendlog::{TextTable, location};

pub(crate) fn text(estimate: &Estimate) -> String {
    let groups = &estimate.forecast.groups;
    let devices: u64 = groups.iter().map(|group| u64::from(group.devices)).sum();
    let mut parts = vec![
        format!(
            "{}: {}, {}; an hour of it, once all are switched on:",
            estimate.fleet.plan.name,
            plural(devices, "device"),
            plural(wide(groups.len()), "group"),
        ),
        hour(estimate),
        log(&estimate.forecast.hour),
    ];
    parts.extend(clock(estimate));
    parts.extend(run(estimate));
    parts.push(month(estimate));
    parts.push(lines(estimate));
    parts.push(rests(estimate));
    parts.push(LEFT_OUT.into());
    parts.join("\n\n")
}

const LEFT_OUT: &str =
    "It leaves out: messages that devices send after connection events, receipts or downlink;
events of connections, failures and restarts; rows of messages that fail (their causes take
some bytes); requests of readers of the log; data transfer, taxes, free tiers and discounts
for volume. docs/estimate.md has every formula.";

fn hour(estimate: &Estimate) -> String {
    let head = [
        "group",
        "devices",
        "messages",
        "payload",
        "log",
        "bytes/row",
    ];
    let mut columns = TextTable::new(head);
    for group in &estimate.forecast.groups {
        columns.push_row([
            group.name.clone(),
            count(u64::from(group.devices)),
            count(whole(group.messages)),
            bytes(whole(group.payload)),
            bytes(whole(group.bytes)),
            each(group.bytes, group.messages),
        ]);
    }
    columns.render()
}

fn log(hour: &Hour) -> String {
    let head = ["table", "rows", "bytes", "bytes/row", "files", "requests"];
    let mut columns = TextTable::new(head);
    let mut row = |name: &str, rows: f64, size: f64, files: f64| {
        columns.push_row([
            name.to_owned(),
            count(whole(rows)),
            bytes(whole(size)),
            each(size, rows),
            amount(files),
            format!("{0} PUT, {0} HEAD", amount(files)),
        ]);
    };
    row("sends", hour.messages, hour.sends_bytes, hour.sends_files);
    row("events", hour.events, hour.events_bytes, hour.events_files);
    row("both", hour.rows(), hour.bytes(), hour.files());
    columns.render()
}

/// Describes the fleet's clock, if it is not as fast as the machine's.
fn clock(estimate: &Estimate) -> Option<String> {
    let passes = match estimate.fleet.plan.clock.speed {
        Speed::Times(1.0) => return None,
        Speed::Times(times) => format!("goes by in {} s", amount(3_600.0 / times)),
        Speed::Max => "goes by as fast as the machine allows".into(),
    };
    Some(format!(
        "All hours and months are of the fleet's own clock, by which an hour {passes}."
    ))
}

/// Describes the run of the fleet, if it has a duration.
fn run(estimate: &Estimate) -> Option<String> {
    let run = estimate.forecast.run?;
    if whole(run.messages) == 0 {
        return Some(format!(
            "Its run of {} has no message, so no file of sends.",
            format_duration(run.duration)
        ));
    }
    Some(format!(
        "Its run of {}, from the first device to the last tick: {}, {} in {} of sends ({} bytes a row).",
        format_duration(run.duration),
        plural(whole(run.messages), "message"),
        bytes(whole(run.bytes)),
        plural(whole(run.files), "file"),
        each(run.bytes, run.messages),
    ))
}

fn all_bills(estimate: &Estimate) -> [Vec<Bill>; MONTHS.len()] {
    MONTHS.map(|month| {
        bills(
            &estimate.forecast.hour,
            &estimate.prices,
            estimate.terms,
            month,
        )
    })
}

fn month(estimate: &Estimate) -> String {
    let kept = match estimate.terms.retention {
        Some(keep) => format!("kept for {}", format_duration(keep)),
        None => "kept for ever".into(),
    };
    let months = MONTHS.map(|month| format!("month {month}"));
    let [first, last] = &months;
    let mut columns = TextTable::new(["rows in", first, last, "beside S3"]);
    let [early, late] = all_bills(estimate);
    let least = late.first().map_or(0.0, Bill::usd);
    for (number, (early, late)) in early.iter().zip(&late).enumerate() {
        columns.push_row([
            late.place.to_owned(),
            dollars(early.usd()),
            dollars(late.usd()),
            match number {
                0 => String::new(),
                _ if least > 0.0 => format!("{} times", amount(late.usd() / least)),
                _ => String::new(),
            },
        ]);
    }
    format!(
        "A month of it ({} of {} hours, rows {kept}), in US dollars of {}:\n\n{}",
        amount(estimate.terms.hours),
        amount(MONTH_HOURS),
        estimate.prices.region,
        columns.render()
    )
}

fn lines(estimate: &Estimate) -> String {
    let [_, last] = MONTHS;
    let mut columns = TextTable::new(["rows in", "for", "how much", "dollars"]);
    let [_, late] = all_bills(estimate);
    for bill in &late {
        for (number, line) in bill.lines.iter().enumerate() {
            columns.push_row([
                if number == 0 {
                    bill.place.to_owned()
                } else {
                    String::new()
                },
                line.what.to_owned(),
                match amount(line.amount).as_str() {
                    "1" => format!("1 {}", line.unit.trim_end_matches('s')),
                    amount => format!("{amount} {}", line.unit),
                },
                dollars(line.usd),
            ]);
        }
    }
    format!("Lines of month {last}:\n\n{}", columns.render())
}

fn rests(estimate: &Estimate) -> String {
    let mut lines = vec!["It rests on:".to_owned()];
    lines.extend(estimate.forecast.groups.iter().map(rests_on));
    if let Some((rate, groups)) = &estimate.assumed {
        lines.push(format!(
            "- {} with rate = \"max\": a tick each {} of each device was assumed (--rate)",
            groups.join(", "),
            format_duration(rate.interval())
        ));
    }
    let log = &estimate.fleet.plan.log;
    lines.push(format!(
        "- files of the log of up to {}, each ended after {}; each message confirmed",
        bytes(log.roll_size.bytes()),
        format_duration(log.roll_every)
    ));
    match &log.store {
        Some(Store::S3 { .. }) => {}
        Some(store) => lines.push(format!(
            "- the same log in a bucket: this one is in the folder {}",
            location(store)
        )),
        None => lines.push("- a log in a bucket: this fleet writes none (store = \"none\")".into()),
    }
    let prices = &estimate.prices.prices;
    let mut dates: Vec<&str> = prices.iter().map(|price| price.date.as_str()).collect();
    dates.retain(|date| date.starts_with(|c: char| c.is_ascii_digit()));
    dates.sort_unstable();
    let own = prices.iter().filter(|price| price.date.is_empty()).count();
    let span = match (dates.first(), dates.last()) {
        (Some(first), Some(last)) if first != last => format!(" of {first} to {last}"),
        (Some(date), _) => format!(" of {date}"),
        _ => String::new(),
    };
    let own = match own {
        0 => String::new(),
        own => format!(", {} from your file", plural(wide(own), "price")),
    };
    lines.push(format!(
        "- prices as public pages give them{span} (--show-prices){own}"
    ));
    lines.join("\n")
}

fn rests_on(group: &GroupHour) -> String {
    let sample = &group.sample;
    let mut text = format!(
        "- {}: {} of {} for {} of virtual time: {}, {} ({} encoded)",
        group.name,
        count(u64::from(sample.devices)),
        plural(group.devices, "device"),
        format_duration(std::time::Duration::from_secs(sample.time.as_secs())),
        plural(sample.ticks, "tick"),
        plural(sample.messages, "message"),
        count(sample.encoded),
    );
    if sample.failed > 0 {
        text += &format!("; {} failed", plural(sample.failed, "call"));
    }
    if sample.retired > 0 {
        text += &format!("; {} retired", plural(sample.retired, "device"));
    }
    if let Some(fault) = &sample.fault {
        text += &format!(
            "; {} silent from a fault on ({fault})",
            plural(sample.fallen, "device")
        );
    }
    if sample.stages {
        text += "; its stages are left out of an hour's figures, which are those of its own rate";
    }
    if let Some(period) = sample.uncovered {
        text += &format!(
            "; its cron patterns repeat after {}, which is longer, so its figures may be too high or too low",
            format_duration(period)
        );
    }
    if sample.messages == 0 {
        text += "; nothing was sent in that time, give more with --for";
    }
    text
}

fn each(size: f64, rows: f64) -> String {
    if rows > 0.0 {
        format!("{:.1}", size / rows)
    } else {
        String::new()
    }
}

/// Formats a number with its significant digits.
fn amount(n: f64) -> String {
    if n >= 99.95 {
        return count(whole(n));
    }
    let text = if n >= 9.995 {
        format!("{n:.1}")
    } else if n >= 0.01 || n == 0.0 {
        format!("{n:.2}")
    } else {
        format!("{n:.1e}")
    };
    match text.split_once('.') {
        Some((all, rest)) if rest.chars().all(|digit| digit == '0') => all.to_owned(),
        _ => text,
    }
}

fn dollars(usd: f64) -> String {
    let cents = whole(usd * 100.0);
    match cents {
        0 if usd > 0.0 => "< $0.01".into(),
        _ => format!("${}.{:02}", count(cents / 100), cents % 100),
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Rounds to the nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is shown is positive, and far below 2^64"
)]
pub(crate) fn whole(n: f64) -> u64 {
    n.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_that_say_something() {
        let shown = [0.0, 0.004, 0.125, 3.0, 12.34, 12.0, 1234.5].map(amount);
        assert_eq!(shown, ["0", "4.0e-3", "0.12", "3", "12.3", "12", "1,235"]);
    }

    #[test]
    fn money_has_cents_and_never_rounds_to_nothing() {
        let shown = [0.0, 0.001, 0.126, 1234.5].map(dollars);
        assert_eq!(shown, ["$0.00", "< $0.01", "$0.13", "$1,234.50"]);
    }
}
