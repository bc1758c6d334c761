//! What is no line: texts, identifiers, moments, expressions.

use mockfleet_sdk::generate::{
    Chance, Constant, Curve, Expression, Field, Format, Id, Interpolation, Object, Scope, Spec,
    Style, Text, Timestamp, Uniform, Value,
};
use std::time::Duration;

use crate::sampler::{Sampler, seconds};
use crate::svg::{Ink, Picture, Ticks};

pub(crate) fn texts() -> String {
    let mut picture = Picture::new("texts, identifiers, moments: the first values");
    let scope = Scope::new().names(["temperature", "position"]);
    let position = Object::new([
        ("lat", Constant::new(52.5163)),
        ("lon", Constant::new(13.3777)),
    ]);
    let kinds: [(&str, Spec); 17] = [
        ("id uuid", Id::new(Style::Uuid).into()),
        ("id uuid-v7", Id::new(Style::UuidV7).into()),
        ("id ulid", Id::new(Style::Ulid).into()),
        ("id hex", Id::new(Style::Hex).into()),
        ("id digits, 8", Id::new(Style::Digits).length(8).into()),
        (
            "id letters, a device",
            Id::new(Style::Letters).length(8).per_device().into(),
        ),
        ("timestamp rfc3339", Timestamp::new(Format::Rfc3339).into()),
        (
            "… in Asia/Kolkata",
            Timestamp::new(Format::Rfc3339Ms)
                .zone("Asia/Kolkata")
                .into(),
        ),
        (
            "… strftime",
            Timestamp::default().strftime("%a %d.%m.%Y %H:%M:%S").into(),
        ),
        ("timestamp unix-ms", Timestamp::new(Format::UnixMs).into()),
        (
            "timestamp unix-float",
            Timestamp::new(Format::UnixFloat).into(),
        ),
        (
            "text",
            Text::new("{{ device.id }}: {{ temperature }} °C").into(),
        ),
        (
            "expression",
            Expression::new("temperature * 9 / 5 + 32")
                .decimals(1)
                .into(),
        ),
        ("field position.lat", Field::new("position.lat").into()),
        ("chance 0.5", Chance::new(0.5).into()),
        ("constant", Constant::new("v1.2.3").into()),
        (
            "object",
            Object::new([
                ("n", Spec::from(Uniform::new(1.0..=6.0).decimals(0))),
                ("ok", Chance::new(0.9).into()),
            ])
            .into(),
        ),
    ];
    let place = Sampler::new(position, 1).value(0.0, 0.0);
    let mut family = "";
    for (name, spec) in kinds {
        let first = name.split(' ').next().unwrap();
        if first != family && first != "…" {
            picture.space();
            family = first;
        }
        let mut sampler = Sampler::of(&spec.plan(&scope).unwrap(), 6);
        let long = name.starts_with("id uuid");
        let texts: Vec<String> = seconds(if long { 1 } else { 3 }, 1.5)
            .map(|at| {
                sampler.fields = vec![Value::Number(21.5 + at), place.clone()];
                serde_json::to_string(&sampler.value(at, 0.0)).unwrap()
            })
            .collect();
        let mut shown = Vec::new();
        let mut length = 0;
        for text in texts {
            length += text.chars().count() + 3;
            if length <= 76 {
                shown.push(text);
            }
        }
        picture.text(name, &shown.join(" · "));
    }
    picture.finish(4.0)
}

pub(crate) fn expression() -> String {
    let mut picture = Picture::new("expression: a dew point from two other fields");
    let hours = |hour: u64| Duration::from_secs(hour * 3_600);
    let day = |points: [(u64, f64); 4]| {
        Curve::new(points.map(|(hour, value)| (hours(hour), value)))
            .period(hours(24))
            .interpolation(Interpolation::Smooth)
    };
    let mut temperature = Sampler::new(
        day([(0, 14.0), (5, 11.0), (14, 24.0), (19, 19.0)]).jitter(0.1),
        1,
    );
    let mut humidity = Sampler::new(
        day([(0, 70.0), (5, 88.0), (14, 45.0), (19, 60.0)]).jitter(0.4),
        2,
    );
    let scope = Scope::new().names(["temperature", "humidity"]);
    let source = "243.12 * (ln(humidity / 100) + 17.62 * temperature / (243.12 + temperature)) / (17.62 - ln(humidity / 100) - 17.62 * temperature / (243.12 + temperature))";
    let plan = Expression::new(source).decimals(2).plan(&scope).unwrap();
    let mut dew = Sampler::of(&plan, 3);
    let mut found: [Vec<(f64, Option<f64>)>; 3] = Default::default();
    for at in seconds(289, 600.0) {
        dew.fields = vec![temperature.value(at, 0.0), humidity.value(at, 0.0)];
        let dew_point = dew.value(at, 0.0);
        for (series, value) in found.iter_mut().zip(dew.fields.iter().chain([&dew_point])) {
            series.push((at / 3_600.0, value.as_number()));
        }
    }
    let mut panel = picture.panel(150.0, (0.0, 48.0), (0.0, 30.0));
    panel.axes("°C", "hours since birth", &Ticks::Numbers, &Ticks::Numbers);
    panel.line(&found[0], Ink::A, "");
    panel.line(&found[2], Ink::C, "");
    panel.legend(&[("temperature", Ink::A), ("dew point", Ink::C)]);
    picture.put(panel);
    picture.below(150.0);
    let mut panel = picture.panel(80.0, (0.0, 48.0), (30.0, 100.0));
    panel.axes(
        "humidity, %",
        "hours since birth",
        &Ticks::Numbers,
        &Ticks::Numbers,
    );
    panel.line(&found[1], Ink::B, "");
    picture.put(panel);
    picture.below(80.0);
    picture.finish(14.0)
}
