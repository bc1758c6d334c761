//! The test vectors: which specifications, and their values. Owns both; the file
//! `sdk/vectors.json` is its output, and `tests/vectors.rs` holds the two together.

use std::fmt::Write;

use mockfleet_sdk::generate::{Context, Scope, Spec, Value};
use mockfleet_sdk::testing::Setup;
use mockfleet_sdk::{Instant, Rng, Tick};
use serde_json::{Value as Json, json};

/// The device's seed.
const SEED: u64 = 42;

/// 2026-10-24T20:00:00Z: six hours before the clocks of Europe go back.
const BORN: u64 = 1_792_872_000_000_000;

/// How many values each specification is asked for.
const COUNT: u64 = 12;

/// The specifications, each with the seconds from value to value.
fn specifications() -> Vec<(&'static str, u64, Json)> {
    let points = json!([
        { "at": "0s", "value": 10 }, { "at": "2s", "value": 30 }, { "at": "7s", "value": 20 }
    ]);
    let day = json!([
        { "at": "00:00", "value": 1 }, { "at": "06:00", "value": 5.5 }, { "at": "18:00", "value": 3 }
    ]);
    let curve = |interpolation: &str| json!({ "kind": "curve", "points": points, "period": "10s", "interpolation": interpolation });
    vec![
        (
            "uniform",
            1,
            json!({ "kind": "uniform", "min": -1, "max": 3 }),
        ),
        (
            "uniform-whole",
            1,
            json!({ "kind": "uniform", "min": 1, "max": 6, "decimals": 0 }),
        ),
        (
            "normal",
            1,
            json!({ "kind": "normal", "mean": 20, "deviation": 2.5 }),
        ),
        (
            "normal-rounded",
            1,
            json!({ "kind": "normal", "mean": 0, "deviation": 10, "min": -5, "decimals": 2 }),
        ),
        (
            "exponential",
            1,
            json!({ "kind": "exponential", "mean": 3 }),
        ),
        ("poisson-few", 1, json!({ "kind": "poisson", "mean": 2.5 })),
        (
            "poisson-many",
            5,
            json!({ "kind": "poisson", "mean": 600, "per": "1m" }),
        ),
        ("chance", 1, json!({ "kind": "chance", "probability": 0.3 })),
        (
            "counter",
            1,
            json!({ "kind": "counter", "start": 3, "step": 2, "until": 9 }),
        ),
        (
            "walk",
            1,
            json!({ "kind": "walk", "start": 20, "step": 0.5 }),
        ),
        (
            "walk-bounded",
            1,
            json!({ "kind": "walk", "min": 0, "max": 2, "step": 1.5, "spread": 0.5 }),
        ),
        (
            "walk-timed",
            40,
            json!({ "kind": "walk", "mean": 50, "pull": 0.2, "step": 3, "every": "1m", "decimals": 3 }),
        ),
        (
            // Unrounded: the power and the root to the last bit.
            "walk-timed-exact",
            37,
            json!({ "kind": "walk", "start": 10, "mean": 50, "pull": 0.35, "step": 3, "every": "1m" }),
        ),
        (
            "sine",
            1,
            json!({ "kind": "wave", "min": -1, "max": 1, "period": "7s" }),
        ),
        (
            "triangle",
            1,
            json!({ "kind": "wave", "shape": "triangle", "min": 0, "max": 10, "period": "7s", "phase": 0.1 }),
        ),
        (
            "square",
            1,
            json!({ "kind": "wave", "shape": "square", "min": 0, "max": 1, "period": "5s", "duty": 0.3 }),
        ),
        (
            "saw",
            1,
            json!({ "kind": "wave", "shape": "saw", "min": 0, "max": 1, "period": "3s", "spread": "3s" }),
        ),
        ("curve-linear", 1, curve("linear")),
        ("curve-step", 1, curve("step")),
        ("curve-smooth", 1, curve("smooth")),
        (
            "curve-jitter",
            1,
            json!({ "kind": "curve", "points": points, "jitter": 1.5, "decimals": 2 }),
        ),
        (
            "curve-spread",
            1,
            json!({ "kind": "curve", "points": points, "period": "10s", "spread": "10s", "interpolation": "smooth" }),
        ),
        (
            "profile",
            3_600,
            json!({ "kind": "profile", "zone": "Europe/Berlin", "daily": day }),
        ),
        (
            "profile-week",
            43_200,
            json!({
                "kind": "profile", "daily": day, "interpolation": "step",
                "weekly": { "sun": [{ "at": "12:00", "value": 9 }] },
            }),
        ),
        (
            // Without a zone, which not every language has.
            "profile-utc",
            5_000,
            json!({ "kind": "profile", "daily": day, "interpolation": "smooth", "jitter": 0.25 }),
        ),
        (
            "bucket",
            1,
            json!({ "kind": "bucket", "values": ["a", "b", "c"] }),
        ),
        (
            "bucket-weights",
            1,
            json!({ "kind": "bucket", "values": [1, 2.5, null], "weights": [5, 1, 2] }),
        ),
        (
            "bucket-sequence",
            1,
            json!({ "kind": "bucket", "values": [true, "x"], "order": "sequence" }),
        ),
        (
            "markov",
            1,
            json!({
                "kind": "markov", "start": "idle",
                "states": { "idle": { "to": { "busy": 0.4 } }, "busy": { "to": { "idle": 0.3, "fault": 0.2 } }, "fault": {} },
            }),
        ),
        (
            "markov-timed",
            5,
            json!({
                "kind": "markov", "start": "off", "every": "2s",
                "states": { "off": { "value": 0, "to": { "on": 0.5 } }, "on": { "value": 1, "to": { "off": 0.5 } } },
            }),
        ),
        (
            "id-hex",
            1,
            json!({ "kind": "id", "style": "hex", "length": 8 }),
        ),
        ("id-uuid", 1, json!({ "kind": "id", "style": "uuid" })),
        ("id-ulid", 1, json!({ "kind": "id", "style": "ulid" })),
        (
            "id-device",
            1,
            json!({ "kind": "id", "style": "letters", "length": 6, "per": "device" }),
        ),
        (
            "timestamp",
            1,
            json!({ "kind": "timestamp", "format": "rfc3339-ms", "zone": "Asia/Kolkata" }),
        ),
        (
            "timestamp-unix",
            1,
            json!({ "kind": "timestamp", "format": "unix-float", "shift": "-1.5s" }),
        ),
        (
            "route",
            20,
            json!({
                "kind": "route", "speed": 60, "speed-deviation": 5, "noise": 3, "end": "return",
                "points": [{ "lat": 52.5, "lon": 13.4 }, { "lat": 52.51, "lon": 13.42, "stop": "30s" }],
            }),
        ),
        (
            "bulk",
            1,
            json!({
                "kind": "bulk", "count": 2, "every": "500ms",
                "of": { "kind": "object", "fields": {
                    "at": { "kind": "timestamp", "format": "unix-ms" },
                    "w": { "kind": "uniform", "min": 0, "max": 9, "decimals": 1 },
                } },
            }),
        ),
        (
            "faulty",
            1,
            json!({
                "kind": "faulty", "of": { "kind": "counter" },
                "faults": [
                    { "kind": "spike", "by": 100, "chance": 0.2 },
                    { "kind": "stuck-at", "chance": 0.1, "lasts": "3s" },
                    { "kind": "drift", "per-hour": 3600, "after": "8s" },
                ],
            }),
        ),
    ]
}

