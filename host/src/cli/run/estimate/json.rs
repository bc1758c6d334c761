//! Writes an estimate as JSON.

use serde_json::{Value, json};

use crate::cli::run::estimate::result::{Estimate, MONTHS};
use crate::cli::run::estimate::text::whole;
use crate::forecast::bill::{Bill, bills};
use crate::forecast::figures::{GroupHour, Run};

pub(crate) fn object(estimate: &Estimate) -> Value {
    let forecast = &estimate.forecast;
    let hour = &forecast.hour;
    let months: Vec<Value> = MONTHS
        .iter()
        .map(|month| {
            let bills = bills(hour, &estimate.prices, estimate.terms, *month);
            let mut object = serde_json::Map::new();
            object.insert("month".into(), json!(month));
            for shown in &bills {
                object.insert(shown.key.into(), bill(shown));
            }
            Value::Object(object)
        })
        .collect();
    let prices: Vec<Value> = estimate
        .prices
        .prices
        .iter()
        .map(|price| {
            json!({
                "key": price.key,
                "usd": price.usd,
                "per": price.per,
                "date": price.date,
                "source": price.source,
            })
        })
        .collect();
    json!({
        "fleet": estimate.fleet.plan.name,
        "groups": forecast.groups.iter().map(group).collect::<Vec<_>>(),
        "hour": {
            "messages": hour.messages,
            "payload_bytes": hour.payload,
            "events": hour.events,
            "log_bytes": hour.bytes(),
            "sends_bytes": hour.sends_bytes,
            "events_bytes": hour.events_bytes,
            "files": hour.files(),
            "sends_files": hour.sends_files,
            "events_files": hour.events_files,
            "puts": hour.files(),
            "heads": hour.files(),
            "json_bytes": hour.json,
            "item_bytes": hour.items,
            "write_units": hour.write_units,
            "payload_units": hour.payload_units,
        },
        "run": forecast.run.as_ref().map(run),
        "hours_a_month": estimate.terms.hours,
        "retention_seconds": estimate.terms.retention.map(|keep| keep.as_secs_f64()),
        "assumed": estimate.assumed.as_ref().map(|(rate, groups)| json!({
            "groups": groups,
            "seconds_between_ticks": rate.interval().as_secs_f64(),
        })),
        "months": months,
        "region": estimate.prices.region,
        "prices": prices,
    })
}

fn group(group: &GroupHour) -> Value {
    let sample = &group.sample;
    json!({
        "group": group.name,
        "devices": group.devices,
        "messages": group.messages,
        "payload_bytes": group.payload,
        "log_bytes": group.bytes,
        "bytes_per_row": if group.messages > 0.0 { Some(group.bytes / group.messages) } else { None },
        "events": group.events,
        "sample": {
            "devices": sample.devices,
            "seconds": sample.time.as_secs_f64(),
            "ticks": sample.ticks,
            "messages": sample.messages,
            "encoded": sample.encoded,
            "failed_calls": sample.failed,
            "fallen_devices": sample.fallen,
            "retired_devices": sample.retired,
            "fault": sample.fault,
            "stages_left_out": sample.stages,
        },
    })
}

fn run(run: &Run) -> Value {
    json!({
        "seconds": run.duration.as_secs_f64(),
        "messages": whole(run.messages),
        "files": whole(run.files),
        "log_bytes": whole(run.bytes),
    })
}

fn bill(bill: &Bill) -> Value {
    let lines: Vec<Value> = bill
        .lines
        .iter()
        .map(|line| {
            json!({
                "for": line.what,
                "amount": line.amount,
                "unit": line.unit,
                "usd": line.usd,
            })
        })
        .collect();
    json!({ "usd": bill.usd(), "lines": lines })
}