/// The file's whole text: JSON with a specification and its values on a line each.
pub(crate) fn vectors() -> String {
    let mut text = String::from("{\n");
    let rng = Rng::new(SEED);
    let (mut bits, mut units, mut stream) = (rng.clone(), rng.clone(), rng.stream("temperature"));
    let note =
        "each value from Rng::new(seed).stream(name), on a device born at born_us, every_us apart";
    let _ = writeln!(text, "  \"note\": {},", json!(note));
    let _ = writeln!(text, "  \"seed\": {SEED},\n  \"born_us\": {BORN},");
    let hex = |rng: &mut Rng| {
        (0..4)
            .map(|_| format!("{:016x}", rng.bits()))
            .collect::<Vec<_>>()
    };
    let _ = writeln!(text, "  \"bits\": {},", json!(hex(&mut bits)));
    let _ = writeln!(
        text,
        "  \"stream_temperature_bits\": {},",
        json!(hex(&mut stream))
    );
    let _ = writeln!(
        text,
        "  \"unit\": {},",
        json!((0..4).map(|_| units.unit()).collect::<Vec<_>>())
    );
    text.push_str("  \"cases\": [");
    for (place, (name, seconds, spec)) in specifications().into_iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let every = seconds * 1_000_000;
        let values = serde_json::to_string(&values(name, every, &spec)).expect("values are JSON");
        let _ = write!(
            text,
            "{comma}\n    {{ \"name\": {}, \"every_us\": {every},\n      \"spec\": {spec},\n      \"values\": {values} }}",
            json!(name)
        );
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn values(name: &str, every: u64, spec: &Json) -> Vec<Value> {
    let spec: Spec = serde_json::from_value(spec.clone()).expect("a specification");
    let plan = spec.plan(&Scope::new()).expect("a sound one");
    let mut generator = plan.start(Rng::new(SEED).stream(name));
    let device = Setup {
        seed: SEED,
        born: Instant::from_micros(BORN),
        ..Setup::default()
    }
    .device();
    let value = |sequence| {
        let at = Instant::from_micros(BORN + sequence * every);
        generator
            .next(&Context::new(&device, Tick::new(at, sequence)))
            .expect("a value")
    };
    (0..COUNT).map(value).collect()
}
